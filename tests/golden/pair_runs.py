"""Backtests over real pairs, kept in memory."""

from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path

import msgspec

from tests.golden.markets import Pair
from tests.golden.records import facts_of
from theo.app.home.layout import open_home
from theo.app.runs.planning import plan_backtest
from theo.domain.facts import Fact
from theo.domain.instrument import Instrument
from theo.domain.journal import Record
from theo.domain.keys import Mode
from theo.domain.market_data import Bar
from theo.drive.backtest import Backtested, backtest, merged

CASH = 100_000


class PairRun(msgspec.Struct):
    """A backtest over a pair: what it left, the primary's bars, and the instruments by id."""

    done: Backtested
    facts: list[Fact]
    bars: list[Bar]
    instruments: dict[int, Instrument]

    def last_closes(self) -> dict[int, int]:
        """The primary's last close, by instrument id."""
        return {self.bars[-1].instrument: self.bars[-1].close}

    def bar_at(self, time: int) -> Bar:
        """The primary's bar within which something happened at its exchange."""
        found = self.bars[bisect_right([bar.start for bar in self.bars], time) - 1]
        assert found.start <= time <= found.end
        return found


RunOf = Callable[[Pair], PairRun]


def run_pair(home: Path, ruleset: Path) -> PairRun:
    """Backtest a pair over everything that its home holds."""
    plan, stored, market = plan_backtest(open_home(home), str(ruleset), timerange="", cash=CASH, source="", mode=Mode.BACKTEST)
    try:
        records: list[Record] = []
        done = backtest(plan, merged([series.bars() for series in stored]), records.extend)
        return PairRun(done, facts_of(records), list(stored[0].bars()), {i.id: i for i in plan.instruments.values()})
    finally:
        market.close()
