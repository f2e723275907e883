"""`theo backtest`: a rule set over stored bars."""

from pathlib import Path

from theo.adapters.sql.journal.store import SqlJournalStore
from theo.app.commands.deals import summarise
from theo.app.home.journals import gathered
from theo.app.home.layout import open_home
from theo.app.home.removal import remove_run
from theo.app.runs.planning import look_ahead, plan_backtest, run_folder
from theo.app.runs.rolling import rollings
from theo.app.terminal.output import json_text
from theo.domain.instrument import MICROS
from theo.domain.journal import TRADING
from theo.domain.keys import Mode
from theo.drive.backtest import Backtested, backtest, merged
from theo.engine.account import equity
from theo.engine.journal import MARKET


def run(path: Path, name: str, *, timerange: str, cash: float, source: str, keep: bool, json: bool) -> int:
    """Run it; the journal is kept in its own folder unless ``keep`` is False."""
    from theo.app.configuration.file import configured  # pydantic costs as much to load as everything else here

    home = open_home(path)
    plan, stored, market = plan_backtest(home, name, timerange=timerange, cash=cash, source=source, mode=Mode.BACKTEST)
    try:
        items = merged([s.bars() for s in stored], rollings(home, configured(home.configuration).rolls, stored))
        if not keep:
            done = backtest(plan, items, lambda _records: None, ahead=look_ahead(stored))
            _print(done, cash, json=json)
            return 0
        folder = run_folder(home, plan)
        if folder.exists():
            remove_run(home, folder)
        store = SqlJournalStore(home.place(folder))
        try:
            epoch = store.claim(TRADING, MARKET)
            with gathered(store.append) as append:
                done = backtest(plan, items, append, epoch, ahead=look_ahead(stored))
            summarise(home, store, folder, finished=True, json=json)
        finally:
            store.close()
    finally:
        market.close()
    return 0


def _print(done: Backtested, cash: float, *, json: bool) -> None:
    worth = equity(done.core.state, done.core.world) / MICROS
    result = {"bars": done.bars, "equity": worth, "net": round(worth - cash, 2)}
    print(json_text(result) if json else f"{done.bars} bars; equity {worth:,.2f} USD, net {worth - cash:+,.2f}")
