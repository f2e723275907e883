"""Backtests on real pairs of markets: the books add up to the micro, and no trade is carried from one contract into the next."""

from collections import Counter, defaultdict
from collections.abc import Iterable

import pytest

from tests.golden.markets import ES_VX, SPY_VIX, SPY_VXX, Pair
from tests.golden.pair_runs import CASH, PairRun, RunOf
from theo.domain.facts import Decided, Filled, TradeClosed
from theo.domain.instrument import MICROS, Instrument
from theo.engine.account import equity
from theo.report.deals import runs


@pytest.fixture(params=[SPY_VIX, ES_VX, SPY_VXX], ids=lambda pair: pair.name)
def tested(request: pytest.FixtureRequest, run_of: RunOf) -> PairRun:
    pair = request.param
    assert isinstance(pair, Pair)
    return run_of(pair)


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


def test_no_trade_spans_two_contracts(run_of: RunOf) -> None:
    tested = run_of(ES_VX)
    contracts = defaultdict(set)
    for fill in (fact for fact in tested.facts if isinstance(fact, Filled)):
        contracts[fill.trade].add(tested.bar_at(fill.timestamp).contract)
    assert {len(of_trade) for of_trade in contracts.values()} == {1}
    assert len(set().union(*contracts.values())) >= 5, "trades in several contracts"
    rolled = [fact for fact in tested.facts if isinstance(fact, TradeClosed) and fact.how == "roll"]
    assert rolled, "the data holds positions that a roll had to close"


def test_breaks_and_signals_are_as_counted(run_of: RunOf) -> None:
    """SPY and VIX, 2019-01-04 to 02-08, inverse, 0.7, k = 2: the published counts."""
    tested = run_of(SPY_VIX)
    scans = tested.done.core.world.scans["spy-vix"]
    up, down = (1 << at for at, said in enumerate(scans.strategy.conditions()) if " breaks " in said)
    decided = [fact for fact in tested.facts if isinstance(fact, Decided)]
    assert len(decided) == len(tested.bars) == 650
    assert (sum(bool(d.truths & up) for d in decided), sum(bool(d.truths & down) for d in decided)) == (35, 24)
    assert sum(d.verdict != "nothing" for d in decided) == 34
