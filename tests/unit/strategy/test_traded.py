"""A signal of one instrument that becomes a trade in another: prices by proportion, sessions of what is traded, one record."""

from dataclasses import replace
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.golden.records import facts_of
from tests.unit.drive.small_worlds import plan_of
from tests.unit.strategy.markets import CLOSE, MES, MONDAY, SPY, VIX, Market, bar, bound, every_15_minutes, weekdays
from theo.domain.errors import ConfigError
from theo.domain.facts import Decided, Filled, SignalRaised, TradeIntended
from theo.domain.instrument import Instrument
from theo.domain.journal import Record
from theo.domain.market_data import DAY, HOUR, Bar
from theo.domain.orders import OrderRole
from theo.domain.signals import Evaluation, Exit, Proposal
from theo.drive.assembly import Plan
from theo.drive.backtest import backtest
from theo.research.ahead import columns_ahead
from theo.strategy import base
from theo.strategy.explain import explain
from theo.strategy.loading import load_ruleset
from theo.strategy.mistakes import RuleSetError
from theo.strategy.ruleset import RuleSet, from_canonical, needs_of

TEXT = """
name = "elsewhere"
strategy = "rules"
timeframe = "15min"
[symbols]
primary = "{primary}"
{traded}
[entry]
long = [{{ left = "close", op = ">", right = {above} }}]
short = [{{ left = "close", op = "<", right = {below} }}]
[stop]
{stop}
[target]
percent = 3.0
[size]
quantity = 1
[trading]
style = "{style}"
from = "00:00"
to = "24:00"
days = "all"
"""
NAMED = 'traded = "MES"'
END = every_15_minutes(1)[0]


def ruleset(
    traded: str = NAMED, primary: str = "SPY", stop: str = "percent = 1.0", above: float = 5, style: str = "positional"
) -> RuleSet:
    return load_ruleset(TEXT.format(primary=primary, traded=traded, stop=stop, above=above, below=4, style=style), "test.toml")


def seen(of: RuleSet, primary: int, traded: int, first: Instrument = SPY) -> Evaluation:
    """One look, at closes in price units; 0 for no bar of what is traded."""
    market = Market()
    strategy = bound(of, market)
    bars = [bar(first, END, primary), *([bar(MES, END, traded)] if traded else [])]
    (found,) = market.play(strategy, sorted(bars, key=lambda each: each.instrument, reverse=True), first)
    return found


@given(st.integers(501, 90_000), st.integers(1_000, 90_000), st.sampled_from(("0.5", "1.0", "7.5")))
def test_stop_and_target_lie_as_many_per_cent_away_on_the_grid_of_what_is_traded(close: int, quarters: int, percent: str) -> None:
    entry = quarters * MES.tick
    found = seen(ruleset(stop=f"percent = {percent}"), close, entry)
    assert isinstance(found.action, Proposal)
    proposed = found.action
    assert (proposed.instrument, proposed.entry, found.verdict) == (MES.id, entry, base.LONG)
    stop, target = entry * (1 - Fraction(percent) / 100), entry * Fraction(103, 100)
    assert proposed.target is not None
    assert (proposed.stop % MES.tick, proposed.target % MES.tick) == (0, 0)
    dust = Fraction(1, 1_000)  # of a price unit
    assert 0 <= stop - proposed.stop + dust < MES.tick + 2 * dust  # rounded away from the entry, by less than a tick
    assert 0 <= proposed.target - target + dust < MES.tick + 2 * dust


def test_a_level_of_the_primary_is_carried_over_in_proportion() -> None:
    of = ruleset(stop='long = "lowest(1)"\nshort = "highest(1)"')
    market = Market()
    strategy = bound(of, market)
    first, second = every_15_minutes(2)
    bars = [bar(SPY, first, 600, low=570), bar(MES, first, 500_000), bar(SPY, second, 600, low=590), bar(MES, second, 510_000)]
    found = market.play(strategy, bars, SPY)[-1]
    assert isinstance(found.action, Proposal)
    assert (found.action.entry, found.action.stop) == (510_000, 484_500)  # 5 % below, as 570 is of 600


def test_without_a_price_of_what_is_traded_nothing_is_proposed_and_the_record_says_so() -> None:
    of = ruleset()
    missing, there = seen(of, 600, 0), seen(of, 600, 500_000)
    assert (missing.verdict, missing.action) == (base.NO_PRICE, None)
    assert [value for value in missing.numbers if value is None] == [None]
    assert "traded in MES" in explain(of, there)[0]
    assert any("MES close 5000" in line.replace(",", "") for line in explain(of, there)), explain(of, there)
    assert [need.symbol for need in needs_of(of).series] == ["SPY", "MES"]


