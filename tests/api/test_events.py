"""The stream of events over real WebSockets: cut at random places while the journal is written, slow, refused, and ended."""

import json
import random
import shutil
import socket as sockets
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.api.conftest import WAIT_S, Served, serving
from tests.api.home import TREND, make_home
from tests.api.writing import Writing, expected_ids
from tests.postgres import DATABASES, new_database, plain
from theo.adapters.sql.database.place import Place
from theo.api.access import Access, ApiKey
from theo.api.event_tail import Pace
from theo.api.serving import WebSockets
from theo.app.home.layout import VARIABLES, open_home
from theo.strategy.loading import load_ruleset

VARIABLE = VARIABLES[0]
DAYS = "20190107-20190107"
RECORDS, CLIENTS = 120, 3
KEY = "k7Qw-92hVbs_Lm3TzYc8RfXp0aGdNeUi"
NOT_TOLD = {"hello", "heartbeat"}


@pytest.fixture
def folder(traded: Path, tmp_path: Path) -> Path:
    """A run of one's own with a backtest in its journal."""
    (run,) = (traded / "runs").iterdir()
    return Path(shutil.copytree(traded, tmp_path / "home")) / "runs" / run.name


def home_of(folder: Path) -> Path:
    return folder.parent.parent


@contextmanager
def stream(port: int, query: str = "", **more: Any) -> Iterator[ClientConnection]:  # noqa: ANN401 - as the client takes it
    with connect(f"ws://127.0.0.1:{port}/api/events?{query}", open_timeout=WAIT_S, **more) as connection:
        yield connection


def message(connection: ClientConnection) -> dict[str, Any]:
    return dict(json.loads(connection.recv(timeout=WAIT_S)))


def ended(connection: ClientConnection) -> tuple[list[str], int, str]:
    """What a client is told until the server ends the stream: the ids, and the close code with its reason."""
    ids = []
    while True:
        try:
            ids.append(message(connection)["id"])
        except ConnectionClosed as end:
            return (ids, end.rcvd.code, end.rcvd.reason) if end.rcvd else (ids, 1006, "")


def closed(connection: ClientConnection) -> tuple[int, str]:
    """The close code and its reason, whatever is told before."""
    return ended(connection)[1:]


def cut_and_resumed(port: int, seed: int, last: str) -> list[str]:
    """The ids that a client is told which is cut at random places, the connection simply gone, until it has the last."""
    chance, after, ids = random.Random(seed), "0", list[str]()  # noqa: S311 - where it is cut is no secret
    while not ids or ids[-1] != last:
        with stream(port, f"after={after}") as connection:
            for _ in range(chance.randint(1, 40)):
                told = message(connection)
                after = told["id"]
                if told["kind"] not in NOT_TOLD:
                    ids.append(told["id"])
                if after == last:
                    break
            connection.socket.shutdown(sockets.SHUT_RDWR)
    return ids


def each_is_told_once(place: Path | Place, home: Path, folder: Path, records: int = RECORDS) -> None:
    """Clients are cut and come again while records are written: each hears each event once, in order."""
    chance = random.Random(5)  # noqa: S311 - sizes of records
    begin = len(expected_ids(place))
    with Writing(place) as writing, serving(home, folder=folder) as served, ThreadPoolExecutor(CLIENTS) as clients:
        head = writing.store.head("trading")
        assert head is not None
        sizes = [chance.randint(1, 4) for _ in range(records)]
        last = f"{head.seq + records}.{sizes[-1] - 1}"
        told = [clients.submit(cut_and_resumed, served.port, seed, last) for seed in range(CLIENTS)]
        for number, size in enumerate(sizes):
            writing.alerts(*(f"{number} {at}" for at in range(size)))
        for each in told:
            assert each.result(WAIT_S) == expected_ids(place)
    assert begin > 20
    assert len(expected_ids(place)) == begin + sum(sizes)


def test_cut_and_resumed_each_client_is_told_each_event_once_in_order(folder: Path) -> None:
    each_is_told_once(folder, home_of(folder), folder)


