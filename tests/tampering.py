"""What the owner of the tables can do to the journal behind the platform's back, and where it must show.

Each change says itself which record of which stream is the first that is not what was written.
"""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import psycopg

from tests.contracts.journal_records import chain
from tests.postgres import new_database, plain
from theo.adapters.sql.database.place import Place
from theo.adapters.sql.database.transactions import reading
from theo.adapters.sql.journal.append_only import missing_rules
from theo.adapters.sql.journal.audit_trail import AuditEntry, AuditTrail
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.journal.verify import verify
from theo.domain.journal import GENESIS, TRADING, chain_hash

MARKET, AUDIT = "ticks:market", "audit"
COLUMNS = ("stream", "seq", "epoch", "recorded_at", "type", "version", "payload", "previous", "hash")
SIZES = {TRADING: 60, MARKET: 25}
AUDITED = 30
Row = list[Any]
Rows = list[Row]
STREAM_AT, SEQ_AT, EPOCH_AT, PAYLOAD_AT, PREVIOUS_AT, HASH_AT = 0, 1, 2, 6, 7, 8


class Change(msgspec.Struct, frozen=True):
    """What was done, and where it must be found."""

    kind: str
    stream: str
    seq: int
    rows: Rows


def rehashed(rows: Rows, start: int) -> Rows:
    """The rows of one stream with every hash from place ``start`` on made again, as one who knows how would."""
    done = [list(row) for row in rows]
    for at in range(start, len(done)):
        row = done[at]
        row[PREVIOUS_AT] = done[at - 1][HASH_AT] if at else GENESIS
        row[HASH_AT] = chain_hash(*row[:8])
    return done


def flipped(draw: Random, value: Any) -> Any:  # noqa: ANN401 - a column's value
    """The value with one bit, digit or letter changed."""
    if isinstance(value, int):
        return value ^ (1 << draw.randrange(20))
    if isinstance(value, bytes):
        place = draw.randrange(len(value))
        return value[:place] + bytes([value[place] ^ (1 << draw.randrange(8))]) + value[place + 1 :]
    place = draw.randrange(len(value))
    return value[:place] + chr(ord(value[place]) ^ 1) + value[place + 1 :]


def flip(draw: Random, rows: Rows) -> tuple[Rows, int]:
    """One bit of one column."""
    at, column = draw.randrange(len(rows)), draw.randrange(1, len(COLUMNS))
    changed = [list(row) for row in rows]
    changed[at][column] = flipped(draw, changed[at][column])
    if column != SEQ_AT:
        return changed, at + 1
    others = {row[SEQ_AT] for row in rows}
    while changed[at][SEQ_AT] in others:  # the table's key refuses a number twice
        changed[at][SEQ_AT] = flipped(draw, changed[at][SEQ_AT]) + len(rows)
    return changed, at + 1


def delete(draw: Random, rows: Rows) -> tuple[Rows, int]:
    """Some rows in the middle."""
    at = draw.randrange(len(rows) - 1)
    return [*rows[:at], *rows[at + draw.randrange(1, len(rows) - at) :]], at + 1


def cut(draw: Random, rows: Rows) -> tuple[Rows, int]:
    """The end, or everything."""
    at = draw.randrange(len(rows))
    return rows[:at], at + 1


def swap(draw: Random, rows: Rows) -> tuple[Rows, int]:
    """Two rows take each other's number."""
    first, second = sorted(draw.sample(range(len(rows)), 2))
    changed = [list(row) for row in rows]
    changed[first][SEQ_AT], changed[second][SEQ_AT] = changed[second][SEQ_AT], changed[first][SEQ_AT]
    return changed, first + 1


def rewrite(draw: Random, rows: Rows) -> tuple[Rows, int]:
    """Another payload, and every later hash made again."""
    at = draw.randrange(len(rows))
    changed = [list(row) for row in rows]
    changed[at][PAYLOAD_AT] = flipped(draw, changed[at][PAYLOAD_AT])
    return rehashed(changed, at), at + 1


def another_epoch(draw: Random, rows: Rows) -> tuple[Rows, int]:
    """Another writer's number from a record on, hashed again."""
    at = draw.randrange(len(rows))
    changed = [[*row[:EPOCH_AT], row[EPOCH_AT] + (n >= at), *row[EPOCH_AT + 1 :]] for n, row in enumerate(rows)]
    return rehashed(changed, at), at + 1


def insert(draw: Random, rows: Rows) -> tuple[Rows, int]:
    """A record that never was, the later ones renumbered and hashed again."""
    at = draw.randrange(len(rows))
    new = [*rows[at][:PAYLOAD_AT], b'{"actor":"x","subject":"","detail":""}', GENESIS, GENESIS]
    changed = [list(row) for row in [*rows[:at], new, *rows[at:]]]
    for number, row in enumerate(changed, start=1):
        row[SEQ_AT] = number
    return rehashed(changed, at), at + 1


def forge_the_end(draw: Random, rows: Rows) -> tuple[Rows, int]:
    """The end is cut and written anew, to the same length or a greater one."""
    kept, at = cut(draw, rows)
    forged = [[*rows[n % len(rows)][:PAYLOAD_AT], b"forged %d" % n, GENESIS, GENESIS] for n in range(len(kept), len(rows) + 3)]
    for number, row in enumerate(forged, start=at):
        row[SEQ_AT] = number
    return rehashed([*kept, *forged], at - 1), at


def take_out(draw: Random, rows: Rows) -> tuple[Rows, int]:
    """One record is taken out, the later ones renumbered and hashed again: as if it had never been."""
    at = draw.randrange(len(rows))
    changed = [list(row) for row in [*rows[:at], *rows[at + 1 :]]]
    for number, row in enumerate(changed, start=1):
        row[SEQ_AT] = number
    return rehashed(changed, at), at + 1


