"""The reference pages say what the code says: generated parts are fresh, and every key and limit stands on its page."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from theo.app.configuration.broker import IbTable, LiveTable
from theo.app.configuration.file import (
    ApiTable,
    ArchiveTable,
    Configuration,
    DatabaseTable,
    DataTable,
    DecisionsTable,
    ExchangeTable,
    LevelsTable,
    OrdersTable,
    ReportTable,
    configured,
)
from theo.app.configuration.options import OptionsTable
from theo.app.configuration.roll import RollTable
from theo.domain.errors import ConfigError
from theo.risk.limits import Limits
from theo.strategy.loading import STRATEGIES, load_ruleset
from theo.strategy.tables import Table
from tools.reference_pages import PARTS, REFERENCE, regions, renewed

PAGES = sorted(REFERENCE.glob("*.md"))
ROW = re.compile(r"^\| `(\w+)` \|")
HEADING = re.compile(r"^## (?:`\[(\w+)(?:\.SYMBOL)?\]`|(.+))$")
IN_CONDITION = re.compile(r"(?:entry|exit)\.(?:long|short)(?:\[\d+\]|\.\w+)*?\.(left|op|right|times|plus|lag)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_generated_parts_are_those_of_the_code(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert renewed(text) == text, "run: python -m tools.reference_pages"


def test_every_generated_part_stands_on_exactly_one_page() -> None:
    assert sorted(name for page in PAGES for name in regions(page.read_text())) == sorted(PARTS)


def test_a_stale_part_is_found_and_a_page_keeps_its_own_words() -> None:
    page = "before\n<!-- generated: limits -->\nold\n<!-- end -->\nafter"
    fresh = renewed(page)
    assert fresh.startswith("before\n")
    assert fresh.endswith("\nafter")
    assert "old" not in fresh
    assert "`leverage_max`" in fresh
    assert renewed(fresh) == fresh


def documented_keys(text: str) -> set[str]:
    """Full keys of a page's tables: `[trading]` and `from` is trading.from."""
    found, prefix = set(), ""
    for line in text.splitlines():
        if heading := HEADING.match(line):
            prefix = f"{heading[1]}." if heading[1] else {"Condition": "condition."}.get(heading[2], "")
        elif row := ROW.match(line):
            found.add(prefix + row[1])
    return found


FORMS = (
    'times = 2.0\nof = "atr(14)"',
    "percent = 2.0",
    'long = "swing(2).low"\nshort = "swing(2).high"',
)


def sample(strategy: str, form: str) -> str:
    """A rule set that asks for as much as it can."""
    own = '[python]\nclass = "mine.py:Mine"\n' if strategy == "python" else ""
    rule = '[entry]\nlong = [{ any = [{ left = "close", op = ">", right = 1 }] }]\n' if strategy == "rules" else ""
    head = f'name = "a"\nstrategy = "{strategy}"\ntimeframe = "15min"\n[symbols]\nprimary = "MES"\npartners = ["VIX"]\n'
    scan = '[scan]\nplaceholder = "OPTION"\noption_type = "CALL"\noption_category = "ITM"\nexpiry = "weekly"\nwriting = true\n'
    return f"{head}{own}{rule}[stop]\n{form}\n[target]\n{form}\n{scan}[gate]\n"


def known_keys(patch: pytest.MonkeyPatch) -> set[str]:
    """Every key that reading rule sets of each kind asks for."""
    asked: set[str] = set()
    get = Table.get

    def noting(table: Table, name: str) -> object:
        asked.add(table.key(name))
        return get(table, name)

    patch.setattr(Table, "get", noting)
    for strategy in STRATEGIES:
        for form in FORMS:
            load_ruleset(sample(strategy, form), "sample.toml")
    return {f"condition.{match[1]}" if (match := IN_CONDITION.fullmatch(key)) else key for key in asked}


def test_every_key_of_a_rule_set_is_on_the_page_and_every_key_on_the_page_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = {
        "symbols",
        "trading",
        "correlation",
        "crossover",
        "python",
        "entry",
        "exit",
        "stop",
        "target",
        "size",
        "scan",
        "gate",
    }
    known = known_keys(monkeypatch) | tables  # a table is opened, not asked for
    assert documented_keys((REFERENCE / "rule-sets.md").read_text()) == known


@pytest.mark.parametrize("key", ["name", "strategy", "timeframe", "symbols.primary", "stop", "target"])
def test_what_the_page_calls_required_is_required(key: str) -> None:
    text = sample("correlation", FORMS[0])
    table, _, name = key.rpartition(".")
    cut = rf"^\[{name}\]\ntimes.*\nof.*\n" if name in {"stop", "target"} else rf"^{name} = .*\n"
    with pytest.raises(ConfigError, match=rf"{table and table + chr(92) + '.'}{name}.*is missing"):
        load_ruleset(re.sub(cut, "", text, count=1, flags=re.MULTILINE), "sample.toml")


def test_every_limit_says_what_it_compares() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (REFERENCE / "limits.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(2 * Limits.__struct_fields__)  # once with its default, once with its meaning


def test_every_error_names_the_code_that_the_program_exits_with() -> None:
    from theo.app import exit_codes

    codes = re.findall(r"^\| (\d+) \|", (REFERENCE / "exit-codes.md").read_text(), re.MULTILINE)
    assert codes == [str(c) for c in (0, exit_codes.EXIT_PROBLEM, exit_codes.EXIT_USER, exit_codes.EXIT_INTERRUPTED)]


def test_every_key_of_the_configuration_is_on_the_page_with_its_default() -> None:
    text = (REFERENCE / "configuration.md").read_text()
    tables: dict[str, type[BaseModel]] = {
        "exchange": ExchangeTable,
        "data": DataTable,
        "database": DatabaseTable,
        "api": ApiTable,
        "archive": ArchiveTable,
        "levels": LevelsTable,
        "decisions": DecisionsTable,
        "orders": OrdersTable,
        "ib": IbTable,
        "live": LiveTable,
        "report": ReportTable,
        "roll": RollTable,
        "options": OptionsTable,
    }
    fields = {f"{name}.{key}": field for name, table in tables.items() for key, field in table.model_fields.items()}
    assert documented_keys(text) == (set(Configuration.model_fields) - {"limits", *tables}) | set(fields)
    for (table, _, key), field in ((path.partition("."), field) for path, field in fields.items()):
        under = text[text.index(f"## `[{table}") :] if f"## `[{table}" in text else text
        shown = re.search(rf"^\| `{key}` \|[^|]*\| `([^`]*)` \|", under, re.MULTILINE)
        assert shown is not None, key
        assert shown[1].strip('"') == (str(field.default).lower() if field.annotation is bool else str(field.default)), key


def test_the_configuration_on_the_page_is_valid(tmp_path: Path) -> None:
    text = (REFERENCE / "configuration.md").read_text()
    block = re.search(r"```toml\n(.*?)```", text, re.DOTALL)
    assert block is not None
    (tmp_path / "theo.toml").write_text(block[1])
    read = configured(tmp_path / "theo.toml")
    assert (read.limits.open_trades_max, read.limits.daily_loss_percent_max, read.exchange.slippage_ticks) == (5, 3.0, 1)
