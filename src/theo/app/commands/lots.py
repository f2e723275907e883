"""`theo lots`: closing fills matched to the lots that they close, by account, and what each match realised."""

import sys
from collections.abc import Mapping
from pathlib import Path

from theo.adapters.sql.journal.store import SqlJournalStore
from theo.app.configuration.file import configured
from theo.app.home.journals import HOW_TO_BEGIN, journal_folders, run_name, usual_folder
from theo.app.home.layout import Home, open_home
from theo.app.recorded.report import run_facts
from theo.app.terminal.output import print_rows
from theo.app.terminal.wide_table import wide_table
from theo.app.times import clock
from theo.domain.instrument import MICROS, Instrument
from theo.report.account_fills import Shares, account_fills
from theo.report.lots import Lots, Match

COLUMNS = ("account", "symbol", "side", "quantity", "entry", "entered", "exit", "closed", "P&L", "charges", "net")
RIGHT = {"quantity", "entry", "exit", "P&L", "charges", "net"}

Value = str | int | float


def run(path: Path, *, run_id: str, csv: bool, json: bool) -> int:
    """Print the matches of a run: the named one, else the home's own, else the newest. Its methods are the configuration's."""
    home = open_home(path)
    if not run_id and not journal_folders(home):
        print("[]" if json else f"no run is recorded yet: {HOW_TO_BEGIN}", file=sys.stderr if csv else sys.stdout)
        return 0
    folder = usual_folder(home, run_id)
    rows = _rows(home, folder)
    if json or csv:
        print_rows(COLUMNS, rows, csv=not json)
    else:
        print(f"run {run_name(home, folder)} ({folder})\n")
        wide_table(COLUMNS, [[_text(row[name]) for name in COLUMNS] for row in rows], right=RIGHT)
    return 0


def _rows(home: Home, folder: Path) -> list[dict[str, Value]]:
    report = configured(home.configuration).report
    store = SqlJournalStore(home.place(folder))
    try:
        key, instruments, facts = run_facts(store)
    finally:
        store.close()
    lots = Lots(report.lot_method, instruments)
    for execution in account_fills(facts, Shares(report.accounts or {key.account: 1}, report.account_method)):
        lots.take(execution)
    return [_row(match, instruments) for match in lots.matches]


def _row(match: Match, instruments: Mapping[int, Instrument]) -> dict[str, Value]:
    instrument = instruments[match.instrument]
    values: tuple[Value, ...] = (
        match.account,
        instrument.symbol,
        "Long" if match.quantity > 0 else "Short",
        abs(match.quantity),
        float(instrument.decimal(match.entry)),
        clock(match.opened_at),
        float(instrument.decimal(match.exit)),
        clock(match.closed_at),
        match.gross / MICROS,
        match.charges / MICROS,
        match.net / MICROS,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _text(value: Value) -> str:
    return f"{value:,.2f}" if isinstance(value, float) else str(value)
