"""What a rule set would have signalled over stored bars: the decisions of a backtest, asked without a position.

A position that the backtest holds changes what becomes of a signal, never whether there is one.
"""

from collections.abc import Iterable, Sequence

import msgspec

from theo.app.home.layout import Home
from theo.app.runs.planning import look_ahead, plan_backtest
from theo.app.runs.rolling import rollings
from theo.app.times import iso
from theo.domain.errors import DataError
from theo.domain.facts import Decided
from theo.domain.journal import TRADING, Record
from theo.domain.keys import Mode
from theo.domain.signals import Evaluation
from theo.drive.backtest import backtest, merged
from theo.engine.codec import decode_facts
from theo.strategy import base
from theo.strategy.compiled import Rule
from theo.strategy.ruleset import RuleSet, plan_of

CASH = 100_000.0  # of the backtest; what it trades changes no signal
NAN = float("nan")
UNPLACED = frozenset({base.NO_STOP, base.NO_TARGET, base.BOTH_SIDES})
LONG_SAID, SHORT_SAID = frozenset({base.LONG, base.LONG_HELD}), frozenset({base.SHORT, base.SHORT_HELD})


class Signalled(msgspec.Struct, frozen=True):
    """A signal: the bar's end (UTC), Long or Short, the primary's close, the correlation with each partner that is asked for.

    ``verdict`` says more where no trade could have followed.
    """

    end: str
    side: str
    price: str
    correlations: dict[str, float | None]
    verdict: str


class Scanned(msgspec.Struct, frozen=True):
    """The decisions over a stored period, oldest first, each as one without a position says it; closes as text by bar end."""

    ruleset: RuleSet
    bars: int
    newest: int
    decided: Sequence[tuple[int, Evaluation]]
    closes: dict[int, str]

    def signals(self) -> list[Signalled]:
        """Those that are for a side."""
        return [_signalled(self, end, seen) for end, seen in self.decided if seen.verdict != base.NOTHING]


def scanned(home: Home, name: str, timerange: str, source: str) -> Scanned:
    """Decide on every bar of a stored period. Raises UserError for a rule set or data that are not there."""
    from theo.app.configuration.file import configured  # pydantic costs as much to load as everything else here

    plan, stored, market = plan_backtest(
        home, name, timerange=timerange, cash=CASH, source=source, mode=Mode.BACKTEST, trades=False
    )
    try:
        decided: list[Decided] = []

        def note(records: Iterable[Record]) -> None:
            facts = (fact for each in records if each.stream == TRADING for fact in decode_facts(each))
            decided.extend(fact for fact in facts if isinstance(fact, Decided))

        items = merged([s.bars() for s in stored], rollings(home, configured(home.configuration).rolls, stored))
        backtest(plan, items, note, ahead=look_ahead(stored))
        primary = stored[0]
        closes = {bar.end: primary.instrument.text(bar.close) for bar in primary.bars()}
    finally:
        market.close()
    if not closes:
        raise DataError("the range holds no stored bar", remedy="Choose another --range")
    ruleset = plan.rulesets[0][0]
    without = _WithoutPosition(ruleset)
    return Scanned(ruleset, len(closes), max(closes), [(each.end, without.judged(each)) for each in decided], closes)


class _WithoutPosition:
    """A decision's verdict as it is for who holds nothing."""

    def __init__(self, ruleset: RuleSet) -> None:
        plan, rules = plan_of(ruleset), ruleset.rules
        places = {operand: at for at, operand in enumerate(plan.numbers)}
        self._own = ruleset.own is not None
        self._long, self._short = (Rule(rule, plan.leaves, places) for rule in (rules.long, rules.short))

    def judged(self, decided: Decided) -> Evaluation:
        """The same numbers, and that verdict."""
        return Evaluation(self._verdict(decided), decided.numbers, decided.truths)

    def _verdict(self, decided: Decided) -> str:
        if decided.verdict in UNPLACED:
            return decided.verdict
        if self._own:
            said = decided.verdict
            return base.LONG if said in LONG_SAID else base.SHORT if said in SHORT_SAID else base.NOTHING
        values = [NAN if number is None else number for number in decided.numbers]
        long, short = (rule.holds(decided.truths, values) for rule in (self._long, self._short))
        if long == short:
            return base.BOTH_SIDES if long else base.NOTHING
        return base.LONG if long else base.SHORT


def _signalled(scanned: Scanned, end: int, seen: Evaluation) -> Signalled:
    numbers = plan_of(scanned.ruleset).numbers
    correlations = {each.symbol: value for each, value in zip(numbers, seen.numbers, strict=True) if each.is_correlation}
    side = {base.LONG: "Long", base.SHORT: "Short"}.get(seen.verdict, "")
    return Signalled(iso(end), side, scanned.closes.get(end, ""), correlations, seen.verdict)
