"""Columns computed ahead change nothing: the same records byte for byte, the same state, whatever the bars and the rules are."""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.drive.small_worlds import plan_of
from tests.unit.strategy.markets import SPY, VIX, bar, every_15_minutes, ruleset_of
from theo.domain.facts import Decided, TradeClosed
from theo.domain.inputs import Command
from theo.domain.journal import Record
from theo.domain.market_data import MINUTE, Bar
from theo.drive import backtest as driving
from theo.drive.assembly import assemble
from theo.drive.backtest import Backtested, LookAhead, backtest
from theo.engine.codec import decode_facts
from theo.engine.snapshot import digest
from theo.market.ahead import SeriesAhead
from theo.market.indicators.column import Column
from theo.research import ahead, whole_rows
from theo.research.ahead import columns_ahead
from theo.research.compiled.bar_columns import Float64s
from theo.strategy.ruleset import RuleSet

CHANNEL = """
[correlation]
input = "change"
window = 8
minimum = 4
[entry]
long = [{ left = "close", op = ">", right = "donchian(3).upper" }, { left = "abs(VIX correlation)", op = ">", right = 0.2 }]
short = [{ left = "close", op = "<", right = "donchian(3).lower" }, { left = "abs(VIX correlation)", op = ">", right = 0.2 }]
[exit]
long = [{ left = "close", op = "crosses_below", right = "sma(5)" }]
"""
SWINGS = """
[correlation]
window = 6
minimum = 3
[entry]
long = [
    { left = "close", op = "breaks_above", right = "SH" },
    { any = [{ left = "VIX rsi(3)", op = "<", right = 60 }, { not = { left = "VIX correlation", op = ">", right = -0.5 } }] },
]
short = [{ left = "close", op = "breaks_below", right = "SL" }, { left = "time", op = ">", right = "10:30" }]
"""
BOTH = """
[entry]
long = [{ left = "close", op = ">", right = "open", times = 1.0 }, { left = "volume", op = ">", right = 50 }]
short = [{ left = "VIX close", op = ">", right = 9.0 }, { left = "VIX ema(4)", op = ">", right = "VIX atr(3)" }]
"""
ATR_EXITS = {"stop": 'times = 2.0\nof = "atr(5)"', "target": 'times = 3.0\nof = "atr(5)"'}
RULESETS = {
    "channel": ruleset_of(CHANNEL, **ATR_EXITS),
    "reversing": ruleset_of(CHANNEL, head="reverse = true", **ATR_EXITS),
    "intraday swings": ruleset_of(SWINGS, style="intraday", **ATR_EXITS),
    "both sides at once": ruleset_of(BOTH, stop="percent = 2.0", target="percent = 1.0"),
}
Items = list[Bar | Command]


