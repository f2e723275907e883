"""Reading a home's projections: first brought up to the journal's end, then read."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from theo.adapters.sql.journal_store import SqlJournalStore
from theo.adapters.sql.market_store import SqlMarketStore
from theo.adapters.sql.projection import Decoders, Projection
from theo.app.home import Home
from theo.domain.instrument import Instrument
from theo.engine.codec import DATA, decode_batch, kept_facts
from theo.ports.store import JournalStore


def decoders() -> Decoders:
    """How this build reads journal records."""
    return Decoders(facts=kept_facts, market=lambda r: decode_batch(r).items if r.type == DATA else (), versions=config_versions)


def config_versions(world: str) -> Mapping[str, str]:
    """Configuration versions in a run's record of what it knew."""
    return dict(msgspec.json.decode(world, type=_World).versions)


class _World(msgspec.Struct):
    versions: dict[str, str]
    instruments: list[Instrument]


@contextmanager
def projected(home: Home, folder: Path, journal: JournalStore | None = None) -> Iterator[SqlMarketStore]:
    """The market store of a folder, with everything projected that its journal holds."""
    place = home.place(folder)
    own = SqlJournalStore(place) if journal is None else None
    market = SqlMarketStore(place)
    try:
        source = journal or own
        assert source is not None
        Projection(market, decoders()).catch_up(source)
        for run in market.rows("runs", limit=1):
            market.put_instruments(msgspec.json.decode(str(run["world"]), type=_World).instruments)
        yield market
    finally:
        market.close()
        if own is not None:
            own.close()
