"""`theo deals`: the deals report; and the summary with figures and a picture of equity that ends a run."""

import sys
from pathlib import Path

from theo.adapters.sql.journal.store import SqlJournalStore
from theo.app.home.journals import HOW_TO_BEGIN, journal_folders, run_name, usual_folder
from theo.app.home.layout import Home, open_home
from theo.app.home.projecting import projected
from theo.app.recorded.report import RunReport, run_report
from theo.app.terminal.output import print_rows
from theo.app.terminal.wide_table import wide_table
from theo.app.times import clock
from theo.domain.instrument import MICROS
from theo.ports.store import JournalStore
from theo.report.deals import COMPLETED, Deal
from theo.report.performance import Performance
from theo.report.picture import terminal

COLUMNS = (
    "strategy",
    "signal",
    "symbol",
    "quantity",
    "entry",
    "entered",
    "exit",
    "closed",
    "P&L",
    "charges",
    "net",
    "net %",
    "status",
    "how",
)
RIGHT = {"quantity", "entry", "exit", "P&L", "charges", "net", "net %"}
PRICE_DIGITS_MORE = 2  # an average of fills lies between price units

Value = str | int | float | None


def run(path: Path, *, run_id: str, config: str, csv: bool, json: bool) -> int:
    """Print the deals of a run: the named one, else the home's own, else the newest."""
    home = open_home(path)
    if not run_id and not journal_folders(home):
        print("[]" if json else f"no run is recorded yet: {HOW_TO_BEGIN}", file=sys.stderr if csv else sys.stdout)
        return 0
    folder = usual_folder(home, run_id)
    store = SqlJournalStore(home.place(folder))
    try:
        report = run_report(store)
    finally:
        store.close()
    if not csv and not json:
        print(f"run {run_name(home, folder)} ({folder})\n")
    rows = [] if report is None else deal_rows(report, config)
    _print(rows, csv=csv, json=json)
    if report is not None and not csv and not json and not config:
        print("\n" + "\n".join(figures(report.performance)))
    return 0


def summarise(home: Home, store: JournalStore, folder: Path, *, finished: bool, json: bool) -> None:
    """The end of a run: its tables brought up to date, deals, figures, equity as a picture."""
    with projected(home, folder, store):
        report = run_report(store)
    if report is None:
        return
    _print(deal_rows(report), csv=False, json=json)
    if json:
        return
    print("\n" + "\n".join(figures(report.performance)))
    print("\nequity, USD\n" + terminal(report.curve))
    if not finished:
        print("\nstopped; run it again to go on")


def deal_rows(report: RunReport, config: str = "") -> list[dict[str, Value]]:
    """One row a deal, prices in the instrument's own unit, money in the account's currency."""
    return [_row(report, deal) for deal in report.deals if config in {"", deal.key.config}]


def _row(report: RunReport, deal: Deal) -> dict[str, Value]:
    instrument = report.instruments[deal.instrument]
    digits = instrument.price_decimals + PRICE_DIGITS_MORE
    entry, leave = (
        None if average is None else round(average / 10**instrument.price_decimals, digits)
        for average in (deal.entry_average, deal.exit_average)
    )
    values: tuple[Value, ...] = (
        deal.key.config,
        deal.signal_type,
        deal.symbol,
        deal.entry_quantity,
        entry,
        clock(deal.entered_at),
        leave,
        clock(deal.exited_at) if deal.exited_at else None,
        deal.gross / MICROS,
        deal.charges / MICROS,
        deal.net / MICROS,
        round(deal.net_percent, 3),
        deal.status,
        deal.how_closed,
    )
    return dict(zip(COLUMNS, values, strict=True))


def figures(of: Performance) -> list[str]:
    """Performance in a few aligned lines; "-" for what too few deals or days do not give."""
    deals, fall = of.overall, of.drawdown
    net = (of.equity_end - of.equity_start) / MICROS
    lines = (
        ("equity", f"{of.equity_start / MICROS:,.2f} to {of.equity_end / MICROS:,.2f} USD, {net:+,.2f}"),
        (
            "closed trades",
            f"{deals.deals}, {deals.won} won, {deals.lost} lost, net {deals.net / MICROS:+,.2f} USD",
        ),
        ("charges", f"{deals.charges / MICROS:,.2f} USD"),
        ("win rate", _percent(deals.win_rate)),
        ("profit factor", _ratio(deals.profit_factor)),
        ("expectancy", f"{_cash(deals.expectancy)} a trade, {_ratio(deals.expectancy_r)} R"),
        ("drawdown", f"{fall.percent:.2f} %, {fall.cash / MICROS:,.2f} USD"),
        ("sharpe, sortino", f"{_ratio(of.ratios.sharpe)}, {_ratio(of.ratios.sortino)} (a year, of daily returns)"),
        ("time in market", _percent(of.time_in_market)),
    )
    width = max(len(name) for name, _ in lines)
    return [f"{name:<{width}}  {text}" for name, text in lines]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _cash(micros: float | None) -> str:
    return "-" if micros is None else f"{micros / MICROS:+,.2f} USD"


def _print(rows: list[dict[str, Value]], *, csv: bool, json: bool) -> None:
    if json or csv:
        print_rows(COLUMNS, rows, csv=not json)
    elif rows:
        shown = [name for name in COLUMNS if name != "status" or any(row["status"] != COMPLETED for row in rows)]
        wide_table(shown, [[_text(row[name]) for name in shown] for row in rows], right=RIGHT)
    else:
        print("no deal")


def _text(value: Value) -> str:
    return "" if value is None else f"{value:,.2f}" if isinstance(value, float) else str(value)
