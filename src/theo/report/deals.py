"""Deals, daily results and equity of one run, folded from its facts. Money in micros, times in microseconds UTC.

The deals of a run, charges included, add up to its change of equity exactly: nothing is rounded before it is shown. Ratios are
in performance.py, pictures in picture.py; what is stored of this lies in the market database's own projection.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from theo.domain.facts import DayBegan, Fact, Filled, FillRevised, LegRolled, RunStarted, TradeClosed, TradeIntended
from theo.domain.instrument import Instrument
from theo.domain.keys import Key
from theo.domain.market_data import DAY
from theo.domain.orders import Side

RUNNING: Final = "Running"
COMPLETED: Final = "Completed"

# How a trade was closed (facts.TradeClosed) in the words of the deals report; a strategy's own reason is shown as it is
HOW_CLOSED: Final = MappingProxyType({
    "stop": "Stop-loss",
    "target": "Profit",
    "exit_rule": "Exit-rule",
    "reverse": "Reversal",
    "session_end": "Session end",
    "flatten": "Flattened",
    "breaker": "Circuit breaker",
    "manual": "Manual",
    "unprotected": "No stop possible",
    "roll": "Contract roll",
    "cancelled": "Entry cancelled",
    "rejected": "Entry rejected",
    "expired": "Entry expired",
    "lost": "Entry never arrived",
})  # fmt: skip


class Deal(msgspec.Struct, frozen=True, kw_only=True):
    """One trade that was filled. Sums are price units x quantity; ``exited_at`` is 0 while nothing was closed of it.

    ``gross`` is of what was closed: of a running deal the entry's average price counts for the closed part, rounded down to a
    price unit; the rest of its profit is ``RunDeals.open_profit``. ``entry_value`` is the worth of all entries, micros.
    ``charges`` are all so far.
    """

    trade: str
    key: Key
    signal: str
    instrument: int
    symbol: str
    side: Side
    entry_quantity: int
    entry_sum: int
    entered_at: int
    exit_quantity: int
    exit_sum: int
    exited_at: int
    entry_value: int
    gross: int
    charges: int
    risk: int
    how: str

    @property
    def signal_type(self) -> str:
        """Long or Short."""
        return "Long" if self.side is Side.BUY else "Short"

    @property
    def status(self) -> str:
        """Running or Completed."""
        return COMPLETED if self.how else RUNNING

    @property
    def how_closed(self) -> str:
        """How it was closed, in words; "" while it runs."""
        return HOW_CLOSED.get(self.how, self.how)

    @property
    def net(self) -> int:
        """Profit after charges, micros."""
        return self.gross - self.charges

    @property
    def net_percent(self) -> float:
        """Net profit in per cent of the entry's value; 0 where that is 0."""
        return 100.0 * self.net / self.entry_value if self.entry_value else 0.0

    @property
    def entry_average(self) -> float | None:
        """Average entry price in price units; None without a fill."""
        return self.entry_sum / self.entry_quantity if self.entry_quantity else None

    @property
    def exit_average(self) -> float | None:
        """Average exit price in price units; None while nothing was closed."""
        return self.exit_sum / self.exit_quantity if self.exit_quantity else None


class DailyResult(msgspec.Struct, frozen=True):
    """One account day (its end's date, days since the epoch). ``equity_end`` is None until the next day begins.

    ``deals`` closed on it and their ``gross``, ``charges`` and ``net``; the change of equity also holds what is open.
    """

    day: int
    equity_start: int
    equity_end: int | None
    deals: int
    gross: int
    charges: int
    net: int


class EquityPoint(msgspec.Struct, frozen=True):
    """What the account was worth at a moment, micros, known exactly."""

    at: int
    equity: int


class _Sums(msgspec.Struct):
    """A trade on its way: its plan, and its fills as exact sums."""

    plan: TradeIntended
    in_quantity: int = 0
    in_sum: int = 0
    entered_at: int = 0
    out_quantity: int = 0
    out_sum: int = 0
    exited_at: int = 0
    charges: int = 0
    how: str = ""
    closed_day: int = 0