def test_an_index_may_be_scanned_where_something_else_is_traded() -> None:
    found = seen(ruleset(primary="VIX", above=15), 1_600, 500_000, VIX)
    assert isinstance(found.action, Proposal)
    assert (found.action.instrument, found.action.stop) == (MES.id, 495_000)
    with pytest.raises(ConfigError, match="VIX cannot be traded"):
        bound(ruleset("", primary="VIX"), Market())
    with pytest.raises(ConfigError, match="VIX cannot be traded"):
        bound(ruleset('traded = "VIX"'), Market())


def test_an_exit_leaves_what_was_traded() -> None:
    text = TEXT.format(primary="SPY", traded=NAMED, stop="percent = 1.0", above=5, below=4, style="positional")
    of = load_ruleset(text + '[exit]\nlong = [{ left = "close", op = "<", right = 4.5 }]\n', "test.toml")
    market = Market()
    strategy = bound(of, market)
    (found,) = market.play(strategy, [bar(SPY, END, 440), bar(MES, END, 500_000)], SPY, position=2)
    assert found.action == Exit(MES.id, "")


def test_the_primary_itself_is_no_further_key_and_rule_sets_without_it_are_what_they_were() -> None:
    with pytest.raises(RuleSetError, match="that is the primary"):
        ruleset('traded = "SPY"')
    assert b"traded" not in ruleset("").canonical()
    assert from_canonical(ruleset().canonical()) == ruleset()
    assert ruleset().version != ruleset("").version


def plan(of: RuleSet) -> Plan:
    """MES trades until an hour before the others' close."""
    table = weekdays(MONDAY // DAY - 7, 60)
    early = msgspec.structs.replace(MES, calendar="EARLY")
    closes = {session.date: CLOSE - HOUR for session in table.sessions}
    made = plan_of(of)
    instruments = {**made.instruments, "MES": early}
    tables = {**made.tables, "EARLY": weekdays(MONDAY // DAY - 7, 60, closes)}
    return replace(made, instruments=instruments, fees={**made.fees, "MES": "zero"}, tables=tables)


def bars(until: int) -> list[Bar]:
    """SPY rises above the rule's price at noon; MES goes its own way, in its own hours."""
    found = []
    for n, end in enumerate(every_15_minutes(until)):
        found.append(bar(SPY, end, 480 + 4 * n))
        if end % DAY <= CLOSE - HOUR:
            found.append(bar(MES, end, 500_000 + 25 * (n % 7), high=500_400, low=499_600))
    return found


def played(of: RuleSet, *, ahead: bool) -> list[Record]:
    records: list[Record] = []
    backtest(plan(of), bars(60), records.extend, ahead=columns_ahead if ahead else None)
    return records


def test_a_backtest_trades_in_the_other_instrument_within_its_hours() -> None:
    facts = facts_of(played(ruleset(style="intraday"), ahead=False))
    intended = [fact for fact in facts if isinstance(fact, TradeIntended)]
    fills = [fact for fact in facts if isinstance(fact, Filled)]
    assert intended
    assert {fact.instrument for fact in intended} == {MES.id}
    assert all(499_600 <= fact.price <= 500_400 for fact in fills), "at prices of MES"
    entries, exits = ([f for f in fills if (f.role is OrderRole.ENTRY) is wanted] for wanted in (True, False))
    assert len(entries) == len(intended) > len(exits) > 0, "the last one is open when the bars end"
    assert max(fill.timestamp % DAY for fill in exits) <= CLOSE - HOUR, "flat by the close of what is traded"
    raised = [fact for fact in facts if isinstance(fact, SignalRaised)]
    assert max(fact.end % DAY for fact in raised) < CLOSE - HOUR, "and no signal where it does not trade"
    late = [fact for fact in facts if isinstance(fact, Decided) and fact.end % DAY > CLOSE - HOUR]
    assert late
    assert {fact.verdict for fact in late} <= {base.NOTHING, base.NO_PRICE}


@pytest.mark.parametrize("style", ["intraday", "positional"])
def test_columns_ahead_lead_to_the_same_records(style: str) -> None:
    of = ruleset(style=style)
    assert [r.payload for r in played(of, ahead=True)] == [r.payload for r in played(of, ahead=False)]
