"""Reading a home's projections: first brought up to the journal's end, then read."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path

import msgspec

from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.sql.projection.entity_rows import Listing, WorldReading
from theo.adapters.sql.projection.projecting import Decoders, Projection, no_market
from theo.adapters.sql.projection.pruning import pruned_before
from theo.adapters.sql.tables.projected import CASH, EXCHANGES, MARGIN
from theo.app.home.decided import recorded_decisions
from theo.app.home.layout import Home
from theo.domain.facts import RunStarted
from theo.domain.instrument import Instrument
from theo.domain.journal import TRADING, Record
from theo.domain.keys import Mode
from theo.domain.market_data import MarketData
from theo.engine.codec import DATA, decode_batch, decode_facts, kept_steps
from theo.ports.market_store import Cell
from theo.ports.store import JournalStore
from theo.risk.limits import FUTURES, STOCKS, UNLIMITED, Limits


def decoders(journal: JournalStore) -> Decoders:
    """How this build reads a journal's records. The bars of a backtest came from a store, and are not stored once more."""
    market = no_market if _is_backtest(journal) else _market_data
    worlds = WorldReading(timeframes=config_timeframes, scan_ids=scan_ids, listings=listings)
    return Decoders(steps=kept_steps, market=market, versions=config_versions, worlds=worlds)


def _market_data(record: Record) -> Sequence[MarketData]:
    return decode_batch(record).items if record.type == DATA else ()


def _is_backtest(journal: JournalStore) -> bool:
    """By its first record: a backtest has a journal of its own."""
    facts = (fact for record in journal.read(TRADING, 1, 1) for fact in decode_facts(record))
    return any(isinstance(fact, RunStarted) and fact.key.mode is Mode.BACKTEST for fact in facts)


def config_versions(world: str) -> Mapping[str, str]:
    """Configuration versions in a run's record of what it knew."""
    return dict(msgspec.json.decode(world, type=_World).versions)


def pruned_of(home: Home, folder: Path, market: SqlMarketStore) -> Callable[[int], Iterable[Mapping[str, Cell]]]:
    """Decisions at a bar end that have left their table, read from the journal."""

    def at(end: int) -> Iterable[Mapping[str, Cell]]:
        if end >= pruned_before(market):
            return ()
        with closing(SqlJournalStore(home.place(folder))) as journal:
            return list(recorded_decisions(journal, market, end))

    return at


@lru_cache(maxsize=1)  # asked for each signal of a run
def config_timeframes(world: str) -> Mapping[str, str]:
    """The timeframes of the configurations' decisions in a run's record of what it knew."""
    if not world:
        return {}
    rulesets = msgspec.json.decode(world, type=_World).rulesets
    return {name: msgspec.json.decode(text, type=_RuleSet).naming.timeframe for name, text in rulesets.items()}


@lru_cache(maxsize=1)
def scan_ids(world: str) -> Mapping[str, int]:
    """Ids of the stored scans among the configurations in a run's record of what it knew."""
    return msgspec.json.decode(world, type=_World).scan_ids if world else {}


@lru_cache(maxsize=1)
def listings(world: str) -> Mapping[int, Listing]:
    """How the instruments in a run's record of what it knew are listed, and traded: on margin, or for cash."""
    if not world:
        return {}
    knew = msgspec.json.decode(world, type=_World)
    return {
        i.id: Listing(i.exchange if i.exchange in EXCHANGES else None, _product_type(i, knew.limits), i.contract_size)
        for i in knew.instruments
    }


def _product_type(instrument: Instrument, limits: Limits) -> str:
    """Futures stand on margin, an option is paid for whole, stocks as far as the limits let their worth exceed the equity."""
    if instrument.security_type in FUTURES:
        return MARGIN
    borrows = limits.stock_leverage_max == UNLIMITED or float(limits.stock_leverage_max) > 1
    return MARGIN if instrument.security_type in STOCKS and borrows else CASH


class _Naming(msgspec.Struct):
    timeframe: str


class _RuleSet(msgspec.Struct):
    naming: _Naming


class _World(msgspec.Struct):
    versions: dict[str, str]
    instruments: list[Instrument]
    rulesets: dict[str, str] = {}
    scan_ids: dict[str, int] = {}
    limits: Limits = Limits()


@contextmanager
def projected(home: Home, folder: Path, journal: JournalStore | None = None) -> Iterator[SqlMarketStore]:
    """The market store of a folder, with everything projected that its journal holds."""
    place = home.place(folder)
    own = SqlJournalStore(place) if journal is None else None
    market = SqlMarketStore(place)
    try:
        source = journal or own
        assert source is not None
        Projection(market, decoders(source)).catch_up(source)
        for run in market.rows("runs"):  # every start may have brought others
            market.put_instruments(msgspec.json.decode(str(run["world"]), type=_World).instruments)
        yield market
    finally:
        market.close()
        if own is not None:
            own.close()
