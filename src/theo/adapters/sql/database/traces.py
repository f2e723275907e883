"""What in a folder says that it has a database: the file itself, or the mark of its tables on a server.

Looked at without opening anything, so that a home can be listed while its server is down.
"""

import os
from pathlib import Path


def file_of(folder: Path, database: str) -> Path:
    """The database's own file."""
    return folder / f"{database}.db"


def mark_of(folder: Path, database: str) -> Path:
    """The mark that its tables are on a server; what stands in it is for people."""
    return folder / f"{database}.server"


def is_there(folder: Path, database: str) -> bool:
    """Whether the folder has that database, here or on a server."""
    return file_of(folder, database).exists() or mark_of(folder, database).exists()


def set_mark(folder: Path, database: str, text: str) -> None:
    """Leave the mark, or renew its time: that is when the tables were last written from here."""
    mark = mark_of(folder, database)
    if mark.exists():
        os.utime(mark)
    else:
        mark.write_text(f"{text}\n", encoding="utf-8")


def written_at(folder: Path, database: str) -> float:
    """When it was last written, seconds since the epoch; 0 when there is none."""
    path = file_of(folder, database)
    files = (path, path.with_name(f"{path.name}-wal"), mark_of(folder, database))
    return max((file.stat().st_mtime for file in files if file.exists()), default=0.0)
