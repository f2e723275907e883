"""`theo replay`: a recorded session through the same core; every decision is compared with the record."""

import time
from collections.abc import Iterator
from pathlib import Path

from theo.adapters.sql.journal.store import SqlJournalStore
from theo.app.home.journals import find_run
from theo.app.home.layout import open_home
from theo.app.recorded.run import decide_again, recorded_items
from theo.app.terminal.output import json_text
from theo.domain.market_data import SECOND, MarketData
from theo.drive.redecide import Compared


def run(path: Path, run_id: str, *, speed: float, json: bool) -> int:
    """Replay one run; exit code 1 when a decision differs."""
    home = open_home(path)
    folder = find_run(home, run_id)
    store = SqlJournalStore(home.place(folder))
    try:
        compared = decide_again(home, folder, store, _paced(recorded_items(store), speed))
    finally:
        store.close()
    _print(folder, compared, json=json)
    return 0 if compared.first_difference is None else 1


def _paced(items: Iterator[MarketData], speed: float) -> Iterator[MarketData]:
    """At ``speed`` times the recorded pace; 0: at once. Gaps of more than an hour are not waited for."""
    before = 0
    for item in items:
        if speed and before:
            time.sleep(min(item.at - before, 3_600 * SECOND) / SECOND / speed)
        before = item.at
        yield item


def _print(folder: Path, compared: Compared, *, json: bool) -> None:
    if json:
        result = {"run": folder.name, "steps": compared.steps, "facts": compared.facts, "difference": compared.first_difference}
        print(json_text(result))
    elif compared.first_difference is None:
        print(f"{folder.name}: {compared.steps} steps decided again, all {compared.facts} facts equal the record")
    else:
        print(f"{folder.name}: differs from the record\n{compared.first_difference}")
