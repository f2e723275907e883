"""Where a home's databases are: files in its folder, or one PostgreSQL database for many homes."""

import hashlib
from pathlib import Path

import msgspec
from sqlalchemy.engine import URL


class Place(msgspec.Struct, frozen=True):
    """``folder`` holds the files, locks and anchors. With a ``server`` the tables are there, and ``name`` is the home's in them.

    ``anchors`` is a folder elsewhere that gets the anchors too. ``identity`` is the home folder's own: the server remembers it
    beside the name. ``reads`` is a server that is only read from, in place of ``server``. ``shares``: imported market data is
    seen from here, too, not only what this place's journal holds. Not ``settled``: it is being filled, and no mark is left of
    it. The address may hold a password: it is shown by ``shown`` alone.
    """

    folder: Path
    server: URL | None = None
    name: str = ""
    anchors: Path | None = None
    identity: str = ""
    shares: bool = True
    settled: bool = True
    reads: URL | None = None

    def __repr__(self) -> str:
        return f"Place({self.shown})"

    @property
    def shown(self) -> str:
        """What a person may read."""
        return str(self.folder) if self.server is None else shown(self.server)

    def second_anchors(self, journal: str) -> Path | None:
        """The file there of one of the folder's journals: the folder's own name to read, its whole path to be no other's."""
        if self.anchors is None:
            return None
        path = self.folder.resolve()
        return self.anchors / f"{path.name}-{hashlib.sha256(str(path).encode()).hexdigest()[:8]}.{journal}.anchors"

    @property
    def home(self) -> str:
        """The first part of the name: runs and the demo have names of their own below it."""
        return self.name.partition("/")[0]


def shown(server: URL) -> str:
    """An address without its password."""
    return server.set(drivername="postgresql").render_as_string(hide_password=True)


def place_of(folder: Path | Place) -> Place:
    """A folder is a place of files."""
    return folder if isinstance(folder, Place) else Place(folder)
