"""The homes of a server by name: each name is one folder's, so that none goes on with another's journal."""

import socket
from typing import Final

from sqlalchemy import Connection, Engine, Row, select, update

from theo.adapters.sql.database.dialect import insert_rows
from theo.adapters.sql.database.place import Place
from theo.adapters.sql.database.traces import mark_of
from theo.adapters.sql.database.transactions import reading, writing
from theo.adapters.sql.tables.journal import homes, leases
from theo.domain.errors import UserError

JOURNAL: Final = "journal"
LEFT: Final = "left"  # in place of the identity: the home was copied away


def check_in(engine: Engine, place: Place) -> None:
    """Take the name, or find that it is ours. Raises UserError when it is another folder's, or our journal is here no more."""
    with reading(engine) as connection:
        found = _registered(connection, place)
    if found is None:
        machine = socket.gethostname()
        with writing(engine) as connection:
            insert_rows(connection, homes, [(place.home, place.identity, machine, str(place.folder))], skip_present=True)
            found = _registered(connection, place)
    assert found is not None
    if found.identity == LEFT and not place.settled:
        return  # it comes back, and is here once it is whole
    if found.identity == LEFT:
        raise UserError(
            f"the home {place.home} was copied away from here",
            where=place.shown,
            why="what is here is as old as that copy",
            remedy="Name where it is now, or bring it back from there: `theo db copy`",
        )
    if found.identity != place.identity:
        raise UserError(
            f"the name {place.home} is another home's",
            where=place.shown,
            why=f"{found.machine} took it for {found.folder}",
            remedy="Give this home another name: THEO_HOME_NAME, before its first use of the server",
        )
    with reading(engine) as connection:
        ours = leases.c.stream.startswith(f"{place.name}/", autoescape=True)
        begun = connection.execute(select(leases.c.stream).where(ours).limit(1)).first()
    if begun is None and place.settled and mark_of(place.folder, JOURNAL).exists():
        raise UserError(
            f"the server has no journal of {place.name}, which this folder has begun on a server",
            where=place.shown,
            why=f"{mark_of(place.folder, JOURNAL)} says where it was",
            remedy="Name the server that has it, or restore a backup there: a new journal would know of no open position",
        )


def arrive(engine: Engine, place: Place) -> None:
    """The home is here, whole."""
    _identify(engine, place, place.identity)


def leave(engine: Engine, place: Place) -> None:
    """The home is elsewhere from now on: whoever still has this address must not go on with what stays."""
    _identify(engine, place, LEFT)


def _identify(engine: Engine, place: Place, identity: str) -> None:
    with writing(engine) as connection:
        known = homes.c.identity.in_((place.identity, LEFT))
        connection.execute(update(homes).where(homes.c.name == place.home, known).values(identity=identity))


def _registered(connection: Connection, place: Place) -> Row[tuple[str, str, str, str]] | None:
    return connection.execute(select(homes).where(homes.c.name == place.home)).first()
