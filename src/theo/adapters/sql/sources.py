"""Where rows came from: names as numbers, and which numbers are visible.

One name may have several numbers: each import has its own, hidden until it is published.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, Select, select

from theo.adapters.sql.market_tables import sources

DIRECT, JOURNAL, IMPORT = "direct", "journal", "import"


def writable_ids(connection: Connection, names: Iterable[str], origin: str = DIRECT) -> dict[str, int]:
    """Name -> the newest visible number; names that have none get one, in their order."""
    wanted = list(dict.fromkeys(names))
    found = select(sources.c.name, sources.c.id).where(sources.c.visible, sources.c.name.in_(wanted)).order_by(sources.c.id)
    ids = {row.name: row.id for row in connection.execute(found)}
    for name in wanted:
        if name not in ids:
            ids[name] = new_id(connection, name, origin, visible=True)
    return ids


def new_id(connection: Connection, name: str, origin: str, *, visible: bool, fingerprint: str = "") -> int:
    """A new number for a name."""
    row = {"name": name, "visible": visible, "origin": origin, "fingerprint": fingerprint, "staged_rows": 0}
    key = connection.execute(sources.insert().values(row)).inserted_primary_key
    assert key is not None
    return int(key[0])


def visible_ids(name: str = "") -> Select[int]:
    """The visible numbers of a name, or of every name: for ``column.in_``."""
    wanted = select(sources.c.id).where(sources.c.visible)
    return wanted.where(sources.c.name == name) if name else wanted


def names_by_id(connection: Connection) -> dict[int, str]:
    """Number -> name, of visible sources."""
    return {row.id: row.name for row in connection.execute(select(sources.c.id, sources.c.name).where(sources.c.visible))}
