"""docs/reference/incidents.md: what each incident did to the whole platform, as measured by a run of all of them.

Run: python -m tests.live.incidents_page. The times are the run's; everything else is compared with the code by a test.
"""

import asyncio
import re
import sys
import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import cast

from tests.gateway.conftest import FIRST, LAST, START
from tests.live.incidents import CASES, outcome
from theo.adapters.calendars.stored import session_table
from theo.gateway.accounts.ledger import Ledgers
from theo.gateway.building import Gateway, build
from theo.gateway.contracts.book import Contracts
from theo.gateway.data_levers import DataLevers
from theo.gateway.desk import ContractBook, GatewaySettings
from theo.gateway.history.room import HistoryRoom
from theo.gateway.incidents.catalogue import ELSEWHERE, catalogue
from theo.gateway.incidents.interference import Interference
from theo.gateway.market.synthetic import SyntheticMarket
from theo.gateway.streams.room import StreamsRoom
from theo.gateway.trading.room import TradingRoom

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "incidents.md"
ROW = re.compile(r"^\| `([\w-]+)` \|.*\| ([\d.]+) \|$", re.MULTILINE)
HEAD = """# Incidents: what the platform does

What goes wrong with gateways, data and orders in the field, and what `theo live` makes of it. Each row is a test: the
[simulated gateway](gateway-incidents.md) plays the incident, and afterwards orders, executions, positions and deals must be
those of the gateway's own books, and every position must have its stop there.

*Time to recover* is in seconds of the market's time, measured by the run that wrote this page: from the end of the incident
(or from its moment, where it has no duration) until the link is up, the books agree, data flow and no hole is left in them.
*Alarm* is the code of what a person is told. The runs go at 4 to 80 times the true pace, and two waits are of true time (ten
seconds for a socket's answer, ten for a connection): where they enter, the figure is too large by the pace, as in `half-open`.

| name | what happens | what the platform does | alarm | time to recover, s |
| --- | --- | --- | --- | --- |
"""


def page(times: Mapping[str, float]) -> str:
    """The page with these times by name."""
    happens = what_happens()
    rows = []
    for case in CASES:
        alarms = ", ".join(f"`{code}`" for code in case.alarms)
        rows.append(f"| `{case.name}` | {happens[case.name]} | {case.does} | {alarms} | {times[case.name]:.1f} |")
    return HEAD + "\n".join(rows) + "\n"


def times_on(text: str) -> dict[str, float]:
    """The times of a page, by name."""
    return {name: float(seconds) for name, seconds in ROW.findall(text)}


def what_happens() -> dict[str, str]:
    """Every incident in the gateway's words."""
    trading = TradingRoom(GatewaySettings(), cast("ContractBook", None), Ledgers((), 0))  # nothing is traded here
    known = catalogue(DataLevers(StreamsRoom(), HistoryRoom()), trading, Interference()).incidents
    return {**{name: incident.what for name, incident in known.items()}, **ELSEWHERE}


def gateway(folder: Path) -> Gateway:
    """A fresh one, as the tests have it."""
    tables = {name: session_table(name, FIRST, LAST, folder) for name in ("NYSE", "CME_EQUITY", "CFE", "VIX")}
    contracts = Contracts(tables, date(2026, 11, 20))
    return build(GatewaySettings(), contracts, SyntheticMarket(7, contracts.listings(), START), START)


async def main() -> None:
    """Play them all, one after the other, and write the page."""
    times: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES:
            home = Path(folder) / case.name
            home.mkdir()
            times[case.name], _ = await outcome(case, home, gateway(Path(folder)))
            sys.stdout.write(f"{case.name}: {times[case.name]:.1f} s\n")
    PAGE.write_text(page(times), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
