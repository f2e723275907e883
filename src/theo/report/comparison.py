"""Two runs of the same scans beside each other: what each made of a signal, where their fills differ, and which only one took.

Signals are matched by configuration, symbol, side and the end of the bar on which they were raised. What else a run traded (by
hand) is counted and left out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from theo.domain.facts import Decided, Fact, RunStarted, SignalClosed, SignalRaised, TradeIntended
from theo.domain.instrument import Instrument
from theo.domain.orders import Side
from theo.domain.signals import Proposal
from theo.report.deals import COMPLETED, RUNNING, Deal, RunDeals

Match = tuple[str, str, Side, int]  # configuration, symbol, side, bar end

NOT_RUN: Final = "not_run"
AWAY: Final = "away"
NO_LOOK: Final = "no_look"
NO_SIGNAL: Final = "no_signal"
NO_FILL: Final = "no_fill"


class Traded(msgspec.Struct, frozen=True, kw_only=True):
    """A filled trade of one run, all contracts of one that rolled. Prices are averages in price units, money micros."""

    trade: str
    quantity: int
    entry: float
    entered_at: int
    exit: float | None
    exited_at: int
    gross: int
    charges: int
    status: str
    how: str

    @property
    def net(self) -> int:
        """Profit after charges, micros."""
        return self.gross - self.charges


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """What two runs made of one signal. ``entry_ticks`` and ``exit_ticks``: how much worse the first was filled.

    ``slippage`` is the same in micros, of the quantity that both traded; an exit counts when both are out.
    """

    config: str
    symbol: str
    instrument: int
    side: Side
    end: int
    first: Traded
    second: Traded
    entry_ticks: float
    exit_ticks: float | None
    slippage: int


class Single(msgspec.Struct, frozen=True, kw_only=True):
    """A trade that one run took, ``first`` or the second. ``rule`` is what kept the other one out, ``why`` in words."""

    config: str
    symbol: str
    instrument: int
    side: Side
    end: int
    first: bool
    trade: Traded
    rule: str
    why: str


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Pairs and single trades in the order of their signals; ``refused``: signals of both that neither took.

    ``versions`` are configurations of which the runs have different versions; ``others`` counts trades of no scan's signal.
    """

    pairs: list[Pair]
    singles: list[Single]
    refused: int
    versions: list[str]
    others: tuple[int, int]


class Played:
    """One run, folded from its facts."""

    def __init__(self, facts: Sequence[Fact], instruments: Mapping[int, Instrument]) -> None:
        self.instruments = instruments
        self.signals: dict[Match, SignalRaised] = {}
        self.versions: dict[str, set[str]] = {}
        self._closed: dict[str, SignalClosed] = {}
        self._verdicts: dict[tuple[str, int], str] = {}
        self._intended: set[str] = set()
        deals: RunDeals | None = None
        for fact in facts:
            if isinstance(fact, RunStarted):
                deals = RunDeals(fact, instruments)
            elif deals is not None:
                deals.take(fact)
            self._take(fact)
        self._trades = _by_signal(() if deals is None else deals.deals())
        ends = [end for _, end in self._verdicts]
        self.spans = (min(ends, default=0), max(ends, default=0))

    def _take(self, fact: Fact) -> None:
        if isinstance(fact, SignalRaised) and isinstance(fact.action, Proposal):
            symbol = self.instruments[fact.action.instrument].symbol
            self.signals[fact.key.config, symbol, fact.action.side, fact.end] = fact
            self.versions.setdefault(fact.key.config, set()).add(fact.key.config_version)
        elif isinstance(fact, SignalClosed):
            self._closed[fact.id] = fact
        elif isinstance(fact, Decided):
            self._verdicts[fact.config, fact.end] = fact.verdict
        elif isinstance(fact, TradeIntended):
            self._intended.add(fact.signal)

    def traded(self, match: Match) -> Traded | None:
        """The filled trade of a signal."""
        raised = self.signals.get(match)
        return None if raised is None else self._trades.get(raised.id)

    @property
    def others(self) -> int:
        """Filled trades that no scan's signal led to."""
        return len(self._trades.keys() - {raised.id for raised in self.signals.values()})

    def why_not(self, match: Match) -> tuple[str, str]:
        """The rule that kept a trade from being, and that in words."""
        config, _, _, end = match
        raised = self.signals.get(match)
        closed = None if raised is None else self._closed.get(raised.id)
        if closed is not None and closed.refused is not None:
            return closed.refused.rule, closed.refused.text
        if raised is not None:
            return NO_FILL, "its entry was not filled" if raised.id in self._intended else "the signal led to no order"
        if config not in {known for known, _ in self._verdicts}:
            return NOT_RUN, f"it does not run {config}"
        if not self.spans[0] <= end <= self.spans[1]:
            return AWAY, "it had not begun" if end < self.spans[0] else "it had ended"
        verdict = self._verdicts.get((config, end))
        return (NO_LOOK, "it did not look at that bar") if verdict is None else (NO_SIGNAL, f"no signal: {verdict}")


