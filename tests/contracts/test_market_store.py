"""What every MarketStore must do."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.postgres import DATABASES, Opening
from theo.adapters.sql.market.store import SqlMarketStore
from theo.domain.errors import DataError
from theo.domain.instrument import Instrument, SecurityType
from theo.domain.market_data import MINUTE, SECOND, Bar, Tick
from theo.ports.market_store import BarRange, MarketStore, Published, TickRange

OpenStore = Opening[SqlMarketStore]
MES = Instrument(
    id=7,
    symbol="MES",
    token=-5,
    security_type=SecurityType.FUT,
    exchange="CME",
    calendar="CME_EQUITY",
    multiplier=5,
    tick=25,
    aliases={"polygon": "MES1!", "ib": "é"},
)


@pytest.fixture(params=DATABASES)
def open_store(request: pytest.FixtureRequest) -> OpenStore:
    return Opening(SqlMarketStore, request.param)


@pytest.fixture
def store(open_store: OpenStore, tmp_path: Path) -> Iterator[MarketStore]:
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def tick(at: int, seq: int = 0, *, price: int = 100, source: str = "ib", instrument: int = 7) -> Tick:
    return Tick(instrument, at + 3, at, seq, 0, price, 10, 32, 1, source)


def bar(minute: int, close: int = 100, *, source: str = "ticks", revision: int = 0, contract: str = "", at: int = 0) -> Bar:
    start = minute * MINUTE
    end = start + MINUTE
    return Bar(7, at or end, "1min", start, end, 99, max(close, 101), 98, close, 5, source, 3, revision, contract)


WHOLE = BarRange(instrument=7, timeframe="1min")
ALL_TICKS = TickRange(instrument=7)


def test_instruments_come_back_as_they_were(open_store: OpenStore, tmp_path: Path) -> None:
    vix = Instrument(id=2, symbol="VIX", token=13455763, security_type=SecurityType.IND, exchange="CBOE", calendar="VIX")
    first = open_store(tmp_path)
    first.put_instruments([MES, vix])
    first.close()
    second = open_store(tmp_path)
    assert second.instruments() == (vix, MES)
    second.put_instruments([msgspec.structs.replace(MES, tick=50)])
    assert second.instruments()[1].tick == 50
    second.close()


def test_a_price_unit_never_changes(store: MarketStore) -> None:
    store.put_instruments([MES])
    with pytest.raises(DataError, match="price_decimals of MES would change from 2 to 4"):
        store.put_instruments([msgspec.structs.replace(MES, price_decimals=4)])


def test_two_trades_in_the_same_instant_are_both_kept(store: MarketStore) -> None:
    ticks = [tick(5, 0), tick(5, 1), tick(6, 0, source="polygon"), tick(-9), tick(6, 0)]
    store.put_ticks(ticks)
    assert sorted(store.ticks(ALL_TICKS), key=repr) == sorted(ticks, key=repr)
    assert [t.timestamp for t in store.ticks(ALL_TICKS)] == [-9, 5, 5, 6, 6]
    assert list(store.ticks(TickRange(instrument=7, source="polygon"))) == [ticks[2]]
    assert list(store.ticks(TickRange(instrument=7, start=5, end=6))) == ticks[:2]
    assert list(store.ticks(TickRange(instrument=8))) == []


def test_the_same_tick_twice_is_an_error_and_nothing_is_added(store: MarketStore) -> None:
    store.put_ticks([tick(5)])
    with pytest.raises(DataError, match="instrument 7 at 5 us with seq 0 is stored already"):
        store.put_ticks([tick(4), tick(5, price=101)])
    with pytest.raises(DataError, match="at 8 us with seq 1"):
        store.put_ticks([tick(8, 1), tick(8, 1)])
    assert list(store.ticks(ALL_TICKS)) == [tick(5)]


def test_replacing_changes_whole_seconds_of_one_source(store: MarketStore) -> None:
    before = [tick(SECOND - 1), tick(SECOND), tick(SECOND + 7), tick(SECOND + 7, source="polygon"), tick(2 * SECOND)]
    store.put_ticks(before)
    fresh = [tick(SECOND + 7, price=500), tick(SECOND + 8, price=501)]
    assert store.replace_ticks("ib", 7, SECOND, 2 * SECOND, fresh) == 2
    assert sorted(store.ticks(ALL_TICKS), key=repr) == sorted([before[0], *fresh, before[3], before[4]], key=repr)
    for bounds in ((SECOND + 1, 2 * SECOND), (SECOND, 2 * SECOND + 1), (SECOND, SECOND)):
        with pytest.raises(DataError, match="whole seconds"):
            store.replace_ticks("ib", 7, *bounds, [])
    with pytest.raises(DataError, match="outside the replaced range"):
        store.replace_ticks("ib", 7, SECOND, 2 * SECOND, [tick(2 * SECOND)])
    assert len(list(store.ticks(ALL_TICKS))) == 5


def test_bars_by_range_and_source(store: MarketStore) -> None:
    bars = [bar(n, 100 + n) for n in range(5)] + [bar(2, 50, source="ib:history")]
    store.put_bars(bars)
    assert list(store.bars(WHOLE)) == [*bars[:3], bars[5], *bars[3:5]]
    inside = BarRange(instrument=7, timeframe="1min", start=MINUTE, end=3 * MINUTE, source="ticks")
    assert list(store.bars(inside)) == bars[1:3]
    assert list(store.bars(BarRange(instrument=7, timeframe="5min"))) == []
    info = {(s.source, s.first, s.last, s.rows) for s in store.series()}
    assert info == {("ticks", 0, 4 * MINUTE, 5), ("ib:history", 2 * MINUTE, 2 * MINUTE, 1)}


def test_the_same_bar_again_is_no_error_another_one_is(store: MarketStore) -> None:
    store.put_bars([bar(0), bar(1)])
    store.put_bars([bar(1), bar(2)])
    with pytest.raises(DataError, match="another 1min bar of instrument 7 starting at 60000000 us is stored"):
        store.put_bars([bar(3), bar(1, 77)])
    assert list(store.bars(WHOLE)) == [bar(0), bar(1), bar(2)]


def test_revisions_final_or_as_known_then(store: MarketStore) -> None:
    late = 10 * MINUTE
    revised = [bar(1, 90, revision=1, at=late), bar(1, 80, revision=2, at=late + 5)]
    store.put_bars([bar(0), bar(1), bar(2), *revised])
    assert list(store.bars(WHOLE)) == [bar(0), revised[1], bar(2)]
    assert store.latest_bars(7, "1min", 2) == (revised[1], bar(2))
    then = msgspec.structs.replace(WHOLE, known_at=late)
    assert list(store.bars(then)) == [bar(0), revised[0], bar(2)]
    before = msgspec.structs.replace(WHOLE, known_at=2 * MINUTE)
    assert list(store.bars(before)) == [bar(0), bar(1)]


def test_contracts_of_one_start_are_different_bars(store: MarketStore) -> None:
    both = [bar(0, contract="201312"), bar(0, 90, contract="201403")]
    store.put_bars(both)
    assert list(store.bars(WHOLE)) == both


@pytest.mark.parametrize("count", [0, 1, 3, 5, 9])
def test_the_latest_bars_are_the_end_of_all_bars(store: MarketStore, count: int) -> None:
    bars = [bar(n, 100 + n) for n in range(5)]
    store.put_bars(bars)
    assert store.latest_bars(7, "1min", count) == tuple(bars[max(5 - count, 0) :])


def test_arrays_hold_the_same_numbers_as_the_bars(store: MarketStore) -> None:
    numpy = pytest.importorskip("numpy")
    bars = [bar(n, 100 + n) for n in range(25_000)]
    store.put_bars(bars)
    store.put_bars([bar(11, 5, revision=1)])
    columns = store.bar_arrays(WHOLE)
    for name in ("start", "end", "open", "high", "low", "close", "volume"):
        wanted = [getattr(b, name) for b in store.bars(WHOLE)]
        assert numpy.frombuffer(getattr(columns, name), "int64").tolist() == wanted
    assert columns.close[11] == 5


def test_an_import_is_seen_whole_or_not_at_all(open_store: OpenStore, tmp_path: Path) -> None:
    store = open_store(tmp_path)
    staged = store.begin_import("import:a.csv", "f1")
    store.stage_bars(staged, [bar(0), bar(1)])
    store.stage_ticks(staged, [tick(1)])
    assert list(store.bars(WHOLE)) == []
    assert list(store.ticks(ALL_TICKS)) == []
    assert store.latest_bars(7, "1min", 5) == ()
    assert store.series() == ()
    store.close()
    again = open_store(tmp_path)
    resumed = again.begin_import("import:a.csv", "f1")
    assert resumed.rows == 3
    again.stage_bars(resumed, [bar(2)])
    assert again.publish(resumed) == Published(rows=4, replaced=0)
    assert [(b.start, b.source) for b in again.bars(WHOLE)] == [(n * MINUTE, "import:a.csv") for n in range(3)]
    assert [t.source for t in again.ticks(ALL_TICKS)] == ["import:a.csv"]
    again.close()


def test_an_interrupted_import_of_another_file_is_discarded(store: MarketStore) -> None:
    old = store.begin_import("import:a.csv", "f1")
    store.stage_bars(old, [bar(0), bar(5)])
    new = store.begin_import("import:a.csv", "f2")
    assert new.rows == 0
    store.stage_bars(new, [bar(0, 77)])
    store.publish(new)
    assert [b.close for b in store.bars(WHOLE)] == [77]
    with pytest.raises(DataError, match="no longer open"):
        store.stage_bars(old, [bar(1)])
    with pytest.raises(DataError, match="no longer open"):
        store.publish(new)


def test_a_discarded_import_leaves_nothing(store: MarketStore) -> None:
    staged = store.begin_import("import:a.csv", "f1")
    store.stage_ticks(staged, [tick(1), tick(2)])
    store.discard(staged)
    store.discard(staged)
    assert store.begin_import("import:a.csv", "f1").rows == 0


def test_importing_again_replaces_what_the_source_held_from_first_to_last(store: MarketStore) -> None:
    def run(fingerprint: str, bars: list[Bar], ticks: list[Tick]) -> Published:
        staged = store.begin_import("import:a.csv", fingerprint)
        store.stage_bars(staged, bars)
        store.stage_ticks(staged, ticks)
        return store.publish(staged)

    store.put_bars([bar(2, 11)])
    store.put_ticks([tick(SECOND, price=11)])
    run("f1", [bar(n) for n in range(5)], [tick(n * SECOND) for n in range(5)])
    done = run("f2", [bar(1, 55), bar(3, 56)], [tick(SECOND + 9, price=55), tick(3 * SECOND, price=56)])
    assert done == Published(rows=4, replaced=6)
    imported = [(b.start // MINUTE, b.close) for b in store.bars(WHOLE) if b.source == "import:a.csv"]
    assert imported == [(0, 100), (1, 55), (3, 56), (4, 100)]
    assert [(t.timestamp, t.price) for t in store.ticks(TickRange(instrument=7, source="import:a.csv"))] == [
        (0, 100),
        (SECOND + 9, 55),
        (3 * SECOND, 56),
        (4 * SECOND, 100),
    ]
    assert [b.close for b in store.bars(WHOLE) if b.source == "ticks"] == [11]
    assert [t.price for t in store.ticks(TickRange(instrument=7, source="ib"))] == [11]


def test_a_reader_that_began_before_an_import_sees_the_old_rows_to_the_end(store: MarketStore) -> None:
    staged = store.begin_import("import:a.csv", "f1")
    store.stage_bars(staged, [bar(n) for n in range(20_500)])
    store.publish(staged)
    reader = store.bars(WHOLE)
    seen = list(islice(reader, 3))
    staged = store.begin_import("import:a.csv", "f2")
    store.stage_bars(staged, [bar(n, 101) for n in range(20_500)])
    store.publish(staged)
    seen += list(reader)
    assert (len(seen), {b.close for b in seen}) == (20_500, {100})
    assert {b.close for b in store.bars(WHOLE)} == {101}


moments = st.integers(-5, 5).map(lambda half: half * SECOND // 2)


@settings(max_examples=30)
@given(batches=st.lists(st.lists(st.tuples(moments, st.integers(0, 2)), unique=True, min_size=1), min_size=1, max_size=4))
def test_re_imports_equal_a_model_of_whole_seconds(batches: list[list[tuple[int, int]]]) -> None:
    """The newest import is the truth from its first to its last whole second; outside it the older ones stay."""
    model: dict[tuple[int, int], int] = {}
    with TemporaryDirectory() as folder:
        store = SqlMarketStore(Path(folder))
        for price, keys in enumerate(batches):
            staged = store.begin_import("import:x", f"f{price}")
            store.stage_ticks(staged, [tick(at, seq, price=price) for at, seq in keys])
            store.publish(staged)
            seconds = [at // SECOND for at, _ in keys]
            model = {k: v for k, v in model.items() if not min(seconds) <= k[0] // SECOND <= max(seconds)}
            model |= dict.fromkeys(keys, price)
        assert [((t.timestamp, t.seq), t.price) for t in store.ticks(ALL_TICKS)] == sorted(model.items())
        store.close()


def test_rows_of_an_unknown_table_or_column_are_refused(store: MarketStore) -> None:
    with pytest.raises(DataError, match="no table users"):
        list(store.rows("users"))
    with pytest.raises(DataError, match="deals has no column ticker"):
        list(store.rows("deals", ticker="MES"))
    assert list(store.rows("deals", run="r1", mode="backtest")) == []
