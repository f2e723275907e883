"""Where rows came from: names as numbers, and which numbers are visible from where.

One name may have several numbers: each import has its own, hidden until it is published; and on a server each home has one for
what its journal holds. What was imported is everyone's, and so is everything in a file of its own.
"""

from collections.abc import Iterable
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, Select, bindparam, or_, select

from theo.adapters.sql.database.place import Place
from theo.adapters.sql.tables.market import sources

DIRECT, JOURNAL, IMPORT = "direct", "journal", "import"
BUILT = "built"  # of ticks that a journal holds: not the journal's own, and its home's all the same
EVERYONE: Final = ""
_VIEW: Final = "theo_view"  # execution option: from where a connection looks


class View(msgspec.Struct, frozen=True):
    """From where a connection looks: its ``home``, and whether it ``shares`` what is everyone's."""

    home: str = EVERYONE
    shares: bool = True

    @property
    def homes(self) -> tuple[str, ...]:
        """Whose data are seen from there."""
        return (self.home, EVERYONE) if self.shares and self.home else (self.home,)

    @property
    def reaches(self) -> ColumnElement[bool]:
        """The sources that are seen from there."""
        return or_(*(sources.c.home == home for home in self.homes))

    def owner(self, origin: str) -> str:
        """Whose a new source is."""
        return self.home if origin in {JOURNAL, BUILT} or not self.shares else EVERYONE


def looking_from(engine: Engine, place: Place) -> Engine:
    """The engine, its connections looking from that place."""
    return engine.execution_options(**{_VIEW: View(place.name, place.shares)})


def look_as(connection: Connection, owner: str) -> Connection:
    """From now on it sees, and adds, only what is that home's; "" is what is everyone's."""
    return connection.execution_options(**{_VIEW: View(owner, shares=False)})


def view_of(connection: Connection) -> View:
    """From where it looks."""
    found = connection.get_execution_options()[_VIEW]
    assert isinstance(found, View)
    return found


def writable_ids(connection: Connection, names: Iterable[str], origin: str = DIRECT) -> dict[str, int]:
    """Name -> the newest visible number; names that have none get one, in their order."""
    wanted = list(dict.fromkeys(names))
    seen = view_of(connection).reaches
    found = select(sources.c.name, sources.c.id).where(sources.c.visible, seen, sources.c.name.in_(wanted)).order_by(sources.c.id)
    ids = {row.name: row.id for row in connection.execute(found)}
    for name in wanted:
        if name not in ids:
            ids[name] = new_id(connection, name, origin, visible=True)
    return ids


def new_id(connection: Connection, name: str, origin: str, *, visible: bool, fingerprint: str = "") -> int:
    """A new number for a name."""
    row = {"name": name, "visible": visible, "origin": origin, "fingerprint": fingerprint, "staged_rows": 0}
    key = connection.execute(sources.insert().values(row | {"home": view_of(connection).owner(origin)})).inserted_primary_key
    assert key is not None
    return int(key[0])


def visible_ids(connection: Connection, name: str = "") -> Select[int]:
    """The numbers of a name, or of every name, that are visible from there: for ``column.in_``."""
    wanted = select(sources.c.id).where(sources.c.visible, view_of(connection).reaches)
    return wanted.where(sources.c.name == name) if name else wanted


def names_by_id(connection: Connection) -> dict[int, str]:
    """Number -> name, of visible sources."""
    return {row.id: row.name for row in connection.execute(select(sources.c.id, sources.c.name).where(sources.c.visible))}


# The same of one name, made once: its parameters are what ``visible_values`` gives.
VISIBLE_OF_NAME: Final = select(sources.c.id).where(
    sources.c.visible,
    or_(sources.c.home == bindparam("home"), sources.c.home == bindparam("other_home")),
    sources.c.name == bindparam("source"),
)


def visible_values(connection: Connection, name: str) -> dict[str, str]:
    """The parameters of VISIBLE_OF_NAME."""
    homes = view_of(connection).homes
    return {"source": name, "home": homes[0], "other_home": homes[-1]}
