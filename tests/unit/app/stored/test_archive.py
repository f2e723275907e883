"""Old ticks leave the database for files and are read as before, whatever dies on the way."""

import os
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import duckdb
import msgspec
import psycopg
import pytest

from tests.postgres import new_database, plain, timescale_server
from theo.adapters.files.archive import ParquetArchive, no_step
from theo.adapters.files.archive_manifest import ArchivedFile
from theo.adapters.sql.database.place import Place
from theo.adapters.sql.market.store import SqlMarketStore
from theo.app.stored import archiving
from theo.domain.errors import CorruptionError, DataError, HaltRequiredError
from theo.domain.instrument import Instrument, SecurityType
from theo.domain.market_data import DAY, MINUTE, SECOND, Tick
from theo.ports.market_store import TickRange

MES = Instrument(id=7, symbol="MES", token=5, security_type=SecurityType.FUT, exchange="CME", calendar="CME_EQUITY", tick=25)
EUR = Instrument(id=8, symbol="EUR/USD", token=6, security_type=SecurityType.CASH, exchange="IDEALPRO", calendar="FOREX")
FIRST = 1_735_776_000_000_000  # 2025-01-02 00:00 UTC
BEFORE = FIRST + 3 * DAY  # three days go, one stays
NOW = FIRST + 10 * DAY
EVERYTHING = (-(2**62), 2**62)


def tick(day: int, after: int, seq: int = 0, *, instrument: int = 7, source: str = "ib", price: int = 100) -> Tick:
    at = FIRST + day * DAY + after
    return Tick(instrument, at + 5, at, seq, seq % 2, price, 3, 32 * (seq % 2), 1, source)


TICKS = [
    tick(day, after, seq, instrument=instrument, source=source, price=100 + day + seq)
    for instrument in (7, 8)
    for day in range(4)
    for after in (0, MINUTE, MINUTE + 1, DAY - 1)
    for source in ("polygon", "ib")
    for seq in range(2)
]


