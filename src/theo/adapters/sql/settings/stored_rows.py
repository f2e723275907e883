"""Whether the columns of stored scans, which people query by, still say what their documents say."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, Engine, Table, select

from theo.adapters.sql.database.transactions import reading
from theo.adapters.sql.settings.scan_rows import config_row, entry_rows, exit_rows, symbol_rows
from theo.adapters.sql.tables.settings import signal_configs, signal_entry_rules, signal_exit_rules, signal_symbols
from theo.domain.errors import TheoError
from theo.strategy.loading import load_ruleset
from theo.strategy.ruleset import RuleSet

PARTS: Final = (signal_symbols, signal_entry_rules, signal_exit_rules)
NOT_COMPARED: Final = frozenset({"home", "config_id", "token"})  # a token is what the catalogue said when it was saved

Said = list[Mapping[str, Any]]


def unlike_documents(engine: Engine, home: str) -> tuple[str, ...]:
    """A sentence for each scan whose columns or rules say otherwise than its document, its name apart.

    One whose document this build cannot read is left out.
    """
    with reading(engine) as connection:
        configs = connection.execute(select(signal_configs).where(signal_configs.c.home == home)).mappings().all()
        stored = {part.name: _by_scan(connection, part, home) for part in PARTS}
    found = []
    for row in sorted(configs, key=lambda each: int(each["id"])):
        try:
            ruleset = load_ruleset(row["document"], row["name"])
        except TheoError:
            continue
        differing = [name for name, value in config_row(ruleset).items() if name != "name" and row[name] != value]
        differing += [name for name, rows in _parts_of(ruleset).items() if not _same(stored[name].get(row["id"], []), rows)]
        if differing:
            found.append(f"scan {row['id']} ({row['name']}) says otherwise than its document: {', '.join(differing)}")
    return tuple(found)


def _by_scan(connection: Connection, part: Table, home: str) -> dict[int, Said]:
    rows: dict[int, Said] = {}
    for row in connection.execute(select(part).where(part.c.home == home)).mappings():
        rows.setdefault(row["config_id"], []).append({**row})
    return rows


def _parts_of(ruleset: RuleSet) -> dict[str, Said]:
    rows_of = (symbol_rows(ruleset, {}), entry_rows(ruleset), exit_rows(ruleset))
    return {part.name: list(rows) for part, rows in zip(PARTS, rows_of, strict=True)}


def _same(stored: Said, said: Said) -> bool:
    """The same rows in whatever order."""
    there = [{name: value for name, value in row.items() if name not in NOT_COMPARED} for row in stored]
    wanted = [{name: value for name, value in row.items() if name not in NOT_COMPARED} for row in said]
    return len(there) == len(wanted) and all(row in there for row in wanted)
