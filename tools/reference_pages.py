"""The generated parts of docs/reference: `python -m tools.reference_pages` writes them, a test compares them with the code.

A page keeps its own words; what stands between `<!-- generated: NAME -->` and `<!-- end -->` is replaced.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import cast, get_args

from theo.adapters.instruments.catalogue import catalogue
from theo.adapters.sql.tables import inbox as inbox_tables
from theo.adapters.sql.tables import journal as journal_tables
from theo.adapters.sql.tables import projected as projected_tables
from theo.adapters.sql.tables import settings as settings_tables
from theo.domain import facts
from theo.gateway.accounts.ledger import Ledgers
from theo.gateway.data_levers import DataLevers
from theo.gateway.desk import ContractBook, GatewaySettings
from theo.gateway.history.room import HistoryRoom
from theo.gateway.incidents import catalogue as gateway_incidents
from theo.gateway.incidents.incident import Incident
from theo.gateway.incidents.interference import Interference
from theo.gateway.streams.room import StreamsRoom
from theo.gateway.trading.room import TradingRoom
from theo.gateway.wire import coverage
from theo.market.indicators.spec import DEFINITIONS, Definition
from theo.risk.limits import Limits
from theo.venue.fees import SCHEDULES
from tools.api_reference import event_kinds, models, operations
from tools.cli_reference import command_line

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
REGION = re.compile(r"(<!-- generated: (?P<name>[a-z-]+) -->\n).*?(\n<!-- end -->)", re.DOTALL)
MICROS = 1_000_000


def regions(text: str) -> list[str]:
    """Names of the generated parts of a page."""
    return [match["name"] for match in REGION.finditer(text)]


def renewed(text: str) -> str:
    """The page with each generated part made anew. Raises KeyError for a part that nothing generates."""
    return REGION.sub(lambda m: f"{m[1]}\n{PARTS[m['name']]()}\n{m[3]}", text)


def limits_table() -> str:
    """Every risk limit with its default."""
    plain = Limits()
    return _table(("limit", "default"), [(f"`{name}`", _amount(getattr(plain, name))) for name in Limits.__struct_fields__])


def _amount(value: float | str) -> str:
    return (
        value if isinstance(value, str) else f"{value:,g}" if isinstance(value, int) else f"{value:,.6f}".rstrip("0").rstrip(".")
    )


def fees_table() -> str:
    """Every fee schedule with its source and the date of its rates."""
    rows = [(f"`{name}`", rates.as_of or "always", rates.source) for name, rates in SCHEDULES.items()]
    return _table(("schedule", "rates of", "source"), rows)


def rates_table() -> str:
    """What each schedule charges, field by field."""
    rows = []
    for name, rates in SCHEDULES.items():
        for field in type(rates).__struct_fields__:
            value = getattr(rates, field)
            if field in {"source", "as_of"} or not value:
                continue
            rows.append((f"`{name}`", f"`{field}`", _rate(field, value)))
    return _table(("schedule", "field", "value"), rows)


def incidents_table() -> str:
    """Every incident of the gateway simulator, its arguments, and when it ends."""
    no_contracts = cast("ContractBook", None)  # nothing is traded here
    trading = TradingRoom(GatewaySettings(), no_contracts, Ledgers((), 0))
    known = gateway_incidents.catalogue(DataLevers(StreamsRoom(), HistoryRoom()), trading, Interference()).incidents
    rows = [
        (
            f"`{name}`",
            incident.what,
            "; ".join(f"`{argument}`: {what}" for argument, what in incident.takes.items()),
            _end_of(incident),
        )
        for name, incident in sorted(known.items())
    ]
    return _table(("incident", "what happens", "takes", "ends"), rows)


def _end_of(incident: Incident) -> str:
    if incident.left is not None and "count" in incident.takes and "every" not in incident.takes:
        return "when it has met so many"
    if incident.lasts is not None:
        return f"after {incident.lasts:g} s"
    return "when it is ended" if incident.has_end else ""


def elsewhere_table() -> str:
    """What goes wrong in the field and no gateway can cause."""
    return _table(("name", "why"), [(f"`{name}`", why) for name, why in gateway_incidents.ELSEWHERE.items()])


def _rate(field: str, value: object) -> str:
    if isinstance(value, tuple):
        return "; ".join(f"below {price / MICROS:g}: {unit / MICROS:g}" for price, unit in value)
    assert isinstance(value, int)
    return f"{value / 10_000_000:g} %" if field.endswith("_ppb") else f"{value / MICROS:g} USD"


def indicators_table() -> str:
    """Every indicator with parameters and outputs."""
    rows = []
    for name, definition in DEFINITIONS.items():
        taken = ", ".join(f"`{key}` = {_choices(definition, key)}" for key in definition.parameters)
        given = ", ".join(f"`.{output}` ({kind})" for output, kind in definition.outputs.items())
        rows.append((f"`{name}`", taken, given))
    return _table(("indicator", "parameters and defaults", "outputs (kind)"), rows)


def _choices(definition: Definition, key: str) -> str:
    plain = definition.parameters[key]
    others = [word for word in definition.choices.get(key, ()) if word != plain]
    return " or ".join((str(plain), *others))


def instruments_table() -> str:
    """The shipped instruments."""
    rows = []
    for symbol, listed in catalogue().items():
        one = listed.instrument
        scale = 10**one.price_decimals
        kind = (one.security_type.value, one.exchange, one.calendar, str(one.multiplier))
        rows.append((f"`{symbol}`", str(one.id), *kind, f"{one.tick / scale:g}", str(one.price_decimals), listed.fees))
    return _table(("symbol", "id", "type", "exchange", "calendar", "multiplier", "tick", "decimals", "fees"), rows)


def schema_of(database: str) -> str:
    """Every table of one database with its columns."""
    metadata = {
        "journal": journal_tables.metadata,
        "market": projected_tables.runs.metadata,  # market data's own, to which projecting adds
        "inbox": inbox_tables.metadata,
        "settings": settings_tables.metadata,
    }[database]
    parts = []
    for table in metadata.tables.values():
        rows = [
            (f"`{c.name}`", c.type.__class__.__name__, "key" if c.primary_key else "", "yes" if c.nullable else "no")
            for c in table.columns
        ]
        parts.append(f"### {table.name}\n\n" + _table(("column", "type", "", "may be null"), rows))
    return "\n\n".join(parts)


def facts_table() -> str:
    """Every kind of fact and its fields."""
    rows = [
        (f"`{kind.__struct_config__.tag}`", ", ".join(f"`{field}`" for field in kind.__struct_fields__))
        for kind in get_args(facts.Fact)
    ]
    return _table(("fact", "fields"), rows)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


PARTS: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "commands": command_line,
        "api-operations": operations,
        "api-models": models,
        "api-events": event_kinds,
        "limits": limits_table,
        "fees": fees_table,
        "rates": rates_table,
        "indicators": indicators_table,
        "instruments": instruments_table,
        "journal-tables": lambda: schema_of("journal"),
        "market-tables": lambda: schema_of("market"),
        "inbox-tables": lambda: schema_of("inbox"),
        "settings-tables": lambda: schema_of("settings"),
        "facts": facts_table,
        "gateway-messages": coverage.page,
        "gateway-incidents": incidents_table,
        "gateway-incidents-elsewhere": elsewhere_table,
    }
)


def main() -> None:
    """Write every generated part into its page."""
    for page in sorted(REFERENCE.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        page.write_text(renewed(text), encoding="utf-8")


if __name__ == "__main__":
    main()