def compare(first: Played, second: Played) -> Comparison:
    """What both made of each signal of either."""
    pairs: list[Pair] = []
    singles: list[Single] = []
    refused = 0
    for match in sorted(first.signals.keys() | second.signals.keys(), key=lambda each: (each[3], each[0], each[1])):
        ours, theirs = first.traded(match), second.traded(match)
        known = first if match in first.signals else second
        instrument = next(each for each in known.instruments.values() if each.symbol == match[1])
        if ours is not None and theirs is not None:
            pairs.append(_pair(match, instrument, ours, theirs))
        elif ours is not None or theirs is not None:
            singles.append(_single(match, instrument, ours, theirs, (first, second)))
        else:
            refused += match in first.signals and match in second.signals
    both = sorted(first.versions.keys() & second.versions.keys())
    versions = [config for config in both if first.versions[config] != second.versions[config]]
    return Comparison(pairs=pairs, singles=singles, refused=refused, versions=versions, others=(first.others, second.others))


def _pair(match: Match, instrument: Instrument, first: Traded, second: Traded) -> Pair:
    """Worse is dearer for what buys, cheaper for what sells; the exit trades the other way round than the entry."""
    config, symbol, side, end = match
    quantity = min(first.quantity, second.quantity)
    entry, leave = side.sign * (first.entry - second.entry), 0.0
    out = first.exit is not None and second.exit is not None and first.status == second.status == COMPLETED
    if out:
        assert first.exit is not None
        assert second.exit is not None
        leave = side.sign * (second.exit - first.exit)
    return Pair(
        config=config,
        symbol=symbol,
        instrument=instrument.id,
        side=side,
        end=end,
        first=first,
        second=second,
        entry_ticks=entry / instrument.tick,
        exit_ticks=leave / instrument.tick if out else None,
        slippage=round((entry + leave) * quantity * instrument.unit_value),
    )


def _single(
    match: Match, instrument: Instrument, ours: Traded | None, theirs: Traded | None, runs: tuple[Played, Played]
) -> Single:
    config, symbol, side, end = match
    trade = ours or theirs
    assert trade is not None
    rule, why = runs[1 if ours is not None else 0].why_not(match)
    return Single(
        config=config,
        symbol=symbol,
        instrument=instrument.id,
        side=side,
        end=end,
        first=ours is not None,
        trade=trade,
        rule=rule,
        why=why,
    )


def _by_signal(deals: Iterable[Deal]) -> dict[str, Traded]:
    """Each trade by its signal, or by its own id where it has none."""
    found: dict[str, list[Deal]] = {}
    for deal in deals:
        found.setdefault(deal.signal or deal.trade, []).append(deal)
    return {signal: _traded(sorted(parts, key=lambda deal: deal.entered_at)) for signal, parts in found.items()}


def _traded(parts: Sequence[Deal]) -> Traded:
    """One trade: its first contract's entry, its last one's exit, and the sums of all."""
    begun, ended = parts[0], parts[-1]
    return Traded(
        trade=begun.trade.partition(" ")[0],
        quantity=begun.entry_quantity,
        entry=begun.entry_average or 0.0,
        entered_at=begun.entered_at,
        exit=ended.exit_average,
        exited_at=ended.exited_at,
        gross=sum(part.gross for part in parts),
        charges=sum(part.charges for part in parts),
        status=COMPLETED if all(part.status == COMPLETED for part in parts) else RUNNING,
        how=ended.how_closed,
    )


def totals(found: Comparison) -> Iterator[tuple[str, int, int]]:
    """Charges and net of the pairs, and net of what only one took: of the first run and the second, micros."""
    yield "charges", sum(pair.first.charges for pair in found.pairs), sum(pair.second.charges for pair in found.pairs)
    yield "net", sum(pair.first.net for pair in found.pairs), sum(pair.second.net for pair in found.pairs)
    only = [sum(one.trade.net for one in found.singles if one.first is of_first) for of_first in (True, False)]
    yield "net alone", only[0], only[1]
