"""What every store of levels must do, with the loop that brings them up. The truth is the plain loop over all bars."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from tests.contracts.test_market_store import MES, OpenStore
from tests.postgres import DATABASES, Opening
from theo.adapters.sql.market.level_store import SqlLevelStore
from theo.adapters.sql.market.store import SqlMarketStore
from theo.app.stored import leveling
from theo.app.stored.leveling import Leveling
from theo.domain.errors import HaltRequiredError
from theo.domain.market_data import MINUTE, Bar
from theo.market.standard_levels import LEVEL_NAMES, TIMEFRAMES, LevelSettings, NewLevel, StandardLevels
from theo.ports.level_store import LevelMark, Levels, LevelSeries, Piece, Written

LENGTH = 15 * MINUTE
SERIES = LevelSeries(7, "15min", "ticks")
SMALL = LevelSettings(k=1, atr_n=3, donchian_n=4)
EVER = 2**62


@pytest.fixture(params=DATABASES)
def open_store(request: pytest.FixtureRequest) -> OpenStore:
    return Opening(SqlMarketStore, request.param)


@pytest.fixture
def market(open_store: OpenStore, tmp_path: Path) -> Iterator[SqlMarketStore]:
    opened = open_store(tmp_path)
    opened.put_instruments([MES])
    yield opened
    opened.close()


def bar(number: int, close: int, *, revision: int = 0, contract: str = "", source: str = "ticks") -> Bar:
    start, end = number * LENGTH, (number + 1) * LENGTH
    return Bar(7, end, "15min", start, end, close, close + 3, close - 2, close, 5, source, number // 7 + 1, revision, contract)


def wave(first: int, past: int, *, contract: str = "", source: str = "ticks") -> list[Bar]:
    """Bars that go up and down, so that there are swings."""
    return [bar(n, 5_000 + 40 * (n % 9) - 3 * (n % 14), contract=contract, source=source) for n in range(first, past)]


def whole(bars: Sequence[Bar], differences: dict[tuple[str, str], int] | None = None) -> list[Levels]:
    """The plain loop over all bars, from the origin."""
    made, rows = StandardLevels(SMALL), []
    for each in bars:
        if made.bars and each.contract != made.contract:
            made.go_on_in(each.contract, (differences or {}).get((made.contract, each.contract)))
        rows.append(Levels(each.start, each.contract, made.update(each)))
    return rows


def stored(market: SqlMarketStore, series: LevelSeries = SERIES) -> list[Levels]:
    return list(SqlLevelStore(market.engine).levels(series, -EVER, EVER))


def counts(market: SqlMarketStore, using: Leveling | None = None) -> tuple[int, int, int]:
    """Of the one series: rows that are new, that changed, and levels that became known."""
    store = SqlLevelStore(market.engine)
    (series,) = store.series(TIMEFRAMES)
    done = list((using or Leveling(store, SMALL)).bring_up(series))
    return (done[-1].new, done[-1].changed, done[-1].announced) if done else (0, 0, 0)


def test_rows_are_those_of_the_plain_loop_and_missing_values_are_null(market: SqlMarketStore) -> None:
    bars = wave(0, 40)
    market.put_bars(bars)
    new, changed, announced = counts(market)
    assert (new, changed) == (40, 0)
    assert stored(market) == whole(bars)
    assert set(stored(market)[0].values) == {None}
    fractals = sum(row.values[LEVEL_NAMES.index(name)] is not None for row in whole(bars) for name in ("fh_price", "fl_price"))
    assert announced == fractals > 5


def test_a_second_time_writes_and_announces_nothing(market: SqlMarketStore) -> None:
    market.put_bars(wave(0, 40))
    counts(market)
    assert counts(market) == (0, 0, 0)
    SqlLevelStore(market.engine).forget_marks(SERIES, -EVER)
    assert counts(market) == (0, 0, 0)


def test_a_live_bar_takes_a_handful_of_statements(market: SqlMarketStore) -> None:
    """Every series asks for them at each bar, beside a trader: no more, and none that reads the history."""
    market.put_bars(wave(0, 40))
    kept = Leveling(SqlLevelStore(market.engine), SMALL)
    counts(market, kept)
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        said.append(statement)

    for place in range(40, 46):
        market.put_bars([bar(place, 5_000)])
        event.listen(market.engine, "before_cursor_execute", note)
        done = list(kept.bring_up(SERIES))
        event.remove(market.engine, "before_cursor_execute", note)
        assert [each.new for each in done] == [1]
    assert len([statement for statement in said if not statement.startswith("BEGIN")]) <= 6 * 9


@pytest.mark.parametrize("compiled_min", [1, 10**9])
def test_however_it_is_cut_the_rows_are_the_same(
    open_store: OpenStore, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, compiled_min: int
) -> None:
    """In pieces of any size, by new processes or by one, by the compiled steps or bar by bar."""
    monkeypatch.setattr(leveling, "COMPILED_MIN", compiled_min)

    @settings(max_examples=6)
    @given(cuts=st.lists(st.integers(1, 60), max_size=4), piece=st.sampled_from([3, 16, 4_096]), one=st.booleans())
    def same(cuts: list[int], piece: int, *, one: bool) -> None:
        monkeypatch.setattr(leveling, "PIECE_BARS", piece)
        market = open_store(tmp_path_factory.mktemp("cut"))
        market.put_instruments([MES])
        bars = wave(0, 64)
        kept = Leveling(SqlLevelStore(market.engine), SMALL)
        for first, past in zip([0, *sorted(cuts)], [*sorted(cuts), 64], strict=True):
            market.put_bars(bars[first:past])
            if past:
                counts(market, kept if one else None)
        assert stored(market) == whole(bars)
        market.close()

    same()


def test_a_revised_bar_computes_again_from_there_on(market: SqlMarketStore) -> None:
    bars = wave(0, 60)
    market.put_bars(bars)
    kept = Leveling(SqlLevelStore(market.engine), SMALL)
    counts(market, kept)
    revised = bar(50, 5_900, revision=1)
    market.put_bars([revised])
    now = [*bars[:50], revised, *bars[51:]]
    differing = sum(a != b for a, b in zip(whole(bars), whole(now), strict=True))
    new, changed, announced = counts(market, kept)
    assert (new, changed) == (0, differing)
    assert announced >= 1
    assert stored(market) == whole(now)


def test_a_bar_that_comes_before_the_first_moves_the_origin(market: SqlMarketStore) -> None:
    later = wave(10, 40)
    market.put_bars(later)
    counts(market)
    market.put_bars(wave(0, 10))
    counts(market)
    assert stored(market) == whole(wave(0, 40))


def test_an_import_that_replaces_bars_leaves_no_level_of_the_old_ones(market: SqlMarketStore) -> None:
    def imported(bars: list[Bar], mark: str) -> None:
        staged = market.begin_import("file", mark)
        market.stage_bars(staged, bars)
        market.publish(staged)

    series = LevelSeries(7, "15min", "file")
    imported(wave(0, 60, source="file"), "one")
    _, _, announced = counts(market)
    better = [bar(n, 6_000 - 31 * (n % 5), source="file") for n in range(20, 30)]
    imported(better, "two")
    assert len(stored(market, series)) == 50  # until it is computed again
    counts(market)
    assert stored(market, series) == whole([*wave(0, 20), *better, *wave(30, 60)])
    imported(wave(20, 30, source="file"), "three")
    new, _, again = counts(market)
    assert (new, again) == (10, 0)  # the levels of the first import were announced with it
    assert stored(market, series) == whole(wave(0, 60))
    assert announced > 0


def test_other_parameters_are_computed_from_the_origin(market: SqlMarketStore) -> None:
    market.put_bars(wave(0, 40))
    counts(market, Leveling(SqlLevelStore(market.engine), LevelSettings()))
    counts(market)
    assert stored(market) == whole(wave(0, 40))


def test_a_roll_moves_levels_by_the_measured_difference_and_begins_anew_without_one(market: SqlMarketStore) -> None:
    bars = [*wave(0, 30, contract="MESZ5"), *(b.moved(500) for b in wave(30, 60, contract="MESH6"))]
    market.put_bars(bars)
    store = SqlLevelStore(market.engine)
    measured = {("MESZ5", "MESH6"): 500}
    counts(market, Leveling(store, SMALL, lambda _series, before, after: measured.get((before, after))))
    moved = stored(market)
    assert moved == whole(bars, measured)
    flat = whole(wave(0, 60))
    sh, atr, pivot = (LEVEL_NAMES.index(name) for name in ("sh_price", "atr", "fibonacci_r1"))
    for row, plain in zip(moved[30:], flat[30:], strict=True):
        assert (row.values[sh], row.values[atr], row.values[pivot]) == (
            plain.values[sh] + 500,  # type: ignore[operator]  # known by then
            plain.values[atr],
            plain.values[pivot] + 500,  # type: ignore[operator]  # and this
        )
    store.forget_marks(SERIES, -EVER)
    counts(market)
    assert stored(market) == whole(bars)
    assert set(stored(market)[30].values) == {None}


def test_contracts_of_one_time_are_series_of_their_own(market: SqlMarketStore) -> None:
    first, second = wave(0, 30, contract="MESZ5"), [b.moved(500) for b in wave(10, 50, contract="MESH6")]
    market.put_bars([*first, *second])
    store = SqlLevelStore(market.engine)
    assert [(one.chain, one.bars) for one in store.series(TIMEFRAMES)] == [("MESH6", 40), ("MESZ5", 30)]
    for one in store.series(TIMEFRAMES):
        list(Leveling(store, SMALL).bring_up(one))
    for chain, bars in (("MESZ5", first), ("MESH6", second)):
        assert stored(market, LevelSeries(7, "15min", "ticks", chain)) == whole(bars)


def test_bars_that_change_while_levels_are_computed_are_seen(market: SqlMarketStore) -> None:
    """Between reading bars and storing their levels one of them is revised: nothing of the old bar is stored."""
    bars = wave(0, 40)
    market.put_bars(bars)

    class Disturbed(SqlLevelStore):
        """Another process writes at the worst moment."""

        times = 1

        def put(
            self,
            series: LevelSeries,
            piece: Piece,
            values: Sequence[tuple[float | None, ...]],
            new: Sequence[NewLevel],
            mark: LevelMark,
        ) -> Written | None:
            if self.times:
                self.times -= 1
                market.put_bars([bar(35, 5_900 + self.times, revision=10 - self.times)])
            return super().put(series, piece, values, new, mark)

    disturbed = Disturbed(market.engine)
    assert counts(market, Leveling(disturbed, SMALL))[0] == 40
    assert stored(market) == whole([*bars[:35], bar(35, 5_900, revision=10), *bars[36:]])
    SqlLevelStore(market.engine).forget_marks(SERIES, -EVER)
    disturbed.times = 9
    with pytest.raises(HaltRequiredError, match="change faster"):
        counts(market, Leveling(disturbed, SMALL))


def test_what_became_known_is_listed_newest_first(market: SqlMarketStore) -> None:
    market.put_bars([bar(n, close) for n, close in enumerate((10, 20, 10, 10, 30, 10))])
    counts(market)
    found = [msgspec.structs.replace(one.new) for one in SqlLevelStore(market.engine).announced()]
    assert found == [
        NewLevel("SH", 33.0, 4 * LENGTH, 5 * LENGTH, 6 * LENGTH),
        NewLevel("SH", 23.0, LENGTH, 2 * LENGTH, 3 * LENGTH),
    ]
    store = SqlLevelStore(market.engine)
    assert store.announced(8) == ()
    newest, oldest = store.announced()
    assert (store.announced(limit=1), store.announced(limit=2, until=6 * LENGTH - 1)) == ((newest,), (oldest,))
    assert (store.announced(timeframe=newest.timeframe), store.announced(timeframe="1d")) == ((newest, oldest), ())


def test_what_became_known_at_one_time_is_not_split(market: SqlMarketStore) -> None:
    shape = [bar(n, close) for n, close in enumerate((10, 20, 10, 10, 30, 10))]
    market.put_bars([msgspec.structs.replace(each, instrument=number) for number in (1, 2) for each in shape])
    store = SqlLevelStore(market.engine)
    for series in store.series(TIMEFRAMES):
        list(Leveling(store, SMALL).bring_up(series))
    first = store.announced(limit=1)
    assert [(one.instrument, one.new.known_at) for one in first] == [(1, 6 * LENGTH), (2, 6 * LENGTH)]
    assert [one.instrument for one in store.announced(limit=3)] == [1, 2, 1, 2]