KINDS: Sequence[Callable[[Random, Rows], tuple[Rows, int]]] = (
    flip, delete, cut, swap, rewrite, another_epoch, insert, forge_the_end, take_out,
)  # fmt: skip


def change(draw: Random, streams: dict[str, Rows]) -> Change:
    """One change of one stream; or a stream's name, or a stream of somebody's own."""
    stream = draw.choice(sorted(streams))
    kind = draw.randrange(len(KINDS) + 2)
    if kind == len(KINDS):  # a row is moved to another stream
        at = draw.randrange(len(streams[stream]))
        moved = [[f"{row[0]}2" if n == at else row[0], *row[1:]] for n, row in enumerate(streams[stream])]
        return Change("another stream", stream, at + 1, moved)
    if kind > len(KINDS):
        own = rehashed([["ticks:other", *row[1:]] for row in streams[stream][:3]], 0)
        return Change("a new stream", "ticks:other", 1, [*streams[stream], *own])
    rows, seq = KINDS[kind](draw, streams[stream])
    return Change(KINDS[kind].__name__, stream, seq, rows)


class Victim:
    """A home with a journal and an audit trail, every record anchored, on either engine; its tables in the hands of an owner."""

    def __init__(self, folder: Path, database: str) -> None:
        url = None if database == "sqlite" else new_database()
        self.place = Place(folder, url, "home")
        self._made()
        self._stores = [SqlJournalStore(self.place, name) for name in ("journal", "audit")]
        self.whole = {name: self._rows(name) for name in (TRADING, MARKET, AUDIT)}

    def _made(self) -> None:
        store = SqlJournalStore(self.place)
        epoch = store.claim(TRADING, MARKET)
        for stream, count in SIZES.items():
            records = chain([b'{"step":%d}' % n for n in range(count)], epoch, stream)
            store.append(records[: count // 2])
            store.anchor()
            store.append(records[count // 2 :])
        store.close()
        trail = AuditTrail(self.place)
        for number in range(AUDITED):
            trail.record(AuditEntry(number * 1_000, "somebody", "configuration", "theo.toml", f"text {number}"))
        trail.close()

    def _stored(self, stream: str) -> str:
        if self.place.server is None:
            return stream
        return f"audit:home/{stream}" if stream == AUDIT else f"home/{stream}"

    def _rows(self, stream: str) -> Rows:
        wanted = f"SELECT {', '.join(COLUMNS)} FROM journal WHERE stream = %s ORDER BY seq"  # noqa: S608 - fixed names
        if self.place.server is None:
            with closing(sqlite3.connect(self._file(stream))) as raw:
                found = raw.execute(wanted.replace("%s", "?"), [stream]).fetchall()
        else:
            with psycopg.connect(plain(self.place.server)) as connection:
                connection.execute("SET search_path = exact")
                found = connection.execute(wanted, [self._stored(stream)]).fetchall()
        return [[stream, *row[1:]] for row in found]

    def _file(self, stream: str) -> Path:
        return self.place.folder / ("audit.db" if stream == AUDIT else "journal.db")

    def write(self, stream: str, rows: Rows) -> None:
        """Put these rows in place of a stream's, and of streams that were never ours; then put every rule back."""
        wanted = f"INSERT INTO journal ({', '.join(COLUMNS)}) VALUES ({', '.join(['%s'] * 9)})"  # noqa: S608 - fixed names
        if self.place.server is None:
            with closing(sqlite3.connect(self._file(stream))) as raw, raw:
                rules = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
                for name, _ in rules:
                    raw.execute(f"DROP TRIGGER {name}")
                raw.execute("DELETE FROM journal WHERE stream = ? OR stream NOT IN (?, ?)", [stream, TRADING, MARKET])
                raw.executemany(wanted.replace("%s", "?"), rows)
                for _, made in rules:
                    raw.execute(made)
            return
        with psycopg.connect(plain(self.place.server)) as connection:
            connection.execute("SET search_path = exact; SET session_replication_role = replica")
            ours = [self._stored(name) for name in self.whole]
            connection.execute("DELETE FROM journal WHERE stream = %s OR stream <> ALL(%s)", [self._stored(stream), ours])
            with connection.cursor() as cursor:
                home = self._stored(stream).removesuffix(stream)
                cursor.executemany(wanted, [[f"{home}{row[0]}", *row[1:]] for row in rows])

    def faults(self) -> list[tuple[str, int]]:
        """(stream, record) of each fault that a look at everything finds."""
        found = []
        for store in self._stores:
            found += [(w.fault.stream, w.fault.seq) for w in verify(store, store.anchors.all()) if w.fault is not None]
            with reading(store.engine) as connection:
                assert missing_rules(connection) == ()
        return found

    def close(self) -> None:
        """Release the files."""
        for store in self._stores:
            store.close()

    def missed(self, draw: Random) -> str:
        """Change something, look, and put it back; what was not found or found elsewhere, "" when all is well."""
        done = change(draw, self.whole)
        owner = (
            next(name for name in self.whole if done.rows and done.rows[0][0] in {name, f"{name}2"}) if done.rows else done.stream
        )
        self.write(owner, done.rows)
        faults = self.faults()
        self.write(owner, self.whole[owner])
        extra = [f for f in faults if f != (done.stream, done.seq) and f[0] in self.whole]
        if (done.stream, done.seq) not in faults or extra:
            return f"{done.kind} at {done.stream} {done.seq}: found {faults}"
        return ""
