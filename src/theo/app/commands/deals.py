"""`theo deals`: the deals report, and the summary with an equity picture that ends a run."""

import csv as csv_module
import json as json_module
import sys
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from theo.adapters.sql.market_store import SqlMarketStore
from theo.app.home import open_home
from theo.app.projecting import projected
from theo.app.times import clock
from theo.domain.instrument import MICROS
from theo.ports.market_store import Cell
from theo.ports.store import JournalStore

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
    "how",
)


def run(path: Path, *, run_id: str, config: str, csv: bool, json: bool) -> int:
    """Print the deals of the home (and of its demo)."""
    home = open_home(path)
    for folder in (home.store, home.demo):
        if (folder / "journal.db").exists():
            with projected(folder) as market:
                wanted = {"config": config} if config else {}
                deals = list(market.rows("deals", run=run_id, limit=1_000_000, **wanted))
                _print(market, deals, csv=csv, json=json)
                return 0
    Console().print("no run yet: `theo demo` or `theo backtest RULESET` makes one")
    return 0


def summarise(store: JournalStore, folder: Path, *, finished: bool, json: bool) -> None:
    """The end of a run: deals, sums, equity as a picture."""
    with projected(folder, store) as market:
        deals = list(market.rows("deals", limit=1_000_000))
        if json:
            _print(market, deals, csv=False, json=True)
            return
        _print(market, deals, csv=False, json=False)
        net = [int(d["net"] or 0) for d in deals]
        won = sum(1 for n in net if n > 0)
        console = Console()
        console.print(
            f"\n{len(deals)} closed trades, {won} won; net {sum(net) / MICROS:+,.2f} USD"
            f"{'' if finished else ' (stopped; run it again to go on)'}"
        )


def _print(market: SqlMarketStore, deals: list[Mapping[str, Cell]], *, csv: bool, json: bool) -> None:
    instruments = {i.id: i for i in market.instruments()}
    rows = []
    for d in deals:
        quantity = int(d["quantity"] or 0)
        i = instruments[int(d["instrument"] or 0)]
        entry, leave = (int(d[k] or 0) / quantity / 10**i.price_decimals for k in ("entry_sum", "exit_sum"))
        gross, charges, net = (int(d[k] or 0) / MICROS for k in ("gross", "charges", "net"))
        worth = entry * quantity * i.multiplier
        rows.append(
            (
                d["config"],
                "Long" if d["side"] == "BUY" else "Short",
                i.symbol,
                quantity,
                round(entry, 4),
                clock(int(d["entered_at"] or 0)),
                round(leave, 4),
                clock(int(d["closed_at"] or 0)),
                gross,
                charges,
                net,
                round(100 * net / worth, 3),
                d["how"],
            )
        )
    if json:
        print(json_module.dumps([dict(zip(COLUMNS, row, strict=True)) for row in rows]))
    elif csv:
        writer = csv_module.writer(sys.stdout)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    else:
        table = Table(box=None)
        for name in COLUMNS:
            table.add_column(name, justify="left" if name in {"strategy", "signal", "symbol", "how"} else "right")
        for row in rows:
            table.add_row(*(f"{v:,.2f}" if isinstance(v, float) else str(v) for v in row))
        Console(width=150).print(table)
