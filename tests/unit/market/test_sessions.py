import pytest

from theo.domain.errors import DataError
from theo.domain.market_data import DAY, HOUR, MINUTE, SessionScope
from theo.market.sessions import CloseKind, Hours, Session, SessionTable, common_sessions


def hm(day: int, hour: int, minute: int = 0) -> int:
    return day * DAY + hour * HOUR + minute * MINUTE


def stock_day(day: int, close: int = 21) -> Session:
    kind = CloseKind.NORMAL if close == 21 else CloseKind.EARLY
    return Session(day, ((hm(day, 14, 30), hm(day, close)),), ((hm(day, 9), hm(day, close + 4)),), kind)


def index_day(day: int) -> Session:
    regular = (hm(day, 14, 30), hm(day, 21, 15))
    return Session(day, (regular,), ((hm(day, 8, 15), hm(day, 14, 15)), regular))


STOCK = SessionTable("STOCK", "test", 100, 110, (stock_day(100), stock_day(101, close=18), stock_day(104)))
INDEX = SessionTable("INDEX", "test", 100, 108, (index_day(100), index_day(101), index_day(102), index_day(104)))
RTH = Hours(STOCK, SessionScope.RTH)


def test_open_includes_the_open_and_excludes_the_close() -> None:
    assert not RTH.is_open(hm(100, 14, 30) - 1)
    assert RTH.is_open(hm(100, 14, 30))
    assert RTH.is_open(hm(100, 21) - 1)
    assert not RTH.is_open(hm(100, 21))


def test_boundaries_and_neighbours() -> None:
    inside, between = hm(100, 15), hm(102, 1)
    assert (RTH.next_close(inside), RTH.next_open(inside)) == (hm(100, 21), hm(101, 14, 30))
    assert (RTH.next_close(between), RTH.next_open(between)) == (hm(104, 21), hm(104, 14, 30))
    assert RTH.previous_close(between) == hm(101, 18)
    assert RTH.next_boundary(inside) == hm(100, 21)
    assert RTH.next_boundary(between) == hm(104, 14, 30)
    assert RTH.session_next(inside) == RTH.session_on(101)
    assert RTH.minutes_to_close(hm(101, 17, 30)) == 30
    assert [s.date for s in RTH.sessions_between(101, 110)] == [101, 104]


@pytest.mark.parametrize(
    "ask", ["is_open", "next_open", "next_close", "previous_close", "session_at", "next_boundary", "session_next"]
)
@pytest.mark.parametrize("at", [hm(100, 0) - 1, hm(111, 0)])
def test_outside_the_table_is_an_error_never_closed(ask: str, at: int) -> None:
    with pytest.raises(DataError, match="outside the session table of STOCK"):
        getattr(RTH, ask)(at)


def test_what_the_table_cannot_know_is_an_error() -> None:
    for ask, at in (
        ("next_open", hm(104, 16)),
        ("next_close", hm(105, 0)),
        ("previous_close", hm(100, 1)),
        ("session_next", hm(105, 0)),
    ):
        with pytest.raises(DataError, match="outside the session table"):
            getattr(RTH, ask)(at)
    with pytest.raises(DataError, match="date 111"):
        RTH.session_on(111)


def test_pauses_belong_to_the_session_but_are_not_open() -> None:
    index = Hours(INDEX, SessionScope.ALL)
    pause = hm(100, 14, 20)
    assert index.session_at(pause) is None
    assert index.session_around(pause) == index_day(100)
    assert index.next_open(pause) == hm(100, 14, 30)
    assert index.session_next(pause) == index_day(101)


def test_bars_of_a_session_begin_at_its_open_and_end_at_its_close() -> None:
    session = stock_day(101, close=18)
    bars = list(RTH.bars_of(session, HOUR))
    assert bars[0] == (hm(101, 14, 30), hm(101, 15))
    assert bars[-1] == RTH.last_bar(session, HOUR) == (hm(101, 17), hm(101, 18))
    assert len(bars) == 4
    assert list(RTH.bars_of(session, 0)) == [session.regular[0]]
    index = Hours(INDEX, SessionScope.ALL)
    assert index.last_bar(index_day(100), HOUR) == (hm(100, 21), hm(100, 21, 15))
    fives = [start for start, _ in index.bars_of(index_day(100), 5 * MINUTE)]
    assert hm(100, 14, 10) in fives
    assert hm(100, 14, 15) not in fives
    assert hm(100, 14, 30) in fives


def test_common_session_is_the_shared_time() -> None:
    both = common_sessions(STOCK, INDEX)
    assert (both.first_date, both.last_date) == (100, 108)
    assert [s.date for s in both.sessions] == [100, 101, 104]
    assert both.sessions[0].regular == ((hm(100, 14, 30), hm(100, 21)),)
    assert both.sessions[1].full == ((hm(101, 9), hm(101, 14, 15)), (hm(101, 14, 30), hm(101, 21, 15)))
    assert both.sessions[1].close_kind is CloseKind.EARLY


def test_a_brokers_hours_win() -> None:
    moved, gone = stock_day(104, close=20), Session(101, (), ())
    table = STOCK.replaced([moved, gone], "broker")
    hours = Hours(table, SessionScope.RTH)
    assert table.version == "broker"
    assert hours.session_on(101) is None
    assert hours.next_close(hm(104, 15)) == hm(104, 20)


def test_disorder_is_refused() -> None:
    for sessions in ((stock_day(101), stock_day(100)), (stock_day(100), stock_day(100)), (Session(100, (), ((5, 5),)),)):
        with pytest.raises(DataError, match="out of order or overlap"):
            SessionTable("BAD", "test", 100, 101, sessions)
