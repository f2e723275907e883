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
from tests.live.incident_cases import CASES, outcome
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

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "incidents.md"
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


TAIL = """
## Held elsewhere

These need no gateway that goes wrong; the test that holds each is named.

| name | where | what the platform does | held by |
| --- | --- | --- | --- |
"""
# name -> what the platform does, tests as file::function
HELD_BY = {
    "breaker-reset-by-crash": (
        "it stays tripped: the breaker is a fact of the journal",
        ("tests/unit/drive/test_high_water.py::test_a_breaker_that_has_tripped_stays_so_after_a_crash",),
    ),
    "kill-switch-throws": (
        "the halt is a file, written first; it needs no database, no core and no broker",
        ("tests/unit/app/inbox/test_stop_and_resume.py::test_the_latch_is_written_when_the_databases_are_broken",),
    ),
    "database-away": (
        "no order without a durable intent; halts and pages; the stops rest at the broker",
        (
            "tests/sim/test_live_world.py::test_the_invariants_hold",
            "tests/unit/adapters/sql/test_crashes.py::test_a_full_database_stores_nothing_and_says_so",
            "tests/unit/adapters/sql/test_crashes.py::test_a_disk_that_fails_in_the_commit_leaves_the_outcome_unknown",
        ),
    ),
    "two-traders": (
        "the second one is refused by the lease of the first, and told its process id",
        (
            "tests/unit/adapters/sql/test_crashes.py::test_a_living_writer_keeps_a_second_process_out",
            "tests/contracts/test_journal_store.py::test_a_second_writer_is_refused_until_the_first_is_gone",
        ),
    ),
    "clock-jump": (
        "goes on in the time in which it began, and tells (`clock_step`); begins by no clock that is a minute off IB's",
        (
            "tests/sim/test_clock_jump.py::test_what_is_decided_does_not_depend_on_steps_of_the_clock",
            "tests/sim/test_clock_jump.py::test_a_process_that_begins_by_a_wrong_clock_is_refused_until_it_is_right",
            "tests/unit/adapters/test_calendars.py::test_daylight_saving_moves_the_instants_not_the_wall_clock",
            "tests/unit/strategy/test_trading_window.py::test_intraday_trades_are_flat_before_the_end_and_the_actual_close",
            "tests/ib/test_link_incidents.py::test_a_clock_that_differs_is_told_once",
        ),
    ),
    "roll-gap": (
        "the series moves by the difference of the two contracts: their gap is no signal",
        ("tests/unit/drive/test_roll.py::test_the_gap_between_two_contracts_is_no_signal",),
    ),
    "paper-sends-live": (
        "refused where the configuration is read, and again when the login names its account; nothing is sent",
        (
            "tests/unit/app/configuration/test_configuration.py::test_what_cannot_be_meant_is_refused_with_its_place",
            "tests/ib/test_link_incidents.py::test_a_login_of_real_money_ends_a_paper_run_before_anything_is_sent",
        ),
    ),
}


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
    return HEAD + "\n".join(rows) + "\n" + TAIL + "\n".join(held_elsewhere(happens)) + "\n"


def held_elsewhere(happens: Mapping[str, str]) -> list[str]:
    """A row for each incident that no gateway can cause."""
    tests = {name: "<br>".join(f"`{test}`" for test in held) for name, (_, held) in HELD_BY.items()}
    return [f"| `{name}` | {happens[name]} | {does} | {tests[name]} |" for name, (does, _) in HELD_BY.items()]


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
