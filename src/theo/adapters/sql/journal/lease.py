"""One writer a stream: a file lock, held from the claim to the end of the process, whatever ends it."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Sequence
from pathlib import Path

from theo.domain.errors import HaltRequiredError, UserError

FOLDER = "locks"


class Lease:
    """The lock files of the claimed streams. A crash releases them; a copy of the folder does not carry them."""

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER
        self._held: dict[str, int] = {}

    def take(self, streams: Sequence[str]) -> None:
        """Lock all streams or none. Raises HaltRequiredError while another holds one, UserError when locking is impossible."""
        taken: dict[str, int] = {}
        try:
            for stream in streams:
                if stream not in self._held and stream not in taken:
                    taken[stream] = self._lock(stream)
        except BaseException:
            _close(taken)
            raise
        self._held.update(taken)

    def _lock(self, stream: str) -> int:
        path = lock_path(self._folder, stream)
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UserError(
                "cannot be made", where=str(path), why=str(error.strerror), remedy="Make the folder writable"
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(handle, 20, 0).decode(errors="replace").strip()
            os.close(handle)
            if error.errno not in {errno.EAGAIN, errno.EACCES}:
                raise UserError(
                    "cannot be locked", where=str(path), why=str(error.strerror), remedy="Use a local disk"
                ) from error
            raise HaltRequiredError(
                f"another process writes the stream {stream}",
                where=str(path),
                why=f"its process id is {holder}" if holder else "its process id is not known",
                remedy="Stop that one first, or use another --home",
            ) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        return handle

    def release(self) -> None:
        """Unlock everything; the lock files stay, so that nobody can lock a file that is about to go."""
        _close(self._held)
        self._held = {}


def holder(home: Path, stream: str) -> int | None:
    """The process that writes the stream, None when nobody does. Looks without locking wherever the written id is enough.

    Raises UserError when the lock file cannot be read.
    """
    path = lock_path(home / FOLDER, stream)
    try:
        written = path.read_text(encoding="ascii", errors="replace").strip() if path.exists() else ""
        if not written.isdigit() or not Path(f"/proc/{written}").exists():
            return None
        return int(written) if _locked(path) else None
    except OSError as error:
        raise UserError("cannot be read", where=str(path), why=str(error.strerror), remedy="Check its permissions") from error


def _locked(path: Path) -> bool:
    """Whether somebody holds the lock: a process id may have been given to another program since."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in {errno.EAGAIN, errno.EACCES}:
            return True
        raise
    finally:
        os.close(handle)
    return False


def lock_path(folder: Path, stream: str) -> Path:
    """The lock file of a stream."""
    return folder / f"{stream.replace(':', '-')}.lock"


def _close(held: dict[str, int]) -> None:
    for handle in held.values():
        with contextlib.suppress(OSError):
            os.close(handle)
