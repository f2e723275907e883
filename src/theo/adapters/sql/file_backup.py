"""A copy of a database file as it is at one moment, while others write it."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from theo.domain.errors import CorruptionError, HaltRequiredError

STEP_PAGES: Final = 4_096  # 16 MB: between two steps the process may be stopped


def copy_database(source: Path, target: Path) -> None:
    """Copy a database to a new file. The copy is of the moment at which it begins; writers go on meanwhile.

    The source stays in one read transaction: a copy that followed the writers would begin again with each of their commits.
    Raises HaltRequiredError when it cannot be read or written, CorruptionError for a damaged source.
    """
    try:
        with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as read:
            read.execute("BEGIN")
            read.execute("SELECT count(*) FROM sqlite_master").fetchone()
            with closing(sqlite3.connect(target)) as copy:
                read.backup(copy, pages=STEP_PAGES)
                copy.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise HaltRequiredError(
                "cannot be copied", where=str(source), why=str(error), remedy="Check disk and permissions"
            ) from error
        raise CorruptionError("is damaged", where=str(source), why=str(error), remedy="Run `theo audit verify`") from error


def damage(file: Path) -> str:
    """What SQLite itself finds wrong with a file's pages and indexes; "" when nothing is."""
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?immutable=1", uri=True)) as raw:
            found = [row[0] for row in raw.execute("PRAGMA integrity_check(3)")]
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if found == ["ok"] else "; ".join(found)
