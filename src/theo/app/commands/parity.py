"""`theo parity`: does a run decide again as it did, and where were its orders filled otherwise than a backtest fills them."""

from collections import Counter
from pathlib import Path

import msgspec

from theo.adapters.sql.journal.store import SqlJournalStore
from theo.app.exit_codes import EXIT_PROBLEM
from theo.app.home.journals import find_run, run_name
from theo.app.home.layout import Home, open_home
from theo.app.recorded.run import decide_again, recorded_items, recorded_plan, recorded_steps
from theo.app.terminal.output import json_text
from theo.app.terminal.wide_table import wide_table
from theo.app.times import clock
from theo.domain.instrument import MICROS, Instrument
from theo.domain.market_data import Tick
from theo.drive.expected_fills import expected_fills
from theo.engine.codec import Step
from theo.report.parity import Attribution, Cause, Difference
from theo.report.recorded_orders import RecordedOrders
from theo.report.tape import Tape

PRICE_DIGITS_MORE = 2  # an average of fills lies between price units


class Parity(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. Money in micros; ``difference`` is the first decision that fell otherwise, "" when none did.

    ``alike`` orders were filled as a backtest fills them (or not at all, as there). ``refused`` counts, by rule, signals that a
    backtest takes. ``deals_alike`` are closed trades none of whose fills differs.
    """

    run: str
    steps: int
    facts: int
    difference: str
    orders: int
    alike: int
    differences: list[Difference]
    causes: dict[str, int]
    unexplained: int
    deals: int
    deals_alike: int
    cost: int
    charges_differ: int
    charges_reported: int
    charges_estimated: int
    refused: dict[str, int]


def run(path: Path, run_id: str, *, json: bool) -> int:
    """Exit code 1 when a decision differs, or a difference of fills has no explanation."""
    home = open_home(path)
    folder = find_run(home, run_id)
    store = SqlJournalStore(home.place(folder))
    try:
        found, instruments = parity_of(home, folder, store)
    finally:
        store.close()
    if json:
        print(json_text(found))
    else:
        _print(found, instruments)
    return EXIT_PROBLEM if found.difference or found.unexplained else 0


def parity_of(home: Home, folder: Path, store: SqlJournalStore) -> tuple[Parity, dict[int, Instrument]]:
    """The comparison, and the run's instruments by id. Raises UserError when the journal holds no run."""
    again = decide_again(home, folder, store)
    plan = recorded_plan(home, folder, store)
    recorded, tape = RecordedOrders(), Tape()

    def watch(passed: Step | Tick) -> None:
        if isinstance(passed, Tick):
            tape.add(passed)
        else:
            recorded.take(passed.at, passed.facts)

    expected = expected_fills(plan, recorded_steps(store), recorded_items(store), watch)
    instruments = {each.id: each for each in plan.instruments.values()}
    compared = Attribution(recorded.closed(), expected, tape, instruments)
    differences, charges = compared.differences(), compared.charges()
    causes = Counter(str(each.cause) for each in differences)
    differing = {each.trade for each in differences}
    found = Parity(
        run=run_name(home, folder),
        steps=again.steps,
        facts=again.facts,
        difference=again.first_difference or "",
        orders=len(recorded.orders),
        alike=len(recorded.orders) - len(differences),
        differences=differences,
        causes=dict(sorted(causes.items())),
        unexplained=causes[Cause.UNEXPLAINED],
        deals=len(recorded.deals),
        deals_alike=sum(deal.id not in differing for deal in recorded.deals),
        cost=sum(each.cost for each in differences),
        charges_differ=len(charges),
        charges_reported=sum(each.reported for each in charges),
        charges_estimated=sum(each.estimated for each in charges),
        refused=dict(sorted(recorded.refused.items())),
    )
    return found, instruments


def _print(found: Parity, instruments: dict[int, Instrument]) -> None:
    if found.difference:
        print(f"decisions: differ from the record\n{found.difference}")
    else:
        print(f"decisions: {found.steps} steps of run {found.run} decided again, all {found.facts} facts equal the record")
    print(f"fills:     {found.alike} of {found.orders} orders as in a backtest, {len(found.differences)} otherwise")
    print(f"deals:     {found.deals_alike} of {found.deals} as in a backtest; all differences cost {_usd(found.cost)}")
    if found.charges_differ:
        reported, estimated = _usd(found.charges_reported), _usd(found.charges_estimated)
        print(f"charges:   commission reports of {found.charges_differ} orders say {reported}, the schedule {estimated}")
    for rule, count in found.refused.items():
        print(f"not taken: {count} signals that a backtest takes, refused by {rule}")
    if found.differences:
        print()
        columns = ("decided", "order", "symbol", "role", "side", "broker", "backtest", "cost USD", "cause", "how it is known")
        wide_table(columns, [_row(each, instruments[each.instrument]) for each in found.differences], right={"cost USD"})
    if found.unexplained:
        print(f"\n{found.unexplained} without an explanation: keep the journal, and report it")


def _row(one: Difference, instrument: Instrument) -> list[str]:
    return [
        clock(one.expected_at or one.at),
        one.order,
        instrument.symbol,
        str(one.role),
        one.side,
        _fill(one.quantity, one.turnover, instrument),
        _fill(one.expected_quantity, one.expected_turnover, instrument),
        f"{one.cost / MICROS:,.2f}",
        str(one.cause),
        one.text,
    ]


def _fill(quantity: int, turnover: int, instrument: Instrument) -> str:
    if not quantity:
        return "none"
    digits = instrument.price_decimals + PRICE_DIGITS_MORE
    return f"{quantity} at {round(turnover / quantity / 10**instrument.price_decimals, digits)}"


def _usd(micros: int) -> str:
    return f"{micros / MICROS:,.2f} USD"
