"""Opening a database: made or migrated to this build's schema in one transaction; a newer one is refused.

Alembic is loaded only when there is something to migrate.
"""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final

from sqlalchemy import Connection, Engine, MetaData, column, inspect, select, table, text
from sqlalchemy.engine import URL

from theo.adapters.sql.database import sqlite
from theo.adapters.sql.database.place import Place, place_of, shown
from theo.adapters.sql.database.traces import file_of, set_mark
from theo.adapters.sql.database.transactions import reading, writing
from theo.adapters.sql.schema import fresh as fresh_schema
from theo.adapters.sql.tables import inbox as inbox_tables
from theo.adapters.sql.tables import journal as journal_tables
from theo.adapters.sql.tables import market as market_tables
from theo.adapters.sql.tables import projected as projected_tables
from theo.adapters.sql.tables import settings as settings_tables
from theo.domain.errors import CorruptionError, HaltRequiredError, UserError


class Database(StrEnum):
    """The files of a home."""

    JOURNAL = "journal"
    MARKET = "market"
    INBOX = "inbox"
    SETTINGS = "settings"


# The newest revision of each, in migrations/NAME; a test compares them with the files. Revisions are numbered upwards.
NEWEST: Final[Mapping[Database, str]] = MappingProxyType(
    {Database.JOURNAL: "0004", Database.MARKET: "0015", Database.INBOX: "0003", Database.SETTINGS: "0002"}
)
METADATA: Final[Mapping[Database, MetaData]] = MappingProxyType(
    {
        Database.JOURNAL: journal_tables.metadata,
        Database.MARKET: market_tables.metadata,
        Database.INBOX: inbox_tables.metadata,
        Database.SETTINGS: settings_tables.metadata,
    }
)
assert projected_tables.PROJECTED  # importing it adds the projections to the market database's metadata
DURABLE: Final = frozenset({Database.JOURNAL, Database.INBOX, Database.SETTINGS})  # market.db can be rebuilt and imported again


def open_database(where: Path | Place, database: Database, file_name: str = "", *, durable: bool = False) -> Engine:
    """An engine over ``NAME.db`` in a folder, or over a server's tables, with this build's schema; a folder is made when missing.

    ``durable`` waits for the disk at every commit, which all but the market database always do.
    Raises UserError when it cannot be reached or written or is newer than this build, CorruptionError for a file that is damaged
    or no database of ours.
    """
    place = place_of(where)
    folder, durable = place.folder, durable or database in DURABLE
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UserError("cannot be made", where=str(folder), why=str(error.strerror), remedy="Choose another --home") from error
    if place.server is None:
        path = folder / file_name if file_name else file_of(folder, database)
        engine, named = sqlite.open_engine(path, durable=durable), str(path)
    elif place.reads is not None:
        return _open_for_reading(place.reads, database)
    else:
        from theo.adapters.sql.database import postgresql

        statement_ms = postgresql.TRADING_MS_MAX if database in DURABLE else postgresql.BULK_MS_MAX
        engine = postgresql.open_engine(place.server, durable=durable, lock=database, statement_ms=statement_ms)
        named = shown(place.server)
    try:
        _bring_up_to_date(engine, database, named)
    except HaltRequiredError as error:
        engine.dispose()
        raise UserError(error.what, where=named, why=error.why, remedy=error.remedy) from error
    except BaseException:
        engine.dispose()
        raise
    if place.server is not None and place.settled and database is not Database.JOURNAL:  # a journal begins when it is claimed
        set_mark(folder, database, f"{place.name} on {named}")
    return engine


def _open_for_reading(server: URL, database: Database) -> Engine:
    """A server that takes no writes, or is to get none: its schema is as its primary made it. Raises UserError."""
    from theo.adapters.sql.database import postgresql

    engine = postgresql.open_engine(server, durable=False, lock=database, statement_ms=postgresql.BULK_MS_MAX, read_only=True)
    try:
        _fits(engine, database, shown(server))
    except HaltRequiredError as error:
        engine.dispose()
        raise UserError(error.what, where=shown(server), why=error.why, remedy=error.remedy) from error
    except BaseException:
        engine.dispose()
        raise
    return engine


def _fits(engine: Engine, database: Database, where: str) -> None:
    with reading(engine) as connection:
        found = _revision(connection, database, where)
    if found != NEWEST[database]:
        raise UserError(
            f"has the schema {found or 'of nothing yet'}, this build reads {NEWEST[database]}",
            where=where,
            remedy="Use theo once with THEO_DATABASE_URL alone, then wait for the replica; or use the version that fits",
        )


def _bring_up_to_date(engine: Engine, database: Database, where: str) -> None:
    with reading(engine) as connection:
        current = _revision(connection, database, where)
    newest = NEWEST[database]
    if current is not None and current > newest:
        raise UserError(
            f"was written by a newer theo (schema {current}, this build knows {newest})",
            where=where,
            remedy="Upgrade theo, or use another --home",
        )
    if current == newest:
        return
    with writing(engine) as connection:
        if connection.dialect.name != "sqlite":
            connection.execute(text("CREATE SCHEMA IF NOT EXISTS exact"))
            connection.execute(text("SET LOCAL statement_timeout = 0"))  # of a large table it takes what it takes
        current = _revision(connection, database, where)  # another process may have been faster
        if current is None and connection.dialect.name == "sqlite":
            fresh_schema.make(connection, database)
        elif current != newest:
            migrate(connection, database)


def version_table(dialect: str, database: Database) -> str:
    """The table that holds the schema's revision: a server holds all databases in one."""
    return "alembic_version" if dialect == "sqlite" else f"{database}_schema_version"


def _revision(connection: Connection, database: Database, where: str) -> str | None:
    """The schema's revision; None where there is nothing yet."""
    own = version_table(connection.dialect.name, database)
    names = inspect(connection).get_table_names()
    if own not in names:
        if names and connection.dialect.name == "sqlite":
            raise _not_ours(where)
        return None
    found = connection.execute(select(column("version_num")).select_from(table(own))).scalar()
    if not isinstance(found, str):
        raise _not_ours(where)
    return found


def _not_ours(where: str) -> CorruptionError:
    remedy = "Move the file away, or use another --home"
    return CorruptionError("is a database, but not one of theo's", where=where, remedy=remedy)


def migrate(connection: Connection, database: Database, revision: str = "head") -> None:
    """Run the migrations up to ``revision`` on an open connection, inside its transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "theo.adapters.sql.schema:migrations")
    config.set_main_option("version_locations", f"theo.adapters.sql.schema:migrations/{database}")
    config.set_main_option("path_separator", "space")
    config.attributes["connection"] = connection
    config.attributes["version_table"] = version_table(connection.dialect.name, database)
    command.upgrade(config, revision)
