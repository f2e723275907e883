import msgspec
import pytest

from theo.domain.errors import DataError
from theo.domain.instrument import Instrument, SecurityType
from theo.domain.market_data import DAY, HOUR, MINUTE, SECOND, Bar, SessionScope, Tick, TickFlag, TickKind
from theo.domain.timeframe import timeframe
from theo.market.bars import REMEMBERED_TICKS_MAX, BarTree, daily_scope
from theo.market.longer_bars import NEVER, LongerBars
from theo.market.sessions import Hours, Session, SessionTable
from theo.market.splits import Split, split_adjusted

OPEN = 20_000 * DAY + 14 * HOUR + 30 * MINUTE  # 09:30 in New York in winter
CLOSE = OPEN + 210 * MINUTE  # a half-day: 13:00
NEXT_OPEN = OPEN + DAY
TABLE = SessionTable(
    "TEST",
    "test",
    19_999,
    20_003,
    tuple(
        Session(n, ((start, end),), ((start - 5 * HOUR, end + 4 * HOUR),))
        for n, start, end in ((20_000, OPEN, CLOSE), (20_001, NEXT_OPEN, NEXT_OPEN + 390 * MINUTE))
    ),
)


def tree(*names: str, scope: SessionScope = SessionScope.RTH, kind: TickKind = TickKind.TRADE, contract: str = "") -> BarTree:
    return BarTree(1, [timeframe(name) for name in names], Hours(TABLE, scope), kind=kind, contract=contract)


def tick(
    seconds: float, price: int = 100, flags: int = 0, *, seq: int = 0, late: float = 0, kind: int = 0, volume: int = 1
) -> Tick:
    timestamp = OPEN + int(seconds * SECOND)
    return Tick(1, timestamp + int(late * SECOND), timestamp, seq, kind, price, volume, flags)


