"""Whether the database still refuses to change what is only ever added to: an owner of its tables can take the rules away."""

from collections.abc import Mapping
from typing import Final

import msgspec
from sqlalchemy import Connection, text

from theo.adapters.sql.schema.migrations.journal import r0003_append_only
from theo.adapters.sql.schema.migrations.settings import r0002_chain

_ON_SQLITE: Final = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
_ON_A_SERVER: Final = text(
    "SELECT t.tgname, pg_get_triggerdef(t.oid), p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
    "WHERE t.tgrelid = to_regclass(:named) AND t.tgenabled IN ('O', 'A') AND NOT t.tgisinternal"
)


class Rules(msgspec.Struct, frozen=True):
    """What a table's rules are, by dialect and name, and the function that a server's call."""

    table: str
    made: Mapping[str, Mapping[str, str]]
    server_function: str


RECORDS: Final = Rules("journal", r0003_append_only.RULES, r0003_append_only.SERVER_FUNCTION)
SCAN_CHANGES: Final = Rules(r0002_chain.TABLE, r0002_chain.RULES, r0002_chain.SERVER_FUNCTION)


def missing_rules(connection: Connection, rules: Rules = RECORDS) -> tuple[str, ...]:
    """The names of the rules that are gone, switched off or rewritten."""
    dialect = connection.dialect.name
    if dialect == "sqlite":
        found = {row[0]: str(row[1]) for row in connection.execute(_ON_SQLITE)}
    else:
        rows = connection.execute(_ON_A_SERVER, {"named": f"exact.{rules.table}"})
        found = {row[0]: f"CREATE {row[1].removeprefix('CREATE ')}" for row in rows if row[2] == rules.server_function}
    return tuple(name for name, made in rules.made[dialect].items() if found.get(name) != made)
