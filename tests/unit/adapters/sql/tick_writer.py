"""A process that ingests ticks and says after each round how many are durable, until it is killed.

Arguments: the folder, the database's address or "", the number of the first tick.
"""

import sys
from pathlib import Path

from sqlalchemy.engine import make_url

from theo.adapters.sql.database.place import Place
from theo.adapters.sql.market.ingest import TickIngest
from theo.adapters.sql.market.spill import Spill, SpillBounds
from theo.adapters.sql.market.store import SqlMarketStore
from theo.domain.market_data import Tick

AT_ONCE = 500


def tick(number: int) -> Tick:
    """The tick of that number: three an instant."""
    return Tick(7, number // 3, number // 3, number % 3, 0, 100 + number % 7, 1, 0, 0, "ib")


def main() -> None:
    folder, address, first = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    place = Place(folder, make_url(address) if address else None, "home")
    store = SqlMarketStore(place, durable=True)
    spill = Spill(folder / "spill", lambda *_: None, SpillBounds(free_min=0))
    taking = TickIngest(store, spill, lambda *_: None)
    offered = first
    while True:
        taking.offer([tick(number) for number in range(offered, offered + AT_ONCE)])
        offered += AT_ONCE
        taking.work()
        print(first + taking.kept, flush=True)  # noqa: T201 - this is how the test hears what was acknowledged


if __name__ == "__main__":
    main()