def shown(bars: tuple[Bar, ...]) -> list[tuple[object, ...]]:
    """Timeframe, start and end in seconds after the open, prices, volume, revision."""
    return [
        (b.timeframe, (b.start - OPEN) // SECOND, (b.end - OPEN) // SECOND, b.open, b.high, b.low, b.close, b.volume, b.revision)
        for b in bars
    ]


def test_first_hourly_bar_begins_at_the_open_and_the_last_ends_at_the_close() -> None:
    built = tree("60min")
    assert not built.on_tick(tick(5, 100))
    (first,) = built.on_tick(tick(31 * 60, 101))
    assert (first.start, first.end) == (OPEN, OPEN + 30 * MINUTE)
    built.on_tick(tick(209 * 60, 102))
    (last,) = built.on_time(CLOSE + 2 * SECOND)
    assert (last.start, last.end, last.open) == (CLOSE - HOUR, CLOSE, 102)


def test_a_bar_closes_by_event_time_or_by_the_clock_after_grace() -> None:
    built = tree("1min")
    built.on_tick(tick(5, 100))
    assert built.next_due == OPEN + MINUTE + 2 * SECOND
    assert built.on_time(OPEN + MINUTE + 2 * SECOND - 1) == ()
    (bar,) = built.on_time(OPEN + MINUTE + 2 * SECOND)
    assert (bar.at, bar.end) == (OPEN + MINUTE + 2 * SECOND, OPEN + MINUTE)
    assert built.next_due == NEVER
    built.on_tick(tick(61, 101))
    assert built.on_tick(tick(119.999999, 102)) == ()
    (bar,) = built.on_tick(tick(120, 103))
    assert (bar.close, bar.at) == (102, OPEN + 2 * MINUTE)


def test_core_time_of_a_tick_closes_like_the_clock() -> None:
    built = tree("1min")
    built.on_tick(tick(5, 100))
    closed = built.on_tick(tick(59, 200, late=4))
    assert shown(closed) == [
        ("1min", 0, 60, 100, 100, 100, 100, 1, 0),
        ("1min", 0, 60, 100, 200, 100, 200, 2, 1),
    ]


def test_quotes_settlements_and_flagged_ticks_build_no_bar() -> None:
    built = tree("1min")
    for kind in (TickKind.BID, TickKind.ASK, TickKind.SETTLEMENT, TickKind.INDEX):
        built.on_tick(tick(1, 1, kind=kind))
    for flag in (TickFlag.OUTLIER, TickFlag.STALE, TickFlag.CROSSED, TickFlag.HALTED):
        built.on_tick(tick(2, 1, flag))
    assert built.on_time(CLOSE) == ()
    assert built.left_out == 4
    index = tree("1min", kind=TickKind.INDEX)
    index.on_tick(tick(1, 17, kind=TickKind.INDEX))
    assert len(index.on_time(CLOSE)) == 1


def test_sale_conditions_decide_separately() -> None:
    built = tree("1min")
    for number, (price, flags) in enumerate(
        [
            (90, TickFlag.NOT_LAST),
            (100, 0),
            (200, TickFlag.NOT_LAST | TickFlag.NOT_HIGH_LOW),
            (101, TickFlag.NOT_VOLUME),
            (300, TickFlag.NOT_LAST | TickFlag.NOT_HIGH_LOW | TickFlag.NOT_VOLUME),
        ]
    ):
        built.on_tick(tick(number, price, int(flags), volume=10))
    assert shown(built.on_time(CLOSE)) == [("1min", 0, 60, 100, 101, 90, 101, 30, 0)]


def test_an_interval_whose_trades_do_not_update_last_has_no_bar_but_counts_above() -> None:
    built = tree("1min", "5min")
    built.on_tick(tick(0, 100, volume=5))
    built.on_tick(tick(61, 500, TickFlag.NOT_LAST | TickFlag.NOT_HIGH_LOW, volume=7))
    bars = built.on_time(OPEN + 10 * MINUTE)
    assert shown(bars) == [("5min", 0, 300, 100, 100, 100, 100, 12, 0)]


def test_a_late_tick_revises_every_closed_bar_it_belongs_to() -> None:
    built = tree("1min", "5min", "15min")
    for minute in range(7):
        built.on_tick(tick(minute * 60 + 1, 100 + minute))
    revised = built.on_tick(tick(2 * 60 + 30, 500, late=240, volume=4))
    assert shown(revised) == [
        ("1min", 120, 180, 102, 500, 102, 500, 5, 1),
        ("5min", 0, 300, 100, 500, 100, 104, 9, 1),
    ]
    assert built.on_tick(tick(2 * 60 + 30, 500, late=241, volume=4)) == ()
    assert built.repeated == 1
    (one, five, fifteen) = built.on_time(OPEN + HOUR)
    assert (one.timeframe, five.timeframe, fifteen.timeframe) == ("1min", "5min", "15min")
    assert (fifteen.high, fifteen.volume, fifteen.revision) == (500, 11, 0)


def test_a_tick_older_than_what_is_remembered_is_counted_not_guessed() -> None:
    built = tree("1min")
    built.on_tick(tick(60, 100))
    built.on_tick(tick(30, 100, late=40))  # before the first bar that was seen: an earlier run may have stored that bar
    assert built.too_late == 1
    built.on_tick(tick(3 * 3600, 100))
    built.on_tick(tick(61, 100, late=3 * 3600))
    assert built.too_late == 2
    crowd = tree("1min")
    for n in range(REMEMBERED_TICKS_MAX + 10):
        crowd.on_tick(tick(n * 0.005, 100))
    crowd.on_tick(tick(200, 100))
    crowd.on_tick(tick(300, 100))
    crowd.on_tick(tick(1, 100, late=300, seq=1))
    assert crowd.too_late == 1


def test_what_lies_outside_the_hours_is_counted_and_moves_event_time() -> None:
    built = tree("15min", "1d")
    built.on_tick(tick(-60, 1))
    built.on_tick(tick(209 * 60, 100))
    closed = built.on_tick(tick(210 * 60 + 1, 1))
    assert [(b.timeframe, b.end, b.close) for b in closed] == [("15min", CLOSE, 100), ("1d", CLOSE, 100)]
    assert closed[1].session_date == 20_000
    assert built.outside == 2
    whole = tree("1d", scope=SessionScope.ALL)
    whole.on_tick(tick(-60, 1))
    (day,) = whole.on_time(CLOSE + DAY // 2)
    assert (day.start, day.end) == (OPEN - 5 * HOUR, CLOSE + 4 * HOUR)


def test_outside_the_table_is_an_error() -> None:
    with pytest.raises(DataError, match="outside the session table of TEST"):
        tree("1min").on_tick(tick(30 * 86_400))


def test_a_bar_never_mixes_contracts() -> None:
    built = tree("1min", "5min", contract="ESU6")
    built.on_tick(tick(1, 100))
    rolled = built.roll("ESZ6", OPEN + 2 * SECOND)
    assert [(b.timeframe, b.contract, b.close) for b in rolled] == [("1min", "ESU6", 100), ("5min", "ESU6", 100)]
    built.on_tick(tick(3, 110))
    bars = built.on_time(OPEN + HOUR)
    assert [(b.timeframe, b.contract, b.start, b.low) for b in bars] == [("1min", "ESZ6", OPEN, 110), ("5min", "ESZ6", OPEN, 110)]


def bar_5min(number: int, close: int, contract: str = "", revision: int = 0) -> Bar:
    start = OPEN + number * 5 * MINUTE
    end = start + 5 * MINUTE
    return Bar(1, end, "5min", start, end, close, close + 1, close - 1, close, 10, "file", 0, revision, contract)


def test_longer_bars_close_with_the_shorter_bar_that_completes_them() -> None:
    chain = LongerBars(1, [timeframe("15min")], Hours(TABLE, SessionScope.RTH), source="file")
    assert chain.on_bar(bar_5min(0, 100)) == chain.on_bar(bar_5min(1, 101)) == ()
    (fifteen,) = chain.on_bar(bar_5min(2, 102))
    assert (fifteen.open, fifteen.high, fifteen.low, fifteen.close, fifteen.volume) == (100, 103, 99, 102, 30)
    (revised,) = chain.on_bar(bar_5min(1, 500, revision=1))
    assert (revised.high, revised.close, revised.revision) == (501, 102, 1)
    assert chain.on_bar(bar_5min(1, 500, revision=1)) == ()


def test_longer_bars_split_at_a_contract_change() -> None:
    chain = LongerBars(1, [timeframe("15min")], Hours(TABLE, SessionScope.RTH), source="file")
    chain.on_bar(bar_5min(0, 100, "A"))
    (of_a,) = chain.on_bar(bar_5min(1, 200, "B"))
    (of_b,) = chain.on_bar(bar_5min(2, 201, "B"))
    assert (of_a.contract, of_a.close, of_b.contract, of_b.open, of_b.volume) == ("A", 100, "B", 200, 20)


def test_bars_that_do_not_fit_are_refused() -> None:
    chain = LongerBars(1, [timeframe("15min")], Hours(TABLE, SessionScope.RTH), source="file")
    crossing = msgspec.structs.replace(bar_5min(2, 100), end=OPEN + 20 * MINUTE)
    for wrong in (crossing, msgspec.structs.replace(bar_5min(0, 100), instrument=2)):
        with pytest.raises(DataError, match="does not fit into bars of 15min"):
            chain.on_bar(wrong)
    with pytest.raises(DataError, match="no timeframe"):
        tree()


@pytest.mark.parametrize(
    ("kind", "scope"),
    [(SecurityType.FUT, SessionScope.ALL), (SecurityType.STK, SessionScope.RTH), (SecurityType.IND, SessionScope.RTH)],
)
def test_daily_bars_of_futures_take_the_whole_session(kind: SecurityType, scope: SessionScope) -> None:
    instrument = Instrument(id=1, symbol="X", token=1, security_type=kind, exchange="X", calendar="TEST")
    assert daily_scope(instrument) is scope


def test_splits_put_bars_on_one_scale() -> None:
    before, after = bar_5min(0, 1001), msgspec.structs.replace(bar_5min(0, 250), start=NEXT_OPEN, end=NEXT_OPEN + 5 * MINUTE)
    first, second = split_adjusted([before, after], [Split(20_001, 4, 1)], TABLE)
    assert (first.open, first.high, first.low, first.volume) == (250, 251, 250, 40)  # 250.25, 250.5 up, 250
    assert second == after
    (reverse,) = split_adjusted([before], [Split(20_001, 1, 4), Split(20_001, 1, 2)], TABLE)
    assert (reverse.close, reverse.volume) == (8008, 1)
    with pytest.raises(DataError, match="no session of TEST"):
        list(split_adjusted([before], [Split(20_002, 2, 1)], TABLE))
    with pytest.raises(DataError, match="impossible"):
        Split(20_001, 0, 1)


def test_ticks_that_are_expected_are_not_too_late_after_the_first_that_comes() -> None:
    built, unaware = tree("1min"), tree("1min")
    built.expect(OPEN)
    for each in (built, unaware):
        each.on_tick(tick(125, 100))
    (late,) = built.on_tick(tick(5, 99, late=125))
    assert (late.start, late.open, late.revision) == (OPEN, 99, 1)
    assert unaware.on_tick(tick(5, 99, late=125)) == ()
    assert (built.too_late, unaware.too_late) == (0, 1)