class RunDeals:
    """The fold of one run: give it every fact in order; read it at any time."""

    def __init__(self, started: RunStarted, instruments: Mapping[int, Instrument]) -> None:
        self.key, self.cash_at_start, self.cash = started.key, started.cash, started.cash
        self.positions: dict[int, int] = {}
        self._instruments = instruments
        self._trades: dict[str, _Sums] = {}
        self._ahead: dict[str, _Sums] = {}  # of the contract into which a spread carries the trade
        self._days: dict[int, int] = {}  # account day -> equity at its start
        self._day = started.at // DAY
        self._points = [EquityPoint(started.at, started.cash)]

    def take(self, fact: Fact) -> None:
        """Fold one fact; those that say nothing of deals pass by."""
        if isinstance(fact, Filled):
            self._filled(fact)
        elif isinstance(fact, FillRevised):
            self._revised(fact)
        elif isinstance(fact, TradeIntended):
            self._trades[fact.id] = _Sums(fact)
        elif isinstance(fact, TradeClosed):
            self._closed(fact)
        elif isinstance(fact, LegRolled):
            self._rolled(fact)
        elif isinstance(fact, DayBegan):
            self._day = fact.day
            self._days[fact.day] = fact.equity
            self._points.append(EquityPoint(fact.at, fact.equity))

    def deals(self) -> list[Deal]:
        """Every trade that was filled, in the order in which they were intended; each contract of one that rolled is a deal."""
        known = [*self._trades.values(), *self._ahead.values()]
        return [self._deal(held) for held in known if held.in_quantity or held.out_quantity]

    def equity(self, prices: Mapping[int, int]) -> int:
        """Cash and positions at ``prices`` (price units by instrument id), micros. Raises KeyError for a held one without."""
        held = ((i, quantity) for i, quantity in self.positions.items() if quantity)
        return self.cash + sum(quantity * prices[i] * self._instruments[i].unit_value for i, quantity in held)

    def open_profit(self, prices: Mapping[int, int]) -> int:
        """What the running deals have gained beyond their ``gross``, at ``prices``, micros."""
        total = 0
        for deal in self.deals():
            unit_value = self._instruments[deal.instrument].unit_value
            left = deal.entry_quantity - deal.exit_quantity
            worth = deal.exit_sum + (left * prices[deal.instrument] if left else 0)
            total += deal.side.sign * (worth - deal.entry_sum) * unit_value - deal.gross
        return total

    def days(self) -> list[DailyResult]:
        """The account days in order; a deal belongs to the day on which it was closed."""
        starts = list(self._days.items())
        ends: list[int | None] = [equity for _, equity in starts[1:]]
        closed: dict[int, list[Deal]] = {}
        for held in self._trades.values():
            if held.how and held.in_quantity:
                closed.setdefault(held.closed_day, []).append(self._deal(held))
        results = []
        for (day, start), end in zip(starts, [*ends, None], strict=False):
            deals = closed.get(day, [])
            gross, charges = sum(d.gross for d in deals), sum(d.charges for d in deals)
            results.append(DailyResult(day, start, end, len(deals), gross, charges, gross - charges))
        return results

    def equity_points(self) -> list[EquityPoint]:
        """The moments at which equity is known from facts alone: the start, each account day's begin, each time all is flat."""
        return list(self._points)

    def _deal(self, held: _Sums) -> Deal:
        plan = held.plan
        instrument = self._instruments[plan.instrument]
        done = min(held.in_quantity, held.out_quantity)
        flat = held.in_quantity == held.out_quantity
        cost = held.in_sum if flat or not held.in_quantity else held.in_sum * done // held.in_quantity
        back = held.out_sum if flat or not held.out_quantity else held.out_sum * done // held.out_quantity
        return Deal(
            trade=plan.id,
            key=plan.key,
            signal=plan.signal,
            instrument=plan.instrument,
            symbol=instrument.symbol,
            side=plan.side,
            entry_quantity=held.in_quantity,
            entry_sum=held.in_sum,
            entered_at=held.entered_at,
            exit_quantity=held.out_quantity,
            exit_sum=held.out_sum,
            exited_at=held.exited_at,
            entry_value=held.in_sum * instrument.unit_value,
            gross=plan.side.sign * (back - cost) * instrument.unit_value,
            charges=held.charges,
            risk=plan.risk,
            how=held.how,
        )

    def _sums(self, fact: Filled | FillRevised) -> _Sums:
        held = self._trades[fact.trade]
        return self._ahead.setdefault(fact.trade, _Sums(held.plan)) if fact.ahead else held

    def _filled(self, fact: Filled) -> None:
        """A fill after the end (both legs of an exit group) makes the deal run again until it is flat."""
        held = self._sums(fact)
        held.how = ""
        held.charges += fact.charges
        if fact.side is held.plan.side:
            held.in_quantity += fact.quantity
            held.in_sum += fact.quantity * fact.price
            held.entered_at = held.entered_at or fact.timestamp
        else:
            held.out_quantity += fact.quantity
            held.out_sum += fact.quantity * fact.price
            held.exited_at = fact.timestamp
        self.cash -= fact.value + fact.charges
        self.positions[fact.instrument] = self.positions.get(fact.instrument, 0) + fact.side.sign * fact.quantity
        if not any(self.positions.values()):
            self._points.append(EquityPoint(fact.at, self.cash))

    def _revised(self, fact: FillRevised) -> None:
        """What was counted changes; a deal that was over runs again until its new sums are closed."""
        held = self._sums(fact)
        held.how = ""
        held.charges += fact.charges
        if fact.side is held.plan.side:
            held.in_quantity, held.in_sum = held.in_quantity + fact.quantity, held.in_sum + fact.turnover
        else:
            held.out_quantity, held.out_sum = held.out_quantity + fact.quantity, held.out_sum + fact.turnover
        self.cash -= fact.value + fact.charges
        self.positions[fact.instrument] = self.positions.get(fact.instrument, 0) + fact.side.sign * fact.quantity
        if not any(self.positions.values()):
            self._points.append(EquityPoint(fact.at, self.cash))

    def _closed(self, fact: TradeClosed) -> None:
        held = self._trades[fact.id]
        held.how, held.closed_day = fact.how, self._day
        self._days.setdefault(self._day, self.cash_at_start)

    def _rolled(self, fact: LegRolled) -> None:
        """One contract's deal is over; the trade's next one begins."""
        held = self._trades.pop(fact.trade)
        held.how, held.closed_day = "roll", self._day
        self._trades[f"{fact.trade} {fact.previous}"] = held
        plan = msgspec.structs.replace(
            held.plan, quantity=fact.reopened, entry=held.plan.entry + fact.difference, stop=fact.stop, target=fact.target
        )
        self._trades[fact.trade] = msgspec.structs.replace(self._ahead.pop(fact.trade, _Sums(plan)), plan=plan)
        self._days.setdefault(self._day, self.cash_at_start)


def runs(facts: Iterable[Fact], instruments: Mapping[int, Instrument]) -> list[RunDeals]:
    """The fold of each run of a journal, in order. Facts before the first RunStarted belong to no run and are passed over."""
    found: list[RunDeals] = []
    for fact in facts:
        if isinstance(fact, RunStarted):
            found.append(RunDeals(fact, instruments))
        elif found:
            found[-1].take(fact)
    return found
