"""Taking a place's rows off a server: what removing its folder is to files."""

from sqlalchemy import delete, func, select

from theo.adapters.sql.database.place import Place
from theo.adapters.sql.database.postgresql import lock_key
from theo.adapters.sql.database.transactions import writing
from theo.adapters.sql.market import import_rows
from theo.adapters.sql.schema.opening import Database, open_database
from theo.adapters.sql.tables.inbox import commands
from theo.adapters.sql.tables.journal import snapshots
from theo.adapters.sql.tables.market import level_marks, new_levels, sources
from theo.adapters.sql.tables.projected import PROJECTED, pruned_decisions, watermarks


def erase(place: Place) -> None:
    """Delete every row of a place on a server, in one transaction: half a journal would be read as a whole one.

    The epochs of its streams stay, so that none is given out twice. The caller holds the lease. Raises HaltRequiredError when
    nothing was deleted, OutcomeUnknownError when nobody knows.
    """
    for database in (Database.JOURNAL, Database.INBOX):
        open_database(place, database).dispose()  # so that the tables are there
    engine = open_database(place, Database.MARKET)
    try:
        with writing(engine) as connection:
            for other in (Database.INBOX, Database.JOURNAL):  # the transaction holds the market's lock
                connection.execute(select(func.pg_advisory_xact_lock(lock_key(other))))
            connection.execute(select(func.exact.erase_run(place.name)))  # the only way: the journal refuses changes
            for table in (snapshots, commands, watermarks, level_marks, new_levels, pruned_decisions, *PROJECTED.values()):
                connection.execute(delete(table).where(table.c.home == place.name))
            ours = select(sources.c.id).where(sources.c.home == place.name)
            for source_id in connection.execute(ours).scalars().all():
                import_rows.remove(connection, source_id)
    finally:
        engine.dispose()
