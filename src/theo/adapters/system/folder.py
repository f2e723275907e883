"""Whether a path still names the folder that it named: a run that is played afresh gets a new folder under the old name."""

import os
from pathlib import Path


class OpenFolder:
    """A folder held open: its number on the disk is given to no other meanwhile, so that another one under its name shows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def is_there(self) -> bool:
        """Whether the path still names it."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._handle))
        except OSError:
            return False

    def close(self) -> None:
        """Let go of it."""
        os.close(self._handle)
