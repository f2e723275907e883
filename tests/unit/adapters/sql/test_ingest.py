"""Ticks on their way into the store, whatever becomes of the database meanwhile: none is lost, none is doubled."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import make_url

from tests.closing import ingest_kills
from tests.postgres import DATABASES, Opening, plain, server
from theo.adapters.postgres.server import Server
from theo.adapters.sql.database.place import Place
from theo.adapters.sql.database.transactions import writing
from theo.adapters.sql.market import ingest as ingesting
from theo.adapters.sql.market import spill as spilling
from theo.adapters.sql.market.ingest import Round, TickIngest
from theo.adapters.sql.market.spill import Spill, SpillBounds
from theo.adapters.sql.market.store import SqlMarketStore
from theo.domain.errors import HaltRequiredError
from theo.domain.market_data import Tick
from theo.ports.market_store import TickRange

Told = list[tuple[str, str]]
NO_ROOM_LEFT_FREE = SpillBounds(free_min=0)


def ticks(first: int, count: int) -> list[Tick]:
    """Trades, three an instant."""
    return [Tick(7, n // 3, n // 3, n % 3, 0, 100 + n % 7, 1, 0, 0, "ib") for n in range(first, first + count)]


def tells(told: Told) -> spilling.Tell:
    return lambda severity, code, _text: told.append((severity, code))


@pytest.fixture
def told() -> Told:
    return []


@pytest.fixture
def tell(told: Told) -> spilling.Tell:
    return tells(told)


@pytest.fixture
def spill(tmp_path: Path, tell: spilling.Tell) -> Spill:
    return Spill(tmp_path / "spill", tell, NO_ROOM_LEFT_FREE)


def drain(waiting: Spill) -> list[Tick]:
    found: list[Tick] = []
    while (block := waiting.first()) is not None:
        found += block
        waiting.stored()
    return found


def test_what_waits_on_the_disk_comes_back_in_order_to_the_next_process_too(
    tmp_path: Path, tell: spilling.Tell, spill: Spill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spilling, "SEGMENT_BYTES", 2_000)  # several files
    spill.append(ticks(0, 100))
    assert spill.first() == spill.first() == ticks(0, 100)
    spill.append(ticks(100, 100))
    spill.append(ticks(200, 100))
    spill.stored()
    spill.close()
    again = Spill(tmp_path / "spill", tell, NO_ROOM_LEFT_FREE)
    again.append(ticks(300, 5))
    found = drain(again)
    assert found[-205:] == ticks(100, 205)
    assert found in (ticks(100, 205), ticks(0, 305))  # where it stopped is not kept: a block may come twice
    assert again.waiting == 0
    assert list((tmp_path / "spill").iterdir()) == []


@settings(max_examples=30)
@given(left=st.integers(0, 1_000))
def test_a_block_that_a_kill_cut_short_was_never_acknowledged(left: int) -> None:
    with TemporaryDirectory() as folder:
        told: Told = []
        writing = Spill(Path(folder), tells(told), NO_ROOM_LEFT_FREE)
        writing.append(ticks(0, 10))
        (file,) = Path(folder).iterdir()
        whole = file.stat().st_size
        writing.append(ticks(10, 10))
        writing.close()
        size = file.stat().st_size
        os.truncate(file, min(left, size))
        expected = 20 if left >= size else 10 if left >= whole else 0
        assert (drain(Spill(Path(folder), tells(told), NO_ROOM_LEFT_FREE)), told) == (ticks(0, expected), [])


@pytest.mark.parametrize("place", ["head", "payload"])
def test_damage_is_told_and_what_can_be_read_is(tmp_path: Path, spill: Spill, told: Told, place: str) -> None:
    for first in (0, 10, 20):
        spill.append(ticks(first, 10))
    spill.close()
    (file,) = (tmp_path / "spill").iterdir()
    bytes_ = bytearray(file.read_bytes())
    second = len(spilling.MAGIC) + (len(bytes_) - len(spilling.MAGIC)) // 3
    bytes_[second + (1 if place == "head" else 40)] ^= 1
    file.write_bytes(bytes_)
    again = Spill(tmp_path / "spill", tells(told), NO_ROOM_LEFT_FREE)
    assert drain(again) == (ticks(0, 10) if place == "head" else ticks(0, 10) + ticks(20, 10))
    assert told == [("page", "spill_damaged")]
    assert [each.suffix for each in (tmp_path / "spill").iterdir()] == [".damaged"]


def test_a_person_is_told_before_the_bound_and_nothing_is_taken_past_it(tmp_path: Path, told: Told, tell: spilling.Tell) -> None:
    bounded = Spill(tmp_path, tell, SpillBounds(bytes_max=3_000, free_min=0))
    for first in range(0, 150, 10):
        bounded.append(ticks(first, 10))
        assert told == [("page", "spill_fills")] * (bounded.waiting > 0.8 * 3_000)
    with pytest.raises(HaltRequiredError, match=r"3,000 bytes are the most.*Free the disk"):
        bounded.append(ticks(150, 100))
    assert drain(bounded) == ticks(0, 150)
    free = shutil.disk_usage(tmp_path).free
    reserved = Spill(tmp_path / "other", tell, SpillBounds(free_min=free + 2**40))
    with pytest.raises(HaltRequiredError, match="left to the journal"):
        reserved.append(ticks(0, 1))


OpenStore = Opening[SqlMarketStore]


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlMarketStore]:
    opened = Opening(SqlMarketStore, request.param)(tmp_path / "home")
    yield opened
    opened.close()


def stored(store: SqlMarketStore) -> list[Tick]:
    return list(store.ticks(TickRange(instrument=7)))


def test_ticks_are_stored_batch_by_batch_and_twice_offered_once(
    store: SqlMarketStore, spill: Spill, tell: spilling.Tell, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "BATCH_TICKS_MAX", 40)
    taking = TickIngest(store, spill, tell)
    taking.offer(ticks(0, 60))
    taking.offer(ticks(30, 70))  # half of them came before
    assert [taking.work() for _ in range(5)] == [Round(40, more=True)] * 3 + [Round(10), Round()]
    assert (stored(store), taking.kept, told) == (ticks(0, 100), 130, [])


def test_more_than_memory_may_hold_goes_to_the_disk_and_then_to_the_database(
    store: SqlMarketStore, spill: Spill, tell: spilling.Tell, told: Told
) -> None:
    taking = TickIngest(store, spill, tell, held_max=50)
    for first in range(0, 200, 20):
        taking.offer(ticks(first, 20))
    assert spill.waiting > 0
    taking.close()
    assert (stored(store), spill.waiting, told) == (ticks(0, 200), 0, [])


def test_without_room_anywhere_whoever_offers_is_told_and_nothing_is_lost(store: SqlMarketStore, tmp_path: Path) -> None:
    told: Told = []
    full = Spill(tmp_path / "spill", tells(told), SpillBounds(bytes_max=10))
    taking = TickIngest(store, full, tells(told), held_max=50)
    taking.offer(ticks(0, 50))
    with pytest.raises(HaltRequiredError, match="no more ticks can be kept aside"):
        taking.offer(ticks(50, 1))
    taking.close()
    assert stored(store) == ticks(0, 51)


@contextmanager
def refusing(store: SqlMarketStore, way: str) -> Iterator[None]:
    """The database takes nothing meanwhile."""
    if store.engine.dialect.name == "sqlite":
        now = {"full": "max_page_count = 1", "read-only": "query_only = ON"}[way]

        @event.listens_for(store.engine, "begin")
        def _limit(connection: Connection) -> None:
            connection.exec_driver_sql(f"PRAGMA {now}")

        yield
        now = {"full": "max_page_count = 1000000000", "read-only": "query_only = OFF"}[way]
        return
    with psycopg.connect(plain(store.engine.url), autocommit=True) as other:
        name = store.engine.url.database
        other.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        other.execute(END_OTHERS)
        yield
        other.execute("SET default_transaction_read_only = off")
        other.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
        other.execute(END_OTHERS)


END_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.mark.parametrize(
    ("store", "way"), [("sqlite", "full"), ("sqlite", "read-only"), ("postgresql", "read-only")], indirect=["store"]
)
def test_while_the_database_takes_nothing_ticks_wait_and_a_person_knows(
    store: SqlMarketStore, spill: Spill, tell: spilling.Tell, told: Told, way: str
) -> None:
    taking = TickIngest(store, spill, tell)
    taking.offer(ticks(0, 10_000))
    taking.work()
    with refusing(store, way):
        for first in range(10_000, 40_000, 10_000):
            taking.offer(ticks(first, 10_000))
            assert taking.work().failed
        assert (taking.kept, spill.waiting > 0, told) == (40_000, True, [("page", "ticks_wait")])
    taking.offer(ticks(40_000, 10))
    taking.close()
    assert (stored(store), spill.waiting) == (ticks(0, 40_010), 0)
    assert told == [("page", "ticks_wait"), ("info", "ticks_stored")]


class Crashing:
    """A server of its own that may be stopped as by a crash, and a store on it."""

    def __init__(self, folder: Path) -> None:
        self.server = Server(folder / "server", server().binaries, server().user)
        self.server.make(("shared_buffers = 16MB", "synchronous_standby_names = ''"))
        self.server.start()
        self.store = SqlMarketStore(Place(folder, make_url(self.server.url()), "home"), durable=True)

    def ask(self, statement: str) -> object:
        with psycopg.connect(plain(make_url(self.server.url())), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall()[0][0] if cursor.description else None

    def end_writer_when(self, waits_for: str) -> None:
        """End the writer's connection as soon as it waits for that."""
        waiting = f"FROM pg_stat_activity WHERE wait_event = '{waits_for}' AND application_name = 'theo market'"
        while not self.ask(f"SELECT count(pg_terminate_backend(pid)) {waiting}"):
            pass

    def let_commits_wait(self) -> None:
        """For a replica that there is not. A reload holds once the server's processes have heard of it: a commit tells."""
        self.ask("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        self.ask("SELECT pg_reload_conf()")
        waiting, heard = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'", False
        with ThreadPoolExecutor(1) as thread:
            while not heard:
                tried = thread.submit(self.ask, "SELECT pg_logical_emit_message(true, 'tried', '')")
                while not (heard or tried.done()):
                    heard = bool(self.ask(f"SELECT count(pg_cancel_backend(pid)) {waiting}"))


@pytest.fixture(scope="module")
def crashing() -> Iterator[Crashing]:
    with TemporaryDirectory(prefix="theo-pg-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        made = Crashing(Path(folder))
        yield made
        made.store.close()
        made.server.stop("immediate")


@pytest.fixture
def empty(crashing: Crashing) -> SqlMarketStore:
    with writing(crashing.store.engine) as connection:
        connection.execute(text("TRUNCATE ticks"))
    return crashing.store


def test_a_server_that_crashes_loses_and_doubles_nothing(
    crashing: Crashing, empty: SqlMarketStore, spill: Spill, tell: spilling.Tell, told: Told
) -> None:
    taking = TickIngest(empty, spill, tell)
    for first in range(0, 4_000, 1_000):
        taking.offer(ticks(first, 1_000))
        if first == 2_000:
            crashing.server.stop("immediate")
        assert taking.work().failed == (first >= 2_000)
        assert taking.kept == first + 1_000
    crashing.server.start()
    taking.close()
    assert (stored(empty), spill.waiting) == (ticks(0, 4_000), 0)
    assert told == [("page", "ticks_wait"), ("info", "ticks_stored")]


def test_a_connection_cut_in_the_middle_of_a_copy_stores_nothing_of_it(
    crashing: Crashing, empty: SqlMarketStore, spill: Spill, tell: spilling.Tell
) -> None:
    """A trigger waits in the middle of the COPY for a lock that the test holds."""
    crashing.ask(
        "CREATE OR REPLACE FUNCTION exact.midway() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NEW; END $$; "
        "CREATE TRIGGER midway BEFORE INSERT ON exact.ticks FOR EACH ROW WHEN (NEW.timestamp >= to_timestamp(0.0015)) "
        "EXECUTE FUNCTION exact.midway()"
    )
    taking = TickIngest(empty, spill, tell)
    taking.offer(ticks(0, 9_000))
    with psycopg.connect(plain(make_url(crashing.server.url())), autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(42)")
        with ThreadPoolExecutor(1) as thread:
            working = thread.submit(taking.work)
            crashing.end_writer_when("advisory")
            assert working.result().failed
    assert (stored(empty), taking.kept) == ([], 9_000)
    crashing.ask("DROP TRIGGER midway ON exact.ticks")
    taking.close()
    assert stored(empty) == ticks(0, 9_000)


def test_a_commit_whose_answer_was_lost_is_stored_once(
    crashing: Crashing, empty: SqlMarketStore, spill: Spill, tell: spilling.Tell
) -> None:
    """The server has committed and waits for a replica that there is not; then the connection is ended."""
    crashing.let_commits_wait()
    taking = TickIngest(empty, spill, tell)
    taking.offer(ticks(0, 100))
    with ThreadPoolExecutor(1) as thread:
        working = thread.submit(taking.work)
        crashing.end_writer_when("SyncRep")
        assert working.result().failed
    crashing.ask("ALTER SYSTEM RESET synchronous_standby_names")
    crashing.ask("SELECT pg_reload_conf()")
    assert stored(empty) == ticks(0, 100)  # nobody knew it
    assert spill.waiting > 0
    taking.offer(ticks(100, 100))
    taking.close()
    assert (stored(empty), spill.waiting) == (ticks(0, 200), 0)


class SmallDisk:
    """A file system of some megabytes."""

    def __init__(self, folder: Path, user: str) -> None:
        self.folder, self._owner = folder, pwd.getpwnam(user or "root").pw_uid
        folder.mkdir()
        self._mount("size=4m")

    def _mount(self, options: str) -> None:
        command = ["mount", "-t", "tmpfs", "-o", f"{options},uid={self._owner},mode=0700", "tmpfs", str(self.folder)]
        subprocess.run(command, check=True, capture_output=True)

    def grow(self) -> None:
        self._mount("remount,size=64m")

    def end(self) -> None:
        subprocess.run(["umount", str(self.folder)], check=True)


@pytest.fixture
def small_disk() -> Iterator[SmallDisk]:
    if os.geteuid():
        pytest.skip("only root may make a small file system")
    with TemporaryDirectory(prefix="theo-disk-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        try:
            made = SmallDisk(Path(folder) / "small", server().user)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no file system can be mounted here: {error.stderr.decode().strip()}")
        yield made
        made.end()


def fill(taking: TickIngest) -> int:
    """Ticks until the database takes no more; how many were offered."""
    for first in range(0, 1_000_000, 10_000):
        taking.offer(ticks(first, 10_000))
        if taking.work().failed:
            return first + 10_000
    raise AssertionError("the disk was not filled")


def test_a_full_disk_keeps_ticks_waiting_on_another(small_disk: SmallDisk, spill: Spill, tell: spilling.Tell, told: Told) -> None:
    store = SqlMarketStore(small_disk.folder / "home", durable=True)
    taking = TickIngest(store, spill, tell)
    offered = fill(taking)
    assert (taking.kept, told) == (offered, [("page", "ticks_wait")])
    small_disk.grow()
    taking.close()
    assert stored(store) == ticks(0, offered)
    store.close()


def test_where_one_full_disk_holds_all_ticks_stay_in_memory(small_disk: SmallDisk, tell: spilling.Tell, told: Told) -> None:
    store = SqlMarketStore(small_disk.folder / "home", durable=True)
    taking = TickIngest(store, Spill(small_disk.folder / "spill", tell, SpillBounds(free_min=512 * 1024)), tell)
    offered = fill(taking)
    while ("page", "spill_full") not in told:
        taking.offer(ticks(offered, 10_000))
        offered += 10_000
        taking.work()
    taking.work()
    assert told == [("page", "ticks_wait"), ("page", "spill_full")]  # once
    assert taking.kept < offered
    small_disk.grow()
    taking.close()
    assert (stored(store), taking.kept) == (ticks(0, offered), offered)
    store.close()


def test_a_full_disk_of_the_server_keeps_ticks_waiting(
    small_disk: SmallDisk, crashing: Crashing, empty: SqlMarketStore, spill: Spill, tell: spilling.Tell, told: Told
) -> None:
    crashing.ask(f"CREATE TABLESPACE small LOCATION '{small_disk.folder}'")
    crashing.ask("SELECT exact.make_months('{0}')")
    crashing.ask("ALTER TABLE exact.ticks_1970_01 SET TABLESPACE small")
    taking = TickIngest(empty, spill, tell)
    offered = fill(taking)
    assert (taking.kept, told) == (offered, [("page", "ticks_wait")])
    small_disk.grow()
    taking.close()
    assert stored(empty) == ticks(0, offered)
    crashing.ask("ALTER TABLE exact.ticks_1970_01 SET TABLESPACE pg_default")
    crashing.ask("DROP TABLESPACE small")


@pytest.mark.slow
@pytest.mark.parametrize(("database", "kills"), [("sqlite", 3), ("postgresql", 3)])
def test_ticks_that_were_acknowledged_outlast_kills(database: str, kills: int) -> None:
    """A sample of the closing run, which kills a hundred times."""
    with TemporaryDirectory(prefix="theo-pg-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        done = ingest_kills.run(Path(folder) / "run", kills, 1, database)
        assert (done.count, done.acknowledged > 0) == (kills, True)


@pytest.mark.slow
def test_a_primary_that_fails_over_to_its_standby_loses_and_doubles_nothing(
    spill: Spill, tell: spilling.Tell, told: Told
) -> None:
    """The address names both; what is acknowledged is on both, for the primary waits for its standby."""
    with TemporaryDirectory(prefix="theo-pg-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        primary, standby = (Server(Path(folder) / name, server().binaries, server().user) for name in ("a", "b"))
        primary.make(("shared_buffers = 16MB", "synchronous_standby_names = '*'"))
        primary.start()
        follow(primary, standby)
        both = f"host={primary.socket},{standby.socket}&port=5432,5432&target_session_attrs=read-write"
        store = SqlMarketStore(Place(Path(folder), make_url(f"postgresql+psycopg://theo@/postgres?{both}"), "home"), durable=True)
        taking = TickIngest(store, spill, tell)
        for first in range(0, 3_000, 1_000):
            taking.offer(ticks(first, 1_000))
            assert not taking.work().failed
        primary.stop("immediate")
        taking.offer(ticks(3_000, 1_000))
        assert taking.work().failed
        with psycopg.connect(plain(make_url(standby.url())), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM RESET synchronous_standby_names")
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("SELECT pg_promote()")
        taking.offer(ticks(4_000, 1_000))
        taking.close()
        assert stored(store) == ticks(0, 5_000)
        assert told == [("page", "ticks_wait"), ("info", "ticks_stored")]
        store.close()
        standby.stop("immediate")


def follow(primary: Server, standby: Server) -> None:
    """Make and start a standby; returns when the primary waits for it."""
    standby.make()
    shutil.rmtree(standby.data)
    source = f"host={primary.socket} port=5432 user=theo"
    subprocess.run(
        [primary.binaries / "pg_basebackup", "-D", standby.data, "-R", "-c", "fast", "-X", "stream", "-d", source],
        check=True,
        user=primary.user or None,
        cwd=primary.folder,
    )
    settings = standby.data / "postgresql.auto.conf"
    settings.write_text(settings.read_text().replace(f"'{primary.socket}'", f"'{standby.socket}'", 1))
    standby.start()
    with psycopg.connect(plain(make_url(primary.url())), autocommit=True) as connection:
        while connection.execute("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'").fetchone() != (1,):
            pass
