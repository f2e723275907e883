"""Opening a database file: made or migrated to this build's schema in one transaction; a newer one is refused.

Alembic is loaded only when there is something to migrate.
"""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final

from sqlalchemy import Connection, Engine, MetaData, inspect, text

from theo.adapters.sql import inbox_tables, journal_tables, market_tables, projected_tables
from theo.adapters.sql.dialect import open_engine
from theo.adapters.sql.transactions import reading, writing
from theo.domain.errors import CorruptionError, HaltRequiredError, UserError


class Database(StrEnum):
    """The files of a home."""

    JOURNAL = "journal"
    MARKET = "market"
    INBOX = "inbox"


# The newest revision of each, in migrations/NAME; a test compares them with the files. Revisions are numbered upwards.
NEWEST: Final[Mapping[Database, str]] = MappingProxyType(
    {Database.JOURNAL: "0001", Database.MARKET: "0001", Database.INBOX: "0001"}
)
METADATA: Final[Mapping[Database, MetaData]] = MappingProxyType(
    {Database.JOURNAL: journal_tables.metadata, Database.MARKET: market_tables.metadata, Database.INBOX: inbox_tables.metadata}
)
assert projected_tables.PROJECTED  # importing it adds the projections to the market database's metadata
DURABLE: Final = frozenset({Database.JOURNAL, Database.INBOX})  # market.db can be rebuilt and imported again


def open_database(home: Path, database: Database, file_name: str = "") -> Engine:
    """An engine over ``home/NAME.db`` with this build's schema; the folder is made when missing.

    Raises UserError when the folder or the file cannot be written or is newer than this build, CorruptionError for a file
    that is damaged or no database of ours.
    """
    path = home / (file_name or f"{database}.db")
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UserError("cannot be made", where=str(home), why=str(error.strerror), remedy="Choose another --home") from error
    engine = open_engine(path, durable=database in DURABLE)
    try:
        _bring_up_to_date(engine, database, path)
    except HaltRequiredError as error:
        engine.dispose()
        raise UserError(error.what, where=str(path), why=error.why, remedy=error.remedy) from error
    except BaseException:
        engine.dispose()
        raise
    return engine


def _bring_up_to_date(engine: Engine, database: Database, path: Path) -> None:
    with reading(engine) as connection:
        current = _revision(connection, path)
    newest = NEWEST[database]
    if current is not None and current > newest:
        raise UserError(
            f"was written by a newer theo (schema {current}, this build knows {newest})",
            where=str(path),
            remedy="Upgrade theo, or use another --home",
        )
    if current == newest:
        return
    with writing(engine) as connection:
        if _revision(connection, path) != newest:  # another process may have been faster
            migrate(connection, database)


def _revision(connection: Connection, path: Path) -> str | None:
    """The schema's revision; None for an empty file."""
    names = inspect(connection).get_table_names()
    if not names:
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if "alembic_version" in names else None
    if not isinstance(found, str):
        raise CorruptionError(
            "is a database, but not one of theo's", where=str(path), remedy="Move the file away, or use another --home"
        )
    return found


def migrate(connection: Connection, database: Database, revision: str = "head") -> None:
    """Run the migrations up to ``revision`` on an open connection, inside its transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "theo.adapters.sql:migrations")
    config.set_main_option("version_locations", f"theo.adapters.sql:migrations/{database}")
    config.set_main_option("path_separator", "space")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
