"""What a rule set decides: sides, positions, reversal, exits, stops and targets, and what is missing."""

from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.strategy.markets import MES, MONDAY, OPEN, SPY, VIX, Market, bar, bound, every_15_minutes, ruleset_of
from theo.domain.errors import ConfigError
from theo.domain.instrument import Instrument
from theo.domain.market_data import MINUTE
from theo.domain.orders import Side
from theo.domain.signals import Evaluation, Exit, Proposal
from theo.strategy import base
from theo.strategy.distance import stop_on_grid, target_on_grid
from theo.strategy.ruleset import RuleSet

UP, DOWN = '{ left = "close", op = ">", right = 5 }', '{ left = "close", op = "<", right = 4 }'
BOTH_SIDES = f"[entry]\nlong = [{UP}]\nshort = [{DOWN}]"


def last(ruleset: RuleSet, closes: list[int], position: int = 0) -> Evaluation:
    """The evaluation of the newest of these SPY closes."""
    market = Market()
    strategy = bound(ruleset, market)
    bars = [bar(SPY, end, close) for end, close in zip(every_15_minutes(len(closes)), closes, strict=True)]
    return market.play(strategy, bars, SPY, position)[-1]


@pytest.mark.parametrize(
    ("close", "position", "reverse", "verdict", "acts"),
    [
        (600, 0, False, base.LONG, Side.BUY),
        (300, 0, False, base.SHORT, Side.SELL),
        (450, 0, False, base.NOTHING, None),
        (600, 7, False, base.LONG_HELD, None),
        (300, -7, True, base.SHORT_HELD, None),
        (300, 7, False, base.SHORT, Side.SELL),
        (300, 7, True, base.SHORT, Side.SELL),
        (450, 7, True, base.NOTHING, None),
    ],
)
def test_sides_and_positions(close: int, position: int, reverse: bool, verdict: str, acts: Side | None) -> None:  # noqa: FBT001 - a row of a table
    seen = last(ruleset_of(BOTH_SIDES, head=f"reverse = {str(reverse).lower()}"), [close], position)
    assert seen.verdict == verdict
    assert (seen.action.side if isinstance(seen.action, Proposal) else None) == acts


EXIT_BELOW = '\n[exit]\nlong = [{ left = "close", op = "<", right = 4.5 }]'


def test_an_exit_rule_leaves_and_comes_before_a_recorded_opposite() -> None:
    without, reversing = (ruleset_of(BOTH_SIDES + EXIT_BELOW, head=f"reverse = {said}") for said in ("false", "true"))
    for close in (300, 440):
        assert last(without, [close], 7) == last(without, [close], 3)
        assert last(without, [close], 7).action == Exit(SPY.id, "")
    assert last(without, [440], 0).action is None
    assert last(without, [440], -7).verdict == base.NOTHING
    assert isinstance(last(reversing, [300], 7).action, Proposal)
    assert last(reversing, [440], 7).verdict == base.EXIT


def test_an_opposite_entry_that_has_no_stop_yet_still_leaves() -> None:
    ruleset = ruleset_of(BOTH_SIDES + EXIT_BELOW, head="reverse = true", stop='times = 2\nof = "atr(14)"')
    assert last(ruleset, [300], 7).action == Exit(SPY.id, "")
    assert last(ruleset, [300], 0) == Evaluation(base.NO_STOP, last(ruleset, [300]).numbers, last(ruleset, [300]).truths)


def test_both_sides_at_once_are_neither() -> None:
    seen = last(ruleset_of(f"[entry]\nlong = [{UP}]\nshort = [{UP}]"), [600])
    assert (seen.verdict, seen.action) == (base.BOTH_SIDES, None)


def test_one_side_only() -> None:
    for sides, verdict in (("long", base.NOTHING), ("short", base.SHORT)):
        assert last(ruleset_of(BOTH_SIDES, head=f'sides = "{sides}"'), [300]).verdict == verdict


def test_an_index_is_never_a_primary() -> None:
    ruleset = ruleset_of(BOTH_SIDES)
    naming = type(ruleset.naming)("VIX", (), (), "15min")
    with pytest.raises(ConfigError, match="VIX cannot be traded"):
        bound(RuleSet(name="x", strategy="rules", naming=naming, stop=ruleset.stop, target=None, window=ruleset.window), Market())


@pytest.mark.parametrize(
    ("stop", "target", "verdict"),
    [
        ('long = "highest(1)"\nshort = "lowest(1)"', "percent = 1", base.NO_STOP),
        ('long = "lowest(1)"\nshort = "highest(1)"', "percent = 1", base.LONG),
        ("percent = 1", 'long = "lowest(1)"\nshort = "highest(1)"', base.NO_TARGET),
        ("percent = 1", 'times = 3\nof = "atr(14)"', base.NO_TARGET),
        ("percent = 1", 'long = "high"\nshort = "low"', base.NO_TARGET),
    ],
)
def test_levels_lie_on_their_side_of_the_entry(stop: str, target: str, verdict: str) -> None:
    market = Market()
    strategy = bound(ruleset_of(BOTH_SIDES, stop=stop, target=target), market)
    first, second = every_15_minutes(2)
    bars = [bar(SPY, first, 600, high=620, low=580), bar(SPY, second, 610 if "highest" not in stop[:14] else 600)]
    assert market.play(strategy, bars, SPY)[-1].verdict == verdict