@pytest.fixture(autouse=True, scope="module")
def _short_blocks() -> Iterator[None]:
    """So that a few bars make many blocks, and few are needed for one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driving, "BLOCK_ITEMS", 60)
        patch.setattr(driving, "PLAIN_ITEMS", 6)
        patch.setattr(whole_rows, "ROWS_MIN", 4)
        yield


def driven(ruleset: RuleSet, items: Sequence[Bar | Command], look: LookAhead | None) -> tuple[list[Record], Backtested]:
    records: list[Record] = []
    return records, backtest(plan_of(ruleset), items, records.extend, ahead=look)


def pairs_of(moves: list[tuple[int, int, int]]) -> list[tuple[Bar, Bar]]:
    """Bars of SPY and VIX at each end of sessions, from moves of both closes and a range."""
    found, spy, vix = [], 600_00, 15_00
    for end, (move, other, width) in zip(every_15_minutes(len(moves)), moves, strict=True):
        spy, vix = max(spy + move, 100), max(vix + other, 100)
        one = bar(SPY, end, spy, high=spy + width, low=spy - width)
        found.append((one, bar(VIX, end, vix, high=vix + width // 4, low=vix - width // 4)))
    return found


MOVES = st.lists(st.tuples(st.integers(-150, 150), st.integers(-60, 60), st.integers(0, 80)), min_size=40, max_size=130)


def assert_same(ruleset: RuleSet, items: Items) -> list[Record]:
    plain, one = driven(ruleset, items, None)
    looked, other = driven(ruleset, items, columns_ahead)
    assert looked == plain
    assert digest(other.core.state) == digest(one.core.state)
    assert other.core.world.market.state() == one.core.world.market.state()
    assert other.venue.state() == one.venue.state()
    return plain


@pytest.mark.parametrize("name", RULESETS)
@settings(max_examples=12)
@given(moves=MOVES)
def test_whole_rows_lead_to_the_same_records_and_state(name: str, moves: list[tuple[int, int, int]]) -> None:
    assert_same(RULESETS[name], [one for row in pairs_of(moves) for one in row])


@settings(max_examples=25)
@given(moves=MOVES, missing=st.sets(st.tuples(st.integers(0, 129), st.integers(0, 1)), max_size=6), at=st.integers(0, 39))
def test_so_do_holes_and_commands(moves: list[tuple[int, int, int]], missing: set[tuple[int, int]], at: int) -> None:
    items: Items = []
    for number, row in enumerate(pairs_of(moves)):
        items += [one for place, one in enumerate(row) if (number, place) not in missing]
        if number == at:
            items.append(Command(at=row[0].at, id="c1", actor="test", name="flatten", reason="test"))
    assert_same(RULESETS["channel"], items)


def rising_and_falling(rows: int = 400) -> list[tuple[int, int, int]]:
    """A market that trades: waves of some bars, each partner's against the other's."""
    generator = np.random.default_rng(5)
    waves = generator.integers(-140, 140, size=rows).tolist()
    return [(wave, -wave // 3 + row % 7, 40 + row % 30) for row, wave in enumerate(waves)]


def test_trades_are_among_them_and_most_bars_are_not_stepped_through() -> None:
    items: Items = [one for row in pairs_of(rising_and_falling()) for one in row]
    facts = [fact for record in assert_same(RULESETS["channel"], items) for fact in decode_facts(record)]
    assert sum(isinstance(fact, TradeClosed) for fact in facts) > 20
    assert sum(isinstance(fact, Decided) for fact in facts) == 400
    core = assemble(plan_of(RULESETS["channel"]))
    with columns_ahead(core, items) as known:
        assert known is not None
        assert len(known.ends) == 400
        assert len(known.busy[0]) < 150
    with columns_ahead(core, items[1:]) as known:  # begins with the second of a row
        assert known is None


def test_columns_that_leak_one_bar_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each value is that of the bar after it: decisions differ, so the comparisons above would fail."""

    def leaking(_column: Column, values: Float64s) -> Float64s:
        return np.concatenate((values, values[-1:]))

    items: Items = [one for row in pairs_of(rising_and_falling(60)) for one in row]
    plain = driven(RULESETS["channel"], items, None)[0]
    monkeypatch.setattr(ahead, "_after", leaking)
    assert driven(RULESETS["channel"], items, columns_ahead)[0] != plain


@pytest.mark.parametrize(
    "change",
    [{"at": 1}, {"contract": "ESH0"}, {"close": 2**60}, {"session_date": 18_267}, {"timeframe": "5min"}],
    ids=lambda change: next(iter(change)),
)
def test_bars_that_make_no_row_go_one_by_one(change: dict[str, int | str]) -> None:
    rows = pairs_of(rising_and_falling(40))
    added = {"at": rows[5][1].at + 5 * MINUTE} if "at" in change else change
    other = msgspec.structs.replace(rows[5][1], **added)
    core = assemble(plan_of(RULESETS["channel"]))
    with columns_ahead(core, [one for row in [*rows[:5], (rows[5][0], other), *rows[6:]] for one in row]) as known:
        assert known is None or len(known.ends) <= 5


def test_nothing_is_shown_for_a_bar_that_was_not_known() -> None:
    column = Column()
    shown = SeriesAhead([10, 20], [(column, [1.0, 2.0, 3.0])])
    shown.update(msgspec.structs.replace(bar(SPY, 20, 5), end=20))
    assert (column.previous, column.value) == (2.0, 3.0)
    for end in (15, 30):
        with pytest.raises(LookupError, match=f"ends at {end}"):
            shown.update(msgspec.structs.replace(bar(SPY, 20, 5), end=end))