@pytest.mark.slow
@pytest.mark.parametrize("database", DATABASES)
def test_a_run_is_told_while_it_trades_from_its_first_record_on(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database == "postgresql":
        monkeypatch.setenv(VARIABLE, plain(new_database()))
    home = make_home(tmp_path)
    folder = home / "runs" / f"trend-{load_ruleset(TREND, 'trend').version}-virtual-{DAYS}"
    place = open_home(home).place(folder)
    command = [sys.executable, "-c", "from theo.app.cli import main; main()", "--home", str(home)]
    command += ["paper", str(tmp_path / "trend.toml"), "--timerange", DAYS]
    ids, after, chance = list[str](), "0", random.Random(3)  # noqa: S311 - where it is cut is no secret
    with serving(home, folder=folder) as served, subprocess.Popen(command, stdout=subprocess.DEVNULL) as writing:
        while writing.poll() is None or len(ids) < len(expected_ids(place)):
            with stream(served.port, f"after={after}") as connection:
                for _ in range(chance.randint(1, 9)):
                    try:
                        told = json.loads(connection.recv(timeout=0.5))
                    except TimeoutError:
                        break
                    after = told["id"]
                    ids += [] if told["kind"] in NOT_TOLD else [after]
    assert writing.returncode == 0
    assert ids == expected_ids(place)
    assert ids[0] == "1.0"
    assert bool(list(home.rglob("*.db"))) == (database == "sqlite")


def test_a_heartbeat_says_how_far_everything_was_told(folder: Path) -> None:
    with Writing(folder) as writing, serving(home_of(folder), folder=folder, pace=Pace(silence_s=0.2)) as served:
        with stream(served.port) as connection:
            hello = message(connection)
            assert (hello["kind"], hello["id"]) == ("hello", str(hello["newest"]))
            writing.facts([])  # a record without an event
            told = [message(connection) for _ in range(2)]
        assert {each["kind"] for each in told} == {"heartbeat"}
        assert told[1]["id"] == str(hello["newest"] + 1)
        with stream(served.port, f"after={hello['id']}&journal={hello['journal']}") as connection:
            assert message(connection)["id"] == hello["id"]


UPGRADE = (
    b"GET /api/events HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
TEXTS = [f"{number} {'x' * 8_000}" for number in range(80)]


def test_a_client_that_does_not_read_is_closed_with_the_reason_and_goes_on(folder: Path) -> None:
    pace = Pace(send_s_max=0.3, silence_s=0.2)
    with Writing(folder) as writing, serving(home_of(folder), folder=folder, pace=pace) as served:
        with narrow(served.port) as slow, stream(served.port) as other:
            ids = [message(slow)["id"], message(other)["id"]][1:]
            for text in TEXTS:
                writing.alerts(text)
            for _ in range(len(TEXTS) + 100):  # heartbeats pass the time
                told = message(other)
                ids += [] if told["kind"] == "heartbeat" else [told["id"]]
                if len(ids) > len(TEXTS) and served.streams == 1:
                    break
            read, code, reason = ended(slow)
        assert (code, reason[:8]) == (1013, "too slow")
        assert 0 < len(read) < len(TEXTS)
        with stream(served.port, f"after={read[-1]}") as connection:
            assert message(connection)["id"] == read[-1]
            read += [message(connection)["id"] for _ in ids[len(read) + 1 :]]
    assert read == ids[1:]


def test_a_connection_that_is_never_read_is_ended(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WebSockets, "last_s_max", 0.2)
    pace = Pace(send_s_max=0.1, silence_s=0.1)
    with (
        Writing(folder) as writing,
        serving(home_of(folder), folder=folder, pace=pace) as served,
        sockets.socket() as silent,
        stream(served.port) as other,
    ):
        silent.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4_096)
        silent.connect(("127.0.0.1", served.port))
        silent.sendall(UPGRADE)
        assert silent.recv(12) == b"HTTP/1.1 101"
        for text in TEXTS:
            writing.alerts(text)
        for _ in range(len(TEXTS) + 100):  # heartbeats pass the time
            message(other)
            if served.connections == 1:
                break
        assert served.connections == 1


@contextmanager
def narrow(port: int) -> Iterator[ClientConnection]:
    """A client that takes little, and reads only when it is asked to."""
    with sockets.socket() as socket:
        socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4_096)
        socket.connect(("127.0.0.1", port))
        with stream(port, sock=socket, max_queue=1) as connection:
            yield connection


@pytest.mark.parametrize("query", ["after=999999", "after=one", "after=1.2.3", "since=3", "journal=0123456789abcdef"])
def test_what_the_journal_does_not_have_is_refused(served: Served, query: str) -> None:
    with stream(served.port, query) as connection:
        assert closed(connection)[0] == 1008


def test_more_streams_than_are_served_are_told_to_come_again(traded: Path) -> None:
    with serving(traded, pace=Pace(streams_max=1)) as served, stream(served.port) as first:
        message(first)
        with stream(served.port) as second:
            assert closed(second) == (1013, "there are 1 streams already")


def test_a_journal_that_cannot_be_read_ends_the_streams_and_is_no_silence(folder: Path) -> None:
    with (
        Writing(folder) as writing,
        serving(home_of(folder), folder=folder, pace=Pace(silence_s=0.2, look_old_s_max=0.3)) as served,
    ):
        with stream(served.port) as connection:
            message(connection)
            writing.record(b"[]", version=999)
            assert closed(connection) == (1013, "record of type steps version 999 is not known")
        with stream(served.port, "after=0") as connection:
            assert closed(connection)[0] in {1011, 1013}


def test_a_record_that_is_gone_is_no_gap_that_nobody_sees(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "journal.db")) as database:
        database.executescript("DROP TRIGGER journal_no_delete; DELETE FROM journal WHERE stream = 'trading' AND seq = 2")
    with serving(home_of(folder), folder=folder) as served, stream(served.port, "after=0") as connection:
        code, reason = closed(connection)
        assert (code, "some are missing" in reason) == (1011, True)


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
def test_a_page_of_another_place_gets_no_stream(served: Served, origin: str) -> None:
    with pytest.raises(InvalidStatus), stream(served.port, origin=Origin(origin)):
        pass


def test_a_page_of_this_interface_gets_one(served: Served) -> None:
    with stream(served.port, origin=Origin(f"http://127.0.0.1:{served.port}")) as connection:
        assert message(connection)["kind"] == "hello"


def test_another_name_and_a_missing_key_get_no_stream(traded: Path) -> None:
    with serving(traded, Access(key=ApiKey(KEY, "test"))) as served:
        for headers in ({}, {"X-API-Key": KEY[:-1]}, {"X-API-Key": KEY, "Host": "evil.example"}):
            with pytest.raises(InvalidStatus), stream(served.port, additional_headers=headers):
                pass
        with stream(served.port, additional_headers={"Authorization": f"Bearer {KEY}"}) as connection:
            assert message(connection)["kind"] == "hello"


def test_a_server_that_ends_says_so_to_its_clients(traded: Path) -> None:
    with serving(traded) as served, ThreadPoolExecutor(1) as waiting, stream(served.port) as connection:
        message(connection)
        end = waiting.submit(closed, connection)
        served.end()
        assert end.result(WAIT_S)[0] == 1012
