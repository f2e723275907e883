"""What the interface reads, as the application hands it over: stores by their ports, and questions that it answers itself.

Everything here is synchronous and called on a thread (blocking.py). Nothing holds live state.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import msgspec

from theo.api.access import Access
from theo.domain.facts import Fact
from theo.domain.instrument import Instrument
from theo.ports.level_store import LevelStore
from theo.ports.market_store import MarketStore
from theo.report.told import Answer

FACT_RECORDS_MAX: Final = 200  # read at once for one client


class Platform(msgspec.Struct, frozen=True, kw_only=True):
    """What is served: the version, the run whose records are read, and where its orders go ("" before its first record)."""

    version: str
    run: str
    mode: str
    account: str


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """How the service stands. ``problems`` are what keeps it from answering rightly; none is "ok".

    ``recorded`` and ``projected`` are the newest trading record and the newest one that is in the tables; ``written_at`` is when
    the newest was written, microseconds UTC. ``halted`` and ``breaker`` say why no new risk is taken, "" when it is.
    """

    problems: tuple[str, ...] = ()
    trader_running: bool = False
    recorded: int = 0
    projected: int = 0
    written_at: int | None = None
    halted: str = ""
    breaker: str = ""
    database_ms: float = 0.0


class RecordedFact(msgspec.Struct, frozen=True, gc=False):
    """A fact with its place: the trading record, its number there from 0, and core time."""

    seq: int
    place: int
    at: int
    fact: Fact


class Strategy(msgspec.Struct, frozen=True, kw_only=True):
    """A rule set by its name. ``text`` is its TOML; ``origin`` says where it is kept."""

    name: str
    version: str
    description: str
    kind: str
    origin: str
    symbol: str
    partners: tuple[str, ...]
    timeframe: str
    session: str
    text: str


class Decisions(Protocol):
    """What was decided, explained from the records alone."""

    def at(self, symbol: str, end: int, config: str) -> Answer:
        """Every decision on a symbol at a bar's end. Raises NotThereError naming the nearest bar ends, or what is decided on."""

    def of_signal(self, signal: str) -> Answer:
        """The decision that raised a signal. Raises NotThereError for a signal that is not known."""


class Strategies(Protocol):
    """The rule sets that there are."""

    def all(self) -> Sequence[Strategy]:
        """By name."""


class Events(Protocol):
    """The trading journal, as facts."""

    def newest(self) -> int:
        """The number of the newest durable record, 0 before the first."""

    def facts(self, first: int, last: int) -> Sequence[RecordedFact]:
        """The facts of records ``first`` to ``last``, in order, decisions left out."""

    def instruments(self) -> Mapping[int, Instrument]:
        """What the run trades and reads, by id."""


class Upkeep(Protocol):
    """The tables beside the journal."""

    def platform(self) -> Platform:
        """What is served."""

    def condition(self) -> Condition:
        """How it stands now; never raises for a store that cannot be read."""

    def keep_up(self) -> None:
        """Bring the tables up to the journal's end."""


Clock = Callable[[], int]  # microseconds UTC


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is read: bars, the levels beside them, and ``records``, the tables of the run that is served."""

    access: Access
    market: MarketStore
    levels: LevelStore
    records: MarketStore
    decisions: Decisions
    strategies: Strategies
    events: Events
    upkeep: Upkeep
    now: Clock
