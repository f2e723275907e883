"""`theo db status`, `tune` and `verify`, on a plain server and on one with TimescaleDB."""

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import URL

from tests.postgres import new_database, plain, timescale_server
from tests.unit.adapters.sql.test_names import MES, MINUTES, tick
from tests.unit.app.conftest import Theo
from theo.adapters.sql.market.store import SqlMarketStore
from theo.app.home.layout import Home
from theo.domain.market_data import DAY, MINUTE


@pytest.fixture(params=["plain", "timescale"])
def database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> URL:
    url = new_database(on=timescale_server() if request.param == "timescale" else None)
    monkeypatch.setenv("THEO_DATABASE_URL", plain(url))
    return url


@pytest.fixture
def store(database: URL, tmp_path: Path) -> Iterator[SqlMarketStore]:
    home = Home(tmp_path)
    opened = SqlMarketStore(home.place(home.store))
    opened.put_instruments([MES])
    opened.put_ticks([tick(n * MINUTE, n, 500_000 + n % 7) for n in range(300)])
    yield opened
    opened.close()


def refresh(database: URL) -> None:
    with psycopg.connect(plain(database), autocommit=True) as connection:
        for minutes in MINUTES:
            connection.execute(f"CALL refresh_continuous_aggregate('stock_ohlc_{minutes}min', '2025-01-01', '2025-01-06')")


def test_bars_of_the_server_are_verified_and_a_wrong_one_is_named(
    theo: Theo, store: SqlMarketStore, database: URL, tmp_path: Path
) -> None:
    refresh(database)
    said = theo("--home", tmp_path, "db", "verify", "--json")
    assert said.code == 0, said.out + said.err
    found = {one["timeframe"]: (one["ticks"], one["bars"], one["differing"]) for one in json.loads(said.out)}
    assert found == {"5min": (300, 60, 0), "15min": (300, 20, 0), "30min": (300, 10, 0), "60min": (300, 6, 0)}
    store.put_ticks([tick(2 * MINUTE, 999, 600_000)])  # late: what is stored of its range is not refreshed
    late = theo("--home", tmp_path, "db", "verify")
    assert (late.code, "1 differ" in late.out, "the server has" in late.out) == (1, True, True), late.out
    refresh(database)
    assert theo("--home", tmp_path, "db", "verify").code == 0


def test_a_bar_without_ticks_is_found(theo: Theo, store: SqlMarketStore, database: URL, tmp_path: Path) -> None:
    refresh(database)
    with psycopg.connect(plain(database), autocommit=True) as connection:
        connection.execute("DELETE FROM exact.ticks WHERE timestamp >= '2025-01-02 18:00+00'")
    said = theo("--home", tmp_path, "db", "verify")
    assert (said.code, "no tick is stored for it" in said.out) == (1, True), said.out
    assert store.tick_ranges()[0].last < tick(DAY, 0, 1).timestamp


def test_the_status_says_how_far_the_bars_are_stored(theo: Theo, store: SqlMarketStore, database: URL, tmp_path: Path) -> None:
    del store
    first = theo("--home", tmp_path, "db", "status", "--json")
    assert first.code == 0, first.err
    before = json.loads(first.out)
    assert {one["until"] for one in before["state"]["aggregates"]} == {""}
    refresh(database)
    said = theo("--home", tmp_path, "db", "status", "--json")
    after = json.loads(said.out)
    assert said.code == 0, after["problems"]
    assert all(one["until"] for one in after["state"]["aggregates"])
    assert any(table["name"] == "ticks" and table["size"] > 0 for table in after["state"]["tables"])
    assert "stock_ohlc_15min: stored until 2025-01-0" in theo("--home", tmp_path, "db", "status").out


def test_policies_are_shown_and_set_when_asked_for(theo: Theo, store: SqlMarketStore, database: URL, tmp_path: Path) -> None:
    asked = ("--home", tmp_path, "db", "tune", "--ticks", 5_000_000, "--memory", 4_096, "--json")
    shown = json.loads(theo(*asked).out)
    assert not shown["applied"]
    said = theo(*asked, "--apply")
    assert said.code == 0, said.err
    assert theo(*asked, "--apply").code == 0  # once more changes nothing
    state = json.loads(theo("--home", tmp_path, "db", "status", "--json").out)["state"]
    extended = "TimescaleDB" in theo("--home", tmp_path, "db", "status").out
    kinds = sorted(job["procedure"] for job in state["jobs"])
    assert kinds == (["policy_compression"] + ["policy_refresh_continuous_aggregate"] * 4 if extended else [])
    if not extended:
        return
    with psycopg.connect(plain(database), autocommit=True) as connection:
        connection.execute("SELECT compress_chunk(c) FROM show_chunks('exact.ticks') c")
        every = connection.execute("SELECT time_interval FROM timescaledb_information.dimensions WHERE hypertable_name = 'ticks'")
        assert [row[0].days for row in every.fetchall() if row[0]] == [1]
    assert json.loads(theo("--home", tmp_path, "db", "status", "--json").out)["state"]["chunks_compressed"] == 1
    store.replace_ticks("ib", 7, tick(0, 0, 1).timestamp, tick(MINUTE, 0, 1).timestamp, [tick(5, 0, 499_999)])
    refresh(database)
    assert theo("--home", tmp_path, "db", "verify").code == 0


@pytest.mark.parametrize(("ticks", "days"), [(1_000, 7), (5_000_000, 1), (500_000_000, 0.25)])
def test_chunks_are_as_long_as_fits_in_memory(theo: Theo, store: SqlMarketStore, tmp_path: Path, ticks: int, days: float) -> None:
    del store
    said = json.loads(theo("--home", tmp_path, "db", "tune", "--ticks", ticks, "--json").out)
    chunk = [line for line in said["statements"] if "set_chunk_time_interval" in line]
    assert all(f"INTERVAL '{round(days * 86_400)} seconds'" in line for line in chunk)


def test_ticks_are_not_dropped_before_their_bars_are_final(theo: Theo, store: SqlMarketStore, tmp_path: Path) -> None:
    del store
    said = theo("--home", tmp_path, "db", "tune", "--keep", 3)
    assert (said.code, "cannot be dropped after 3 days" in said.err) == (2, True)


def test_files_are_told_by_their_sizes(theo: Theo, played: Path) -> None:
    said = theo("--home", played, "db", "status", "--json")
    status = json.loads(said.out)
    assert (said.code, status["engine"]) == (0, "SQLite")
    for file in status["files"]:
        assert Path(file["path"]).stat().st_size == file["size"]
    assert {Path(file["path"]).name for file in status["files"]} >= {"journal.db", "market.db"}
    assert theo("--home", played, "db", "verify").code == 0
    assert theo("--home", played, "db", "tune").code == 2
