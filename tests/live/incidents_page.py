"""docs/reference/incidents.md: what each incident did to the whole platform, as measured by a run of all of them.

Run: python -m tests.live.incidents_page [NAME...]. The times are the run's; everything else is compared with the code by a test.
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
ROW = re.compile(r"^\| `([\w-]+)` \|.*\| ([\d.]+) \| ([\d.]*) ?\|$", re.MULTILINE)
HEAD = """# Incidents: what the platform does

What goes wrong with gateways, data and orders in the field, and what `theo live` makes of it. Each row is a test: the
[simulated gateway](gateway-incidents.md) plays the incident, and afterwards orders, executions, positions and deals must be
those of the gateway's own books, and every position must have its stop there.

*Time to recover* is in seconds of the market's time, measured by the run that wrote this page: from the end of the incident
(or from its moment, where it has no duration) until the link is up, the books agree, data flow and no hole is left in them.
*First bar* is from the same moment until something is decided on bars that are all trusted again: no bar that an interruption cut
short is traded on. Bars are of a minute here, so up to 60 s of it are the wait for the next one to end.
*Alarm* is the code of what a person is told. The runs go at 4 to 80 times the true pace, and two waits are of true time (ten
seconds for a socket's answer, ten for a connection): where they enter, the figure is too large by the pace, as in `half-open`.

| name | what happens | what the platform does | alarm | time to recover, s | first bar, s |
| --- | --- | --- | --- | --- | --- |
"""


Times = Mapping[str, tuple[float, float | None]]  # by name: until it has recovered, until the first trusted bar


def page(times: Times) -> str:
    """The page with these times by name."""
    happens = what_happens()
    rows = []
    for case in CASES:
        alarms = ", ".join(f"`{code}`" for code in case.alarms)
        took, bar = times[case.name]
        first = "" if bar is None else f"{bar:.1f} "
        rows.append(f"| `{case.name}` | {happens[case.name]} | {case.does} | {alarms} | {took:.1f} | {first}|")
    return HEAD + "\n".join(rows) + "\n"


def times_on(text: str) -> Times:
    """The times of a page, by name."""
    return {name: (float(took), float(bar) if bar else None) for name, took, bar in ROW.findall(text)}


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
    """Play those that are named, or all, one after the other, and write their times into the page."""
    named = set(sys.argv[1:]) or {case.name for case in CASES}
    times: dict[str, tuple[float, float | None]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for case in (case for case in CASES if case.name in named):
            home = Path(folder) / case.name
            home.mkdir()
            found = await outcome(case, home, gateway(Path(folder)))
            times[case.name] = found.took, found.bar
            sys.stdout.write(f"{case.name}: {found.took:.1f} s, {found.bar} s\n")
    PAGE.write_text(page({**times_on(PAGE.read_text(encoding="utf-8")), **times}), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
