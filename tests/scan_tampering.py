"""What the owner of the tables can do to scan configurations and to their history behind the platform's back."""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any

import psycopg

from tests.postgres import new_database, plain
from theo.adapters.sql.database.place import Place
from theo.adapters.sql.database.transactions import reading
from theo.adapters.sql.journal.append_only import missing_rules
from theo.adapters.sql.journal.scan_history import STREAMS, ScanHistory
from theo.adapters.sql.journal.verify import verify
from theo.adapters.sql.settings.scans import SqlScans
from theo.app.home.auditing import contradictions
from theo.ports.scans import Changing, ScanContent
from theo.strategy.loading import load_ruleset

CLASSIC = files("theo.strategy").joinpath("rulesets/mes-vix-inverse.toml").read_text(encoding="utf-8")
HISTORY, CONFIGS = "signal_config_changes", "signal_configs"
COLUMNS = (
    "home", "config_id", "number", "name", "at", "user_name", "action", "reason", "before", "after", "seq", "previous", "hash",
)  # fmt: skip
NUMBERS, TEXTS = ("config_id", "number", "at", "seq"), ("name", "user_name", "reason", "before", "after")
SCANS, EDITS = 3, 3
GENESIS = b"\x00" * 32
Row = dict[str, Any]
Rows = list[Row]


def rehashed(rows: Rows, start: int) -> Rows:
    """The rows with numbers and hashes from place ``start`` on made again, as one who knows how would."""
    done = [dict(row) for row in rows]
    for at in range(start, len(done)):
        row = done[at]
        row["seq"], row["previous"] = at + 1, done[at - 1]["hash"] if at else GENESIS
        told = {
            "id": row["config_id"],
            "number": row["number"],
            "name": row["name"],
            "user": row["user_name"],
            "reason": row["reason"],
            "before": row["before"],
            "after": row["after"],
        }
        payload = json.dumps(told, separators=(",", ":"), ensure_ascii=False)
        head = f"scans\n{row['seq']}\n0\n{row['at']}\n{row['action']}\n1\n{payload}"
        row["hash"] = sha256(row["previous"] + head.encode()).digest()
    return done


def flip(draw: Random, rows: Rows) -> tuple[Rows, int]:
    """One column of one row; what the table's own rules refuse even its owner is left out."""
    at = draw.randrange(len(rows))
    row = dict(rows[at])
    column = draw.choice([*NUMBERS, *TEXTS, "action", "previous", "hash"])
    if column == "action":
        row["action"] = {"enable": "disable", "disable": "enable"}.get(row["action"], row["action"])
        row["reason"] += "." if row["action"] in {"create", "edit", "delete"} else ""
    elif column in NUMBERS:
        row[column if row["action"] != "create" or column != "number" else "at"] += 1_000
    elif column in TEXTS:
        row[column if row[column] is not None else "reason"] = f"{row[column] or row['reason']}x"
    else:
        row[column] = bytes([row[column][0] ^ 1]) + row[column][1:]
    return [*rows[:at], row, *rows[at + 1 :]], at + 1


def delete(draw: Random, rows: Rows) -> tuple[Rows, int]:
    """A row in the middle."""
    at = draw.randrange(len(rows) - 1)
    return [*rows[:at], *rows[at + 1 :]], at + 1


def cut(draw: Random, rows: Rows) -> tuple[Rows, int]:
    """The end."""
    at = draw.randrange(len(rows))
    return rows[:at], at + 1


def rewrite(draw: Random, rows: Rows) -> tuple[Rows, int]:
    """Another user did it, and every later hash fits."""
    at = draw.randrange(len(rows))
    return rehashed([*rows[:at], rows[at] | {"user_name": "nobody"}, *rows[at + 1 :]], at), at + 1


def take_out(draw: Random, rows: Rows) -> tuple[Rows, int]:
    """As if it had never been."""
    at = draw.randrange(len(rows))
    return rehashed([*rows[:at], *rows[at + 1 :]], at), at + 1


def insert(draw: Random, rows: Rows) -> tuple[Rows, int]:
    """One that never was."""
    at = draw.randrange(len(rows))
    new = rows[0] | {"config_id": 99, "name": "never"}
    return rehashed([*rows[:at], new, *rows[at:]], at), at + 1


def forge_the_end(draw: Random, rows: Rows) -> tuple[Rows, int]:
    """The end is cut and written anew, to a greater length."""
    kept, at = cut(draw, rows)
    new = [rows[0] | {"config_id": 100 + number, "name": f"forged{number}"} for number in range(len(rows) - len(kept) + 2)]
    return rehashed([*kept, *new], at - 1), at


KINDS: Sequence[Callable[[Random, Rows], tuple[Rows, int]]] = (flip, delete, cut, rewrite, take_out, insert, forge_the_end)
CONFIG_KINDS = (
    "document = document || ' '", "is_active = NOT is_active", "name = name || 'x'", "number = number + 1",
    "user_name = 'nobody'", "created_at = created_at - 1", "updated_at = updated_at + 1",
    "mode = 'Virtual'", "days = 'Mon'", "signals_per_day = 1", "valid_until = '2031-12-31'", "version = '0123456789ab'",
)  # fmt: skip


