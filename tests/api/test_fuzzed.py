"""Every operation of the OpenAPI document, asked with what it allows and with what it does not, of a server over real rows.

Beside it runs a trader, for signals by hand. What is drawn is the same at every run. No answer is a 5xx, has a status or a type
that is not documented, or breaks its schema; nothing that the document forbids is taken.
"""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.result import Ok

from tests.api.conftest import Served, serving
from tests.api.home import TREND
from tests.api.trading import trader_on

TOO_LARGE: Final = 413
EACH: Final = 20  # cases of an operation and a mode
BARS: Final = 100
CHANGES: Final = ("/api/signals/{id}/process", "/api/signals/{id}/cancel", "/api/signals/{id}")
WAITS: Final = "a signal that waits"  # looked up, or made, when it is asked for
NEWEST: Final = -1  # the number of a rule set's newest change, looked up then
ALWAYS: Final = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
# What the store holds: names that are drawn blindly are never there.
THERE: Final[dict[str, list[Any]]] = {
    "symbol": ["SPY", "SPY", "VIX"],
    "symbols": ["SPY,VIX"],
    "timeframe": ["15min", "1h", "1d"],
    "name": ["spy-vix", "my trend"],
    "strategy": ["trend"],
    "at": ["2019-01-09T16:00:00Z"],
    "from": ["2019-01-08T00:00:00Z"],
    "to": ["2019-01-10T00:00:00Z"],
}
DAYS: Final[dict[str, list[Any]]] = {**THERE, "from": ["2019-01-08"], "to": ["2019-01-08", "2019-01-09"]}
SENT: Final[dict[str, list[Any]]] = {
    "document": [TREND, TREND.replace("sma(9)", "sma(12)").replace('"trend"', '"my trend"')],
    "name": ["my trend", "another trend"],
    "change": [1, NEWEST, NEWEST],
}
SIGNAL: Final[dict[str, list[Any]]] = {
    "symbol": ["SPY"],
    "side": ["BUY", "SELL"],
    "quantity": [1, 2],
    "type": ["MARKET"],
    "stop": ["1%"],
    "target": ["2%", None],
    "expires_minutes": [60],
    **{name: [None] for name in ("limit", "trigger", "trail", "stop_trail")},
}

Asked = schemathesis.Case[Any]


@st.composite
def case_of(draw: st.DrawFn, operation: Any, mode: GenerationMode, ids: list[str]) -> Asked:  # noqa: ANN401 - the tool's
    """A case of an operation, with names that the store has in place of some of those that were drawn."""
    case: Asked = draw(operation.as_strategy(mode))
    if mode is GenerationMode.POSITIVE:
        changes = operation.path in CHANGES and operation.method != "get"
        there = {**(DAYS if operation.path.endswith("/test") else THERE), "id": [WAITS] if changes else ids}
        sent = SIGNAL if operation.path == "/api/signals" else SENT
        if sent is SIGNAL and isinstance(case.body, dict) and draw(st.integers(0, 3)):
            case.body.update(dict.fromkeys(SIGNAL))
        parts: list[tuple[Any, dict[str, list[Any]]]] = [(case.query, there), (case.path_parameters, there), (case.body, sent)]
        for where, known in parts:
            for name in sorted({*where} & {*known}) if isinstance(where, dict) else ():
                if draw(st.integers(0, 7)):
                    where[name] = draw(st.sampled_from(known[name]))
    return case


def waiting(served: Served) -> str:
    """The id of a signal by hand that waits; made where there is none."""
    found = served.get("/api/signals?status=PENDING&strategy=manual").body["signals"]
    if found:
        return str(found[0]["id"])
    body = json.dumps({"symbol": "SPY", "side": "BUY", "quantity": 1, "stop": "1%"})
    made = served.get("/api/signals", {"Content-Type": "application/json"}, "POST", body)
    assert made.status == 201, made.body
    return str(made.body["id"])


def store(served: Served, name: str) -> int:
    """Keep a rule set; one that is there stays as it is."""
    body = json.dumps({"document": TREND, "name": name})
    return served.get("/api/strategies", {"Content-Type": "application/json"}, "POST", body).status


def fill_in(case: Asked, served: Served) -> None:
    """What is not known before it is asked for."""
    if case.path_parameters.get("id") == WAITS:
        case.path_parameters["id"] = waiting(served)
    if (case.method.lower(), case.path) == ("delete", "/api/strategies/{name}") and case.path_parameters["name"] == "my trend":
        case.path_parameters["name"] = "spare"  # the others need theirs
        store(served, "spare")
        if isinstance(case.query.get("change"), int) and case.query["change"] > 0:
            case.query["change"] = 1
    if isinstance(case.body, dict) and case.body.get("change") == NEWEST:
        case.body["change"] = served.get("/api/strategies/my%20trend").body["change"]


@pytest.fixture
def changed(traded: Path, tmp_path: Path) -> Iterator[Served]:
    """A server over a home of its own, with a stored rule set and a trader that runs."""
    home = Path(shutil.copytree(traded, tmp_path / "home"))
    with trader_on(home, traded.parent / "trend.toml") as trader, serving(home, folder=trader.folder) as served:
        trader.play(BARS)
        assert store(served, "my trend") == 201
        made = waiting(served)  # answered once the tables know of what was traded
        assert served.get(f"/api/signals/{made}", method="DELETE").status == 200
        yield served


def test_no_answer_breaks_the_document(changed: Served) -> None:
    served = changed
    load_all_checks()
    base = f"http://127.0.0.1:{served.port}"
    schema = schemathesis.openapi.from_url(f"{base}/openapi.json")
    ids = [each["id"] for each in served.get("/api/signals?limit=5&strategy=trend").body["signals"]]
    seen = Counter[tuple[str, int]]()
    paths = served.get("/openapi.json").body["paths"]
    operations = [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]
    for operation in operations:
        described = paths[operation.path][operation.method]
        takes = "parameters" in described or "requestBody" in described
        for mode in (GenerationMode.POSITIVE, *([GenerationMode.NEGATIVE] if takes else [])):
            refused = ["negative_data_rejection"] if mode is GenerationMode.NEGATIVE else []

            @settings(
                derandomize=True,
                database=None,
                deadline=None,
                max_examples=EACH,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=case_of(operation, mode, ids))
            def asked(case: Asked) -> None:
                fill_in(case, served)
                response = case.call(base_url=base)
                # The tool does not count as a refusal that a body is too large.
                names = [*ALWAYS, *(refused if response.status_code != TOO_LARGE else [])]  # noqa: B023 - called in this turn
                checks: list[Any] = [*CHECKS.get_by_names(names)]
                case.validate_response(response, checks=checks)
                seen[case.operation.label, response.status_code] += 1

            asked()
    assert len(operations) == sum(len(methods) for methods in paths.values())
    for operation in operations:
        assert seen[operation.label, 200] + seen[operation.label, 201], f"{operation.label} never answered: {seen}"