ranges = st.lists(st.tuples(st.integers(600, 900), st.integers(0, 40), st.integers(0, 40)), min_size=4, max_size=9)


@given(ranges, st.sampled_from(["protective", "nearest"]), st.booleans())
def test_stop_and_target_are_multiples_of_the_exact_mean_true_range(
    moves: list[tuple[int, int, int]],
    rounding: str,
    short: bool,  # noqa: FBT001 - drawn by Hypothesis
) -> None:
    """The level is the exact fraction, rounded: floats never move it to another tick."""
    side, entry = ("short" if short else "long"), '{ left = "close", op = ">", right = 0 }'
    atr = 'of = "atr(3, smoothing=mean)"'
    ruleset = ruleset_of(
        f"[entry]\n{side} = [{entry}]",
        head=f'level_rounding = "{rounding}"',
        stop=f"times = 2\n{atr}",
        target=f"times = 3\n{atr}",
    )
    market = Market()
    ends = every_15_minutes(len(moves))
    bars = [bar(SPY, end, close, high=close + up, low=close - down) for end, (close, up, down) in zip(ends, moves, strict=True)]
    seen = market.play(bound(ruleset, market), bars, SPY)[-1]
    true_ranges = [
        max(after.high, before.close) - min(after.low, before.close) for before, after in zip(bars[-4:], bars[-3:], strict=False)
    ]
    mean, close, sign = Fraction(sum(true_ranges), 3), bars[-1].close, -1 if short else 1
    stop, target = close - sign * 2 * mean, close + sign * 3 * mean
    if rounding == "nearest":
        expected = floor(stop + Fraction(1, 2)), floor(target + Fraction(1, 2))
    else:
        expected = (ceil(stop), floor(target)) if short else (floor(stop), ceil(target))
    if (close - expected[0]) * sign <= 0 or min(expected) <= 0:
        assert seen.action is None
    else:
        assert isinstance(seen.action, Proposal)
        assert (seen.action.entry, seen.action.stop, seen.action.target) == (close, *expected)


@given(
    st.integers(1, 640_000).map(lambda parts: Fraction(parts, 64)),  # exact as a float
    st.sampled_from([SPY, MES, VIX]),
    st.sampled_from([Side.BUY, Side.SELL]),
)
def test_protective_rounding_never_lets_a_stop_come_nearer_nor_a_target(
    exact: Fraction, instrument: Instrument, side: Side
) -> None:
    stop = stop_on_grid(float(exact), side, instrument, "protective")
    target = target_on_grid(float(exact), side, instrument, "protective")
    for placed, down in ((stop, side is Side.BUY), (target, side is Side.SELL)):
        assert placed % instrument.tick == 0
        gap = exact - placed if down else placed - exact
        assert 0 <= gap < instrument.tick
    nearest = stop_on_grid(float(exact), side, instrument, "nearest")
    assert nearest == target_on_grid(float(exact), side, instrument, "nearest")
    assert abs(nearest - exact) * 2 <= instrument.tick


def test_a_partner_bar_that_is_not_there_is_a_missing_number_and_a_false_condition() -> None:
    ruleset = ruleset_of('[entry]\nlong = [{ left = "VIX close", op = ">", right = 1 }, { left = "close", op = ">", right = 1 }]')
    market = Market()
    strategy = bound(ruleset, market)
    first, second = every_15_minutes(2)
    bars = [bar(VIX, first, 2_000), bar(SPY, first, 600), bar(SPY, second, 600)]
    there, missing = market.play(strategy, bars, SPY)
    assert (there.verdict, there.numbers, there.truths) == (base.LONG, (20.0, 6.0), 0b11)
    assert (missing.verdict, missing.numbers, missing.truths) == (base.NOTHING, (None, 6.0), 0b10)


def test_ready_when_every_series_has_its_due_bar() -> None:
    ruleset = ruleset_of('[entry]\nlong = [{ left = "VIX close", op = ">", right = 1 }]')
    market = Market()
    strategy = bound(ruleset, market)
    first, second = every_15_minutes(2)
    market.book.on_bar(bar(SPY, first, 600))
    assert not strategy.ready(first)
    market.book.on_bar(bar(VIX, first, 600))
    assert strategy.ready(first)
    assert not strategy.ready(second)


def test_a_slower_series_gives_its_last_due_bar_and_nothing_when_that_is_late() -> None:
    ruleset = ruleset_of('[entry]\nlong = [{ left = "VIX@60min close", op = ">", right = 1 }]')
    market = Market()
    strategy = bound(ruleset, market)
    ends = every_15_minutes(8)  # 09:45 to 11:30 New York
    hourly = {MONDAY + OPEN + 30 * MINUTE: 1_000, MONDAY + OPEN + 90 * MINUTE: 1_100}  # 10:00 and 11:00
    found = []
    for end in ends:
        market.book.on_bar(bar(SPY, end, 600))
        due = strategy.evaluate(end, 0) if end in hourly else None
        if end in hourly:
            assert due is not None
            assert due.numbers == (None,)
            assert not strategy.ready(end)
            market.book.on_bar(bar(VIX, end, hourly[end], frame="60min"))
        found.append(strategy.evaluate(end, 0).numbers)
    assert found == [(None,), (10.0,), (10.0,), (10.0,), (10.0,), (11.0,), (11.0,), (11.0,)]
