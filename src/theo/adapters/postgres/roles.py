"""Who may do what in a server's database: the owner makes and changes tables, the application fills them, readers read the views.

Passwords are no business of ours: they are set by whoever looks after the server, as are the rules of who may connect from where.
"""

from typing import Final

import msgspec
import psycopg
from psycopg import sql

from theo.adapters.postgres.dump import connected
from theo.domain.errors import UserError

READ_SECONDS_MAX: Final = 30  # of one statement of a reader
APP, READER = "app", "reader"
# In their order. {app} and {reader} are the roles, {database} is the database.
_GRANTS: Final = (
    "GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {app}",
    "GRANT CONNECT ON DATABASE {database} TO {reader}",
    "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    "REVOKE ALL ON SCHEMA exact FROM PUBLIC",
    "GRANT USAGE ON SCHEMA exact, public TO {app}",
    "GRANT USAGE ON SCHEMA exact, public TO {reader}",
    "GRANT SELECT ON exact.ticks TO {reader}",  # the function that aggregates the newest ticks runs as who asks
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA exact TO {app}",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA exact TO {app}",
    "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {app}, {reader}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA exact GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA exact GRANT USAGE, SELECT ON SEQUENCES TO {app}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {app}, {reader}",
    "REVOKE UPDATE, DELETE, TRUNCATE ON exact.journal FROM {app}",
    "REVOKE UPDATE, DELETE, TRUNCATE ON exact.signal_config_changes FROM {app}",
    "REVOKE ALL ON FUNCTION exact.erase_run(text) FROM PUBLIC",
    "GRANT EXECUTE ON FUNCTION exact.erase_run(text) TO {app}",
    "REVOKE ALL ON FUNCTION exact.make_months(bigint[]) FROM PUBLIC",
    "GRANT EXECUTE ON FUNCTION exact.make_months(bigint[]) TO {app}",
    "ALTER ROLE {reader} SET default_transaction_read_only = on",
    "ALTER ROLE {reader} SET statement_timeout = {timeout}",
    "ALTER ROLE {reader} SET search_path = public",
)
_VERSIONS: Final = ("journal_schema_version", "market_schema_version", "inbox_schema_version", "settings_schema_version")
_RIGHTS: Final = (
    "SELECT current_user, r.rolsuper, pg_has_role(c.relowner, 'MEMBER'), "
    "has_table_privilege(c.oid, 'UPDATE') OR has_table_privilege(c.oid, 'DELETE') OR has_table_privilege(c.oid, 'TRUNCATE') "
    "FROM pg_roles r, pg_class c WHERE r.rolname = current_user AND c.oid = to_regclass('exact.journal')"
)


class Rights(msgspec.Struct, frozen=True):
    """What a role may do to the journal beyond adding to it: everything as its owner, or change it by a grant."""

    role: str
    superuser: bool
    owner: bool
    changes_journal: bool


def make_roles(url: str, app: str, reader: str) -> tuple[str, ...]:
    """Make the two roles where they are missing, and give them exactly what they need; what was made. May be repeated.

    Raises UserError when this user may not, or when the tables are not there yet.
    """
    with connected(url) as connection:
        try:
            return _made(connection, app, reader)
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedTable) as error:
            raise UserError(
                f"the roles cannot be made: {error.diag.message_primary}",
                why="it takes the tables' owner, who may make roles (CREATEROLE)",
                remedy="Use the owner's address; start theo once before, so that the tables are there",
            ) from error


def _made(connection: "psycopg.Connection[tuple[object, ...]]", app: str, reader: str) -> tuple[str, ...]:
    names = {
        "app": sql.Identifier(app),
        "reader": sql.Identifier(reader),
        "database": sql.Identifier(connection.info.dbname),
        "timeout": sql.Literal(f"{READ_SECONDS_MAX}s"),
    }
    made = []
    with connection.transaction():
        for role in (app, reader):
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
                made.append(role)
        for grant in _GRANTS:
            connection.execute(sql.SQL(grant).format(**names))
        for table in _VERSIONS:  # a schema's number is changed by migrations alone
            connection.execute(
                sql.SQL("REVOKE INSERT, UPDATE, DELETE ON {} FROM {}").format(sql.Identifier("exact", table), sql.Identifier(app))
            )
    return tuple(made)


def rights(url: str) -> Rights | None:
    """Of the user of this address; None where there is no journal yet. Raises HaltRequiredError without a server."""
    with connected(url) as connection:
        row = connection.execute(_RIGHTS).fetchone()
    return None if row is None else Rights(str(row[0]), bool(row[1]), bool(row[2]), bool(row[3]))
