"""Whether the database still refuses to change the journal: an owner of its tables can take the rules away."""

from sqlalchemy import Connection, text

from theo.adapters.sql.schema.migrations.journal.r0003_append_only import RULES, SERVER_FUNCTION

_ON_SQLITE = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
_ON_A_SERVER = text(
    "SELECT t.tgname, pg_get_triggerdef(t.oid), p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
    "WHERE t.tgrelid = 'exact.journal'::regclass AND t.tgenabled IN ('O', 'A') AND NOT t.tgisinternal"
)


def missing_rules(connection: Connection) -> tuple[str, ...]:
    """The names of the rules that are gone, switched off or rewritten."""
    dialect = connection.dialect.name
    if dialect == "sqlite":
        found = {row[0]: str(row[1]) for row in connection.execute(_ON_SQLITE)}
    else:
        rows = connection.execute(_ON_A_SERVER)
        found = {row[0]: f"CREATE {row[1].removeprefix('CREATE ')}" for row in rows if row[2] == SERVER_FUNCTION}
    return tuple(name for name, made in RULES[dialect].items() if found.get(name) != made)