@pytest.fixture(params=["sqlite", "plain", "timescale"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return Place(tmp_path / "home")
    return Place(tmp_path / "home", new_database(on=timescale_server() if request.param == "timescale" else None), "home")


class Held:
    """A store with its archive, opened anew for each thing that is done, as by different processes."""

    def __init__(self, place: Place, folder: Path) -> None:
        self.place, self.archive = place, ParquetArchive(folder)

    def open(self) -> "closing[SqlMarketStore]":
        return closing(SqlMarketStore(self.place, archive=self.archive))

    def ticks(self, **wanted: object) -> list[Tick]:
        """As anybody reads them."""
        with self.open() as store:
            return [t for number in (7, 8) for t in store.ticks(msgspec.convert({"instrument": number, **wanted}, TickRange))]

    def in_database(self) -> list[Tick]:
        with self.open() as store:
            homes = dict.fromkeys(("", self.place.name))
            return [t for number in (7, 8) for home in homes for t in store.stored_ticks(TickRange(instrument=number), home)]

    def run(self, symbol: str = "", step: Callable[[str], None] = no_step) -> list[ArchivedFile]:
        with self.open() as store:
            return list(archiving.run(store, ParquetArchive(self.archive.folder), BEFORE, NOW, symbol, no_tell, step))

    def restore(self, symbol: str = "", span: tuple[int, int] = EVERYTHING, *, unknown: bool = False) -> int:
        with self.open() as store:
            return len(list(archiving.restore(store, self.archive, symbol, span, unknown=unknown)))

    def faults(self) -> list[archiving.Fault]:
        with self.open() as store:
            return list(archiving.faults(store, ParquetArchive(self.archive.folder), no_tell))


def no_tell(_file: ArchivedFile) -> None:
    """Nobody looks."""


@pytest.fixture
def held(place: Place, tmp_path: Path) -> Held:
    found = Held(place, tmp_path / "archive")
    with found.open() as store:
        store.put_instruments([MES, EUR])
        store.put_ticks(TICKS)
    return found


def test_archived_ticks_are_read_as_before_and_come_back(held: Held) -> None:
    whole = held.ticks()
    assert sorted(whole, key=repr) == sorted(TICKS, key=repr)
    files = held.run()
    assert [(file.symbol, file.rows) for file in files] == [("MES", 16), ("EUR/USD", 16)] * 3
    assert held.in_database() == [t for t in whole if t.timestamp >= BEFORE]
    assert held.ticks() == whole
    for span in ((FIRST + MINUTE, FIRST + 2 * DAY + MINUTE + 1), (FIRST + DAY - 1, FIRST + DAY)):
        for source in ("", "ib"):
            expected = [t for t in whole if span[0] <= t.timestamp < span[1] and source in {"", t.source}]
            assert held.ticks(start=span[0], end=span[1], source=source) == expected
    with held.open() as store:
        assert [(each.first, each.last) for each in store.tick_ranges()] == [(FIRST, FIRST + 4 * DAY - 1)] * 2
    assert (held.run(), held.faults()) == ([], [])
    assert held.restore("MES", (FIRST + DAY, FIRST + 2 * DAY)) == 1
    assert held.ticks() == whole
    assert (held.restore(), held.restore()) == (5, 0)
    assert held.in_database() == held.ticks() == whole
    assert len(held.run()) == 6
    assert held.ticks() == whole
    assert len(list(held.archive.folder.rglob("*.parquet"))) == 6  # the files of before serve again


def test_files_are_what_other_tools_read(held: Held) -> None:
    held.run("MES")
    with duckdb.connect(":memory:") as tool:
        rows = tool.execute(
            "SELECT symbol, day::VARCHAR, epoch_us(timestamp), source, seq, price, volume "
            "FROM read_parquet(?, hive_partitioning = true) ORDER BY timestamp, source, seq",
            [f"{held.archive.folder}/*/*/*.parquet"],
        ).fetchall()
    ours = sorted((t.timestamp, t.source, t.seq, t) for t in TICKS if t.instrument == 7 and t.timestamp < BEFORE)
    days = ("2025-01-02", "2025-01-03", "2025-01-04")
    assert rows == [("MES", days[(at - FIRST) // DAY], at, source, seq, t.price, 3) for at, source, seq, t in ours]


def test_late_ticks_of_an_archived_day_are_read_beside_it_and_go_to_a_file_of_their_own(held: Held) -> None:
    whole = held.ticks()
    held.run()
    late = [tick(1, MINUTE, 2), tick(1, 2 * MINUTE)]
    again = [t for t in whole if t.timestamp < FIRST + DAY]  # as a rebuild from the journal brings them
    with held.open() as store:
        store.put_ticks(late)
        store.keep_ticks(again)
    expected = sorted([*whole, *late], key=repr)
    assert sorted(held.ticks(), key=repr) == expected
    assert [t.timestamp for t in held.ticks(source="ib") if t.instrument == 7] == sorted(
        t.timestamp for t in expected if t.source == "ib" and t.instrument == 7
    )
    assert len(held.run()) == 3
    assert sorted(held.ticks(), key=repr) == expected
    assert held.faults() == []


def test_what_is_archived_is_not_replaced_behind_its_back(held: Held) -> None:
    held.run()
    day = FIRST + DAY
    with held.open() as store:
        with pytest.raises(DataError, match=r"ticks of ib in this range are archived.*theo archive restore"):
            store.replace_ticks("ib", 7, day, day + SECOND, [])
        staged = store.begin_import("ib", "file")
        store.stage_ticks(staged, [tick(1, 0)])
        with pytest.raises(DataError, match="archived"):
            store.publish(staged)
        assert store.replace_ticks("other", 7, day, day + SECOND, []) == 0
    held.restore()
    with held.open() as store:
        assert store.replace_ticks("ib", 7, day, day + SECOND, []) == 2


def test_without_the_archive_nobody_reads_less_than_there_is(held: Held) -> None:
    held.run()
    with closing(SqlMarketStore(held.place)) as store, pytest.raises(HaltRequiredError, match="no archive is open"):
        list(store.ticks(TickRange(instrument=7)))


def test_ticks_that_change_while_they_are_archived_stay(held: Held) -> None:
    whole = held.ticks()

    def change(step: str) -> None:
        if step == "dropping":
            with held.open() as store:
                store.replace_ticks("ib", 7, FIRST + MINUTE, FIRST + MINUTE + SECOND, [tick(0, MINUTE, 1, price=99)])

    with pytest.raises(DataError, match="ticks changed while they were archived"):
        held.run("MES", change)
    assert held.in_database() != whole
    assert held.ticks() == held.in_database()
    held.run()
    assert len(held.ticks()) == len(whole) - 3
    assert held.faults() == []


def dies_after(steps: int) -> Callable[[str], None]:
    left = [steps]

    def step(_name: str) -> None:
        left[0] -= 1
        if left[0] < 0:
            os._exit(9)

    return step


def test_a_kill_at_any_step_loses_and_doubles_nothing(held: Held) -> None:
    whole = held.ticks()
    steps: list[str] = []
    with held.open() as store:
        store.engine.dispose()
    for number in range(100):
        child = os.fork()
        if child == 0:
            held.run("", dies_after(number))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert held.ticks() == whole
        steps.append(str(os.waitstatus_to_exitcode(status)))
        if steps[-1] == "0":
            break
    assert "9" in steps
    assert held.in_database() == [t for t in whole if t.timestamp >= BEFORE]
    assert held.faults() == []
    assert list(held.archive.folder.rglob("*.partial")) == []
    assert len(list(held.archive.folder.rglob("*.parquet"))) == len(held.archive.manifest.files()) == 6


@pytest.fixture
def small(tmp_path: Path) -> Held:
    """On SQLite: what follows is of the files alone."""
    found = Held(Place(tmp_path / "home"), tmp_path / "archive")
    with found.open() as store:
        store.put_instruments([MES, EUR])
        store.put_ticks(TICKS)
    found.run()
    return found


def damage(path: Path) -> None:
    text = bytearray(path.read_bytes())
    text[len(text) // 2] ^= 1
    path.write_bytes(text)


def test_faults_are_found_and_named(small: Held) -> None:
    files = small.archive.manifest.files()
    damage(small.archive.folder / files[0].path)
    (small.archive.folder / files[1].path).unlink()
    assert {(fault.file, fault.what) for fault in small.faults()} == {
        (files[0].path, "was changed"),
        (files[1].path, "is missing"),
    }
    with pytest.raises(CorruptionError, match="cannot be read"):
        small.ticks(start=FIRST, end=FIRST + 1)
    before = small.in_database()
    with pytest.raises(CorruptionError):
        small.restore("EUR/USD")
    assert small.in_database() == before


def test_a_file_with_other_ticks_is_not_put_back(small: Held) -> None:
    files = small.archive.manifest.files()
    one, other = (small.archive.folder / files[at].path for at in (0, 2))
    one.write_bytes(other.read_bytes())
    before = small.in_database()
    with pytest.raises(CorruptionError, match="does not hold the ticks that were archived"):
        small.restore("MES")
    assert small.in_database() == before


def test_a_changed_manifest_is_refused_and_a_line_that_a_crash_cut_is_not(small: Held) -> None:
    path = small.archive.manifest.path
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    for text in (b"".join(lines[1:]), lines[0].replace(b'"rows":16', b'"rows":15') + b"".join(lines[1:])):
        path.write_bytes(text)
        with pytest.raises(CorruptionError, match="was changed"):
            small.faults()
    path.write_bytes(whole + b'{"path":"half')
    assert small.faults() == []
    with small.open() as store:
        store.put_ticks([tick(0, 5, instrument=8)])
    small.run()
    assert small.faults() == []
    assert all(b["previous"] != a["previous"] for a, b in pairwise(map(msgspec.json.decode, path.read_bytes().splitlines())))


def test_after_the_loss_of_the_database_the_files_are_all_that_is_needed(small: Held, tmp_path: Path) -> None:
    whole = small.ticks()
    fresh = Held(Place(tmp_path / "fresh"), small.archive.folder)
    with fresh.open() as store:
        store.put_instruments([MES, EUR])
    assert (fresh.restore(), fresh.restore(unknown=True), fresh.restore(unknown=True)) == (0, 6, 6)
    assert sorted(fresh.in_database(), key=repr) == sorted((t for t in whole if t.timestamp < BEFORE), key=repr)


def test_only_one_process_writes_to_an_archive(small: Held) -> None:
    with small.archive.writing(), pytest.raises(HaltRequiredError, match="another process writes"), small.archive.writing():
        pass


@pytest.mark.parametrize("place", ["plain", "timescale"], indirect=True)
def test_bars_of_the_database_outlast_their_ticks(held: Held) -> None:
    assert held.place.server is not None
    with psycopg.connect(plain(held.place.server), autocommit=True) as person:
        query = "SELECT * FROM stock_ohlc_60min ORDER BY created, symbol, source_id"
        before = person.execute(query).fetchall()
        held.run()
        assert person.execute(query).fetchall() == before
        assert len(before) == 4 * 2 * 2 * 2
        if not has_chunks(person):
            person.execute("CALL refresh_continuous_aggregate('stock_ohlc_60min', NULL, NULL)")
            assert person.execute(query).fetchall() == before


def has_chunks(person: "psycopg.Connection[tuple[object, ...]]") -> bool:
    found = person.execute("SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'").fetchone()
    return found is not None and found[0] == 1


@pytest.mark.parametrize("place", ["timescale"], indirect=True)
def test_a_day_of_all_instruments_goes_as_a_whole(held: Held) -> None:
    assert held.place.server is not None
    query = "SELECT count(*) FROM timescaledb_information.chunks WHERE hypertable_name = 'ticks'"
    with psycopg.connect(plain(held.place.server), autocommit=True) as person:
        assert person.execute(query).fetchone() == (4,)
        held.run("MES")
        assert person.execute(query).fetchone() == (4,)  # the other's ticks are in them
        held.restore()
        held.run()
        assert person.execute(query).fetchone() == (1,)