class ScanVictim:
    """A home with scans that were changed, every change anchored, on either engine; its tables in the hands of an owner."""

    def __init__(self, folder: Path, database: str) -> None:
        self.place = Place(folder, None if database == "sqlite" else new_database(), "home" if database != "sqlite" else "")
        store = SqlScans(self.place)
        for number in range(SCANS):
            self._changed(store, f"scan{number}", number)
        store.close()
        self.history = ScanHistory(self.place)
        self.history.anchor()
        self.whole = [dict(zip(COLUMNS, row, strict=True)) for row in self._select(f"{', '.join(COLUMNS)} FROM {HISTORY}", "seq")]
        self._configs = self._select(f"* FROM {CONFIGS}", "id")

    def _changed(self, store: SqlScans, name: str, number: int) -> None:
        at = 1_000_000 * number

        def content(edit: int) -> ScanContent:
            document = CLASSIC.replace("mes-vix-inverse", name) + f"# {edit}\n"
            return ScanContent(load_ruleset(document, name), document, {})

        scan = store.create(content(0), Changing(at, "ann", "new"))
        for edit in range(1, EDITS + 1):
            scan = store.edit(scan, content(edit), Changing(at + edit, "bob", "try"))
        scan = store.activate(scan, Changing(at + 50, "cid", "holiday"), active=False)
        if number == 1:
            store.activate(scan, Changing(at + 51, "cid", "back"), active=True)
        if number == SCANS - 1:
            store.delete(scan, Changing(at + 52, "ann", "done"))

    @contextmanager
    def _owner(self) -> Iterator[Callable[..., Any]]:
        """Statements of one who may do everything; every rule is there again afterwards."""
        if self.place.server is None:
            with closing(sqlite3.connect(self.place.folder / "settings.db")) as raw, raw:
                rules = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
                for name, _ in rules:
                    raw.execute(f"DROP TRIGGER {name}")
                yield lambda text, *values: raw.execute(text.replace("%s", "?"), values).fetchall()
                for _, made in rules:
                    raw.execute(made)
            return
        with psycopg.connect(plain(self.place.server)) as connection:
            connection.execute("SET search_path = exact; SET session_replication_role = replica")

            def run(text: str, *values: object) -> list[tuple[Any, ...]]:
                cursor = connection.execute(text.encode(), values or None)
                return cursor.fetchall() if cursor.description else []

            yield run

    def _select(self, what: str, order: str) -> list[tuple[Any, ...]]:
        with self._owner() as run:
            return [tuple(row) for row in run(f"SELECT {what} ORDER BY {order}")]

    def _write(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        with self._owner() as run:
            run(f"DELETE FROM {table}")  # noqa: S608 - our own name
            for row in rows:
                run(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(row))})", *row)  # noqa: S608 - our own name

    def faults(self) -> list[tuple[str, int]]:
        """(stream, change) of each fault of the history that a look finds."""
        walked = verify(self.history, self.history.anchors.all(), STREAMS)
        with reading(self.history.engine) as connection:
            assert missing_rules(connection, self.history.rules) == ()
        return [(each.fault.stream, each.fault.seq) for each in walked if each.fault is not None]

    def missed(self, draw: Random) -> str:
        """Change something, look, and put it back; what was not found or found elsewhere, "" when all is well."""
        kind = draw.randrange(len(KINDS) + 1)
        return self._missed_in_configs(draw) if kind == len(KINDS) else self._missed_in_history(KINDS[kind], draw)

    def _missed_in_history(self, kind: Callable[[Random, Rows], tuple[Rows, int]], draw: Random) -> str:
        rows, seq = kind(draw, self.whole)
        self._write(HISTORY, [[row[name] for name in COLUMNS] for row in rows])
        found = self.faults()
        self._write(HISTORY, [[row[name] for name in COLUMNS] for row in self.whole])
        return "" if found == [("scans", seq)] else f"{kind.__name__} at {seq}: found {found}"

    def _missed_in_configs(self, draw: Random) -> str:
        number = draw.choice([row[1] for row in self._configs])
        change = draw.choice([*CONFIG_KINDS, ""])
        with self._owner() as run:
            if change:
                run(f"UPDATE {CONFIGS} SET {change} WHERE id = %s", number)  # noqa: S608 - our own words
            else:
                run(f"DELETE FROM {CONFIGS} WHERE id = %s", number)  # noqa: S608 - our own name
        found, faults = contradictions(self.history), self.faults()
        self._write(CONFIGS, self._configs)
        right = len(found) == 1 and found[0].startswith(f"scan {number} ") and not faults
        return "" if right else f"{change or 'delete'} of scan {number}: found {found}, {faults}"

    def found_after(self, table: str, change: str) -> tuple[str, ...]:
        """What a look finds after a statement of the owner, which is undone again."""
        rows = self._select(f"* FROM {table}", "config_id")
        with self._owner() as run:
            run(change)
        found = contradictions(self.history)
        self._write(table, rows)
        return found

    def sound(self) -> bool:
        """Whether nothing is found."""
        return self.faults() == [] and contradictions(self.history) == ()

    def close(self) -> None:
        """Release the database."""
        self.history.close()
