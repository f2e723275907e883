"""Backtests on real pairs of markets: the books add up to the micro, and no trade is carried from one contract into the next."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from tests.golden.markets import ES_VX, SPY_VIX, SPY_VXX, HomeOf, Pair
from tests.golden.records import facts_of
from theo.app.commands.backtest import plan_backtest
from theo.app.home import open_home
from theo.domain.facts import Decided, Fact, Filled, TradeClosed
from theo.domain.instrument import MICROS, Instrument
from theo.domain.journal import Record
from theo.domain.keys import Mode
from theo.domain.market_data import Bar
from theo.drive.backtest import Backtested, backtest, merged
from theo.engine.account import equity
from theo.report.deals import runs

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


def run_pair(home: Path, ruleset: Path) -> PairRun:
    plan, stored, market = plan_backtest(open_home(home), str(ruleset), timerange="", cash=CASH, source="", mode=Mode.BACKTEST)
    try:
        records: list[Record] = []
        done = backtest(plan, merged([series.bars() for series in stored]), records.extend)
        return PairRun(done, facts_of(records), list(stored[0].bars()), {i.id: i for i in plan.instruments.values()})
    finally:
        market.close()


@pytest.fixture(params=[SPY_VIX, ES_VX, SPY_VXX], ids=lambda pair: pair.name)
def tested(request: pytest.FixtureRequest, home_of: HomeOf) -> PairRun:
    pair = request.param
    assert isinstance(pair, Pair)
    return run_pair(*home_of(pair))


def test_deals_and_the_open_trade_add_up_to_the_change_of_equity(tested: PairRun) -> None:
    """Equity, from the fills alone, is that of the core, of the exchange's books, and of the deals."""
    fills = [fact for fact in tested.facts if isinstance(fact, Filled)]
    assert len({fill.trade for fill in fills}) >= 20
    prices = tested.last_closes()
    cash, held = _cash_and_positions(fills, tested.instruments)
    worth = cash + sum(quantity * prices[i] * tested.instruments[i].unit_value for i, quantity in held.items() if quantity)

    core, venue = tested.done.core, tested.done.venue
    assert equity(core.state, core.world) == worth
    assert CASH * MICROS + venue.books.cash == cash
    (run,) = runs(tested.facts, tested.instruments)
    deals = run.deals()
    assert len(deals) == len({fill.trade for fill in fills})
    assert CASH * MICROS + sum(deal.net for deal in deals) + run.open_profit(prices) == worth


def _cash_and_positions(fills: Iterable[Filled], instruments: dict[int, Instrument]) -> tuple[int, Counter[int]]:
    cash, held = CASH * MICROS, Counter[int]()
    for fill in fills:
        sign = 1 if fill.side == "BUY" else -1
        cash -= sign * fill.quantity * fill.price * instruments[fill.instrument].unit_value + fill.charges
        held[fill.instrument] += sign * fill.quantity
    return cash, held


def test_every_fill_lies_inside_the_bar_of_its_time(tested: PairRun) -> None:
    for fill in (fact for fact in tested.facts if isinstance(fact, Filled)):
        bar = tested.bar_at(fill.timestamp)
        assert bar.low <= fill.price <= bar.high
        assert fill.price % tested.instruments[fill.instrument].tick == 0 or fill.price in {bar.open, bar.low, bar.high}


def test_no_trade_spans_two_contracts(home_of: HomeOf) -> None:
    tested = run_pair(*home_of(ES_VX))
    contracts = defaultdict(set)
    for fill in (fact for fact in tested.facts if isinstance(fact, Filled)):
        contracts[fill.trade].add(tested.bar_at(fill.timestamp).contract)
    assert {len(of_trade) for of_trade in contracts.values()} == {1}
    assert len(set().union(*contracts.values())) >= 5, "trades in several contracts"
    rolled = [fact for fact in tested.facts if isinstance(fact, TradeClosed) and fact.how == "roll"]
    assert rolled, "the data holds positions that a roll had to close"


def test_breaks_and_signals_are_as_counted(home_of: HomeOf) -> None:
    """SPY and VIX, 2019-01-04 to 02-08, inverse, 0.7, k = 2: counted by another program."""
    tested = run_pair(*home_of(SPY_VIX))
    scans = tested.done.core.world.scans["spy-vix"]
    up, down = (1 << at for at, said in enumerate(scans.strategy.conditions()) if " breaks " in said)
    decided = [fact for fact in tested.facts if isinstance(fact, Decided)]
    assert len(decided) == len(tested.bars) == 650
    assert (sum(bool(d.truths & up) for d in decided), sum(bool(d.truths & down) for d in decided)) == (35, 24)
    assert sum(d.verdict != "nothing" for d in decided) == 34
