"""A server's database in a file and back: the same rows, or nothing at all."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import URL, make_url

from tests.contracts.journal_records import chain
from tests.postgres import new_database, plain, server, timescale_server
from theo.adapters.postgres.dump import (
    Contents,
    Dumped,
    connected,
    drop_database,
    dump,
    programs,
    restore,
    server_major,
    timescale_version,
)
from theo.adapters.postgres.server import Server
from theo.adapters.sql.database.place import Place
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.journal.verify import verify
from theo.adapters.sql.market.store import SqlMarketStore
from theo.domain.errors import CorruptionError, HaltRequiredError, TheoError, UserError
from theo.domain.journal import TRADING

START = 1_700_000_100  # a quarter of an hour begins, seconds UTC
TICKS = 300

SERVERS: list[Callable[[], Server]] = [server, timescale_server]


@pytest.fixture(params=SERVERS, ids=["plain", "timescale"])
def on(request: pytest.FixtureRequest) -> Server:
    found: Server = request.param()
    return found


def filled(folder: Path, on: Server) -> URL:
    """A journal, and ticks of three days whose five-minute bars were made."""
    url = new_database(on=on)
    place = Place(folder, url, "home/own")
    store = SqlJournalStore(place)
    store.append(chain([b"%d" % n for n in range(50)], store.claim(TRADING)))
    store.close()
    SqlMarketStore(place).close()
    with psycopg.connect(plain(url), autocommit=True) as raw:
        raw.execute(
            "INSERT INTO exact.instruments VALUES (1, 'MES', 7, 'FUT', 'CME', 'XCME', 'USD', 5, 2, 25, 1, '', 0, '', '{}')"
        )
        raw.execute(
            "INSERT INTO exact.sources (id, name, visible, origin, fingerprint, staged_rows) VALUES (1, 'ib', true, 'x', '', 0)"
        )
        raw.execute("SELECT exact.make_months(array(SELECT %s / 86400 + n FROM generate_series(0, 7) n))", [START])
        raw.execute(
            "INSERT INTO exact.ticks (instrument, timestamp, source_id, seq, received_at, kind, price, volume, flags, "
            "time_source) "
            "SELECT 1, to_timestamp(%s + n * 900.0), 1, 0, 0, 0, 500000 + n %% 97, 1, 0, 0 FROM generate_series(0, %s) n",
            [START, TICKS - 1],
        )
        raw.execute("CALL refresh_continuous_aggregate('stock_ohlc_15min', NULL, NULL)")
    return url


BARS = "SELECT created, open, high, low, close, volume FROM stock_ohlc_15min ORDER BY 1"


def bars(url: URL) -> list[tuple[object, ...]]:
    with psycopg.connect(plain(url)) as raw:
        return raw.execute(BARS).fetchall()


def test_a_dump_comes_back_whole_in_a_new_database(tmp_path: Path, on: Server) -> None:
    url = filled(tmp_path / "home", on)
    dumped = dump(plain(url), tmp_path / "file", on.binaries)
    assert (dumped.tables["journal"].rows, dumped.tables["ticks"].rows) == (50, TICKS)
    with connected(plain(url)) as connection:
        assert (dumped.timescale != "") == (timescale_version(connection) != "")
    before = bars(url)
    assert len(before) == TICKS
    drop_database(plain(url))
    back = url.set(database=f"{url.database}_back")
    restore(plain(back), tmp_path / "file", on.binaries, dumped)
    assert bars(back) == before
    store = SqlJournalStore(Place(tmp_path / "home", back, "home/own"))
    (walked,) = verify(store, store.anchors.all())
    assert (walked.records, walked.fault) == (50, None)
    store.append(chain([b"next"], store.claim(TRADING), after=list(store.read(TRADING))[-1]))
    store.close()


def test_nothing_is_restored_over_another_database(tmp_path: Path, on: Server) -> None:
    url = filled(tmp_path / "home", on)
    dumped = dump(plain(url), tmp_path / "file", on.binaries)
    with pytest.raises(UserError, match="is there already"):
        restore(plain(url), tmp_path / "file", on.binaries, dumped)
    assert len(bars(url)) == TICKS


def test_a_restore_that_is_not_what_was_dumped_leaves_nothing(tmp_path: Path) -> None:
    on = server()
    url = filled(tmp_path / "home", on)
    dumped = dump(plain(url), tmp_path / "file", on.binaries)
    back = url.set(database=f"{url.database}_back")

    def refused(file: Path, expected: Dumped, error: type[TheoError], words: str) -> None:
        with pytest.raises(error, match=words):
            restore(plain(back), file, on.binaries, expected)
        with psycopg.connect(plain(make_url(on.url()))) as raw:
            assert raw.execute("SELECT 1 FROM pg_database WHERE datname = %s", [back.database]).fetchone() is None

    other = Dumped(dumped.version, "", {**dumped.tables, "ticks": Contents(TICKS, "1")})
    refused(tmp_path / "file", other, CorruptionError, "ticks: other rows")
    refused(tmp_path / "file", Dumped(dumped.version, "1.0.0", dumped.tables), UserError, "needs TimescaleDB 1.0.0")
    cut = tmp_path / "cut"
    cut.write_bytes((tmp_path / "file").read_bytes()[:-4_000])
    refused(cut, dumped, HaltRequiredError, "pg_restore failed")


def test_programs_that_are_too_old_or_not_there_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = server_major(plain(make_url(server().url())))
    assert programs(server().binaries, version) == server().binaries
    with pytest.raises(UserError, match=f"PostgreSQL {version + 1} or newer"):
        programs(server().binaries, version + 1)
    with pytest.raises(UserError, match="--programs"):
        programs(tmp_path, 1)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert programs(None, version).name == "bin"


def test_a_password_is_on_no_command_line(tmp_path: Path) -> None:
    """A program that writes down how it was called, in the place of pg_dump."""
    word = "s3cret-word"
    url = new_database().set(password=word)
    spy = tmp_path / "pg_dump"
    spy.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/called\necho "$PGPASSWORD" > {tmp_path}/word\n')
    spy.chmod(0o755)
    dump(plain(url), tmp_path / "file", tmp_path)
    called = (tmp_path / "called").read_text()
    assert f"dbname={url.database}" in called
    assert word not in called
    assert (tmp_path / "word").read_text() == f"{word}\n"
