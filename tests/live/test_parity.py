"""Over a real socket and wall-clock time: a live run decides the same again, and no fill that differs is unexplained."""

from tests.live.platform import Platform
from tests.live.test_live_run import closed
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.app.commands.parity import parity_of


async def test_a_live_run_beside_its_backtest(platform: Platform) -> None:
    await platform.begin()
    await platform.until(lambda state: closed(state) >= 2)
    await platform.end()
    store = SqlJournalStore(platform.folder)
    try:
        found, _ = parity_of(platform.home, platform.folder, store)
    finally:
        store.close()
    assert found.difference == ""
    assert found.deals >= 2
    assert found.unexplained == 0, found.differences
    assert found.alike + len(found.differences) == found.orders
