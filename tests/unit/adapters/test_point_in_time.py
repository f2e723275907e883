"""The page's own scripts bring a server back to a stated moment: what was committed before is there, what came after is not."""

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from tests.contracts.journal_records import chain
from tests.postgres import plain, server
from tests.tidy.tree import ROOT
from theo.adapters.postgres.server import OWNER, PORT, Server
from theo.adapters.sql.database.place import Place
from theo.adapters.sql.journal.anchors import Anchor
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.journal.verify import verify
from theo.domain.errors import CorruptionError
from theo.domain.journal import TRADING

PAGE = ROOT / "docs" / "operations" / "backup-and-restore.md"
SCRIPTS = re.compile(r"a test of its own runs it -->\n```bash\n(.*?)```", re.DOTALL)
SCRIPT_S_MAX = 60


@pytest.fixture
def own() -> Iterator[Server]:
    """A server that no other test uses."""
    shared = server()
    folder = Path(tempfile.mkdtemp(prefix="theo-pitr-", dir="/tmp"))
    folder.chmod(0o755)
    made = Server(folder / "server", shared.binaries, shared.user)
    made.make()
    if made.user:
        entry = pwd.getpwnam(made.user)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    yield made
    made.stop("immediate")
    shutil.rmtree(folder)


def run(script: str, on: Server, until: str = "") -> None:
    """As the server's user, with the page's variables."""
    parent = on.folder.parent
    environment = {
        "PATH": f"{on.binaries}:{os.defpath}",
        "PGDATA": str(on.data),
        "ARCHIVE": str(parent / "archive"),
        "BASE": str(parent / "base"),
        "UNTIL": until,
        "PGHOST": str(on.socket),
        "PGPORT": str(PORT),
        "PGUSER": OWNER,
    }
    done = subprocess.run(
        ["bash", "-euc", script],
        env=environment,
        user=on.user or None,
        extra_groups=[] if on.user else None,
        cwd=parent,
        capture_output=True,
        text=True,
        timeout=SCRIPT_S_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_server_is_brought_back_to_the_moment_that_is_named(own: Server, tmp_path: Path) -> None:
    archiving, base_backup, going_back = SCRIPTS.findall(PAGE.read_text())
    run(archiving, own)
    own.start()
    place = Place(tmp_path, make_url(own.url()), "home/own")
    store = SqlJournalStore(place)
    epoch = store.claim(TRADING)
    records = chain([b"%d" % n for n in range(9)], epoch)
    store.append(records[:3])
    run(base_backup, own)
    store.append(records[3:6])
    with psycopg.connect(plain(make_url(own.url()))) as connection:
        row = connection.execute("SELECT clock_timestamp()::text").fetchone()
        assert row is not None
    store.append(records[6:])
    store.close()
    own.stop()
    run(going_back, own, until=str(row[0]))
    own.start()
    _promoted(own)
    back = SqlJournalStore(place)
    assert list(back.read(TRADING)) == records[:6]
    with pytest.raises(CorruptionError, match="record 9 of trading is not stored"):
        back.claim(TRADING)
    back.anchors.add([Anchor(TRADING, 6, records[5].hash, set_back=True)])
    back.append(chain([b"new"], back.claim(TRADING), after=records[5]))
    assert [(walked.records, walked.fault) for walked in verify(back, back.anchors.all())] == [(7, None)]
    back.close()


def _promoted(on: Server) -> None:
    """It takes readers before it has been promoted; the server itself waits, not we."""
    with psycopg.connect(plain(make_url(on.url())), autocommit=True) as connection:
        connection.execute(
            "DO $$ BEGIN FOR n IN 1..600 LOOP EXIT WHEN NOT pg_is_in_recovery(); PERFORM pg_sleep(0.05); END LOOP; END $$"
        )
