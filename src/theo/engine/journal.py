"""Writing the journal: steps and market data gathered into records, chained, appended in groups.

Pure: where records go is a callable. A group is committed when a step carries an effect, when the driver is idle, or when it
is full; effects may be released only after that.
"""

from collections.abc import Callable, Sequence
from itertools import repeat

from theo.domain.facts import FACTS_VERSION, Fact
from theo.domain.inputs import Input
from theo.domain.journal import GENESIS, TRADING, Record, chain_hash
from theo.domain.market_data import MarketData
from theo.engine.codec import DATA, DATA_VERSION, STEPS, Batch, Step, encode_batch, encode_steps

MARKET = "ticks:market"  # the stream of market data in the order in which one process took it
GROUP_ITEMS_MAX = 4096  # market data items or steps in one group: bounds what a crash may leave unwritten
Append = Callable[[Sequence[Record]], None]


class Head:
    """The end of one stream's chain."""

    __slots__ = ("hash", "seq", "stream")

    def __init__(self, stream: str, seq: int = 0, last: bytes = GENESIS) -> None:
        self.stream, self.seq, self.hash = stream, seq, last

    def next(self, epoch: int, recorded_at: int, kind: str, version: int, payload: bytes) -> Record:
        """The next record of the chain."""
        self.seq += 1
        digest = chain_hash(self.stream, self.seq, epoch, recorded_at, kind, version, payload, self.hash)
        record = Record(self.stream, self.seq, epoch, recorded_at, kind, version, payload, self.hash, digest)
        self.hash = digest
        return record


class Journal:
    """Gathers what happened until ``commit``.

    ``items`` and ``steps`` are what is gathered. Drivers of the hot path append market data to ``items`` themselves, which is
    all that ``take`` does: the two lists are the same for the journal's life.
    """

    __slots__ = ("_append", "_before", "_data", "_group", "_trading", "epoch", "items", "steps", "written")

    def __init__(
        self, append: Append, epoch: int, trading: Head | None = None, data: Head | None = None, consumed: int = 0
    ) -> None:
        self._append, self.epoch = append, epoch
        self._before = consumed  # items of earlier groups
        self._trading = trading or Head(TRADING)
        self._data = data or Head(MARKET)
        self.items: list[MarketData] = []
        self.steps: list[Step] = []
        self._group: list[Record] = []  # numbered and hashed, not yet known to be stored
        self.written = consumed

    @property
    def seq(self) -> int:
        """The number of the newest trading record."""
        return self._trading.seq

    @property
    def consumed(self) -> int:
        """How many market data items were taken since the journal began."""
        return self._before + len(self.items)

    def take(self, item: MarketData) -> None:
        """A market data item was an input."""
        self.items.append(item)

    def step(self, at: int, item: Input | None, facts: list[Fact]) -> None:
        """A step that left facts; ``item`` is None when the input was the market data item just taken."""
        self.steps.append(Step(at, self._before + len(self.items), item, facts))

    def step_rows(self, bars: Sequence[MarketData], ats: Sequence[int], facts: Sequence[Fact]) -> None:
        """Rows of bars were taken, each of as many bars, and the last of each row was an input that left one fact."""
        width = len(bars) // len(ats)
        first = self.consumed + width
        self.items.extend(bars)
        each = [[fact] for fact in facts]
        self.steps.extend(map(Step, ats, range(first, first + len(bars), width), repeat(None), each))

    @property
    def data_seq(self) -> int:
        """The number of the newest market data record."""
        return self._data.seq

    @property
    def full(self) -> bool:
        """Whether the group must be committed."""
        return len(self.items) >= GROUP_ITEMS_MAX or len(self.steps) >= GROUP_ITEMS_MAX

    def commit(self, at: int) -> None:
        """Append the group in one transaction. Raises what the store raises; the group is then still held."""
        if self.items:
            batch = encode_batch(Batch(self._before + 1, self.items))
            self._group.append(self._data.next(self.epoch, at, DATA, DATA_VERSION, batch))
            self._before += len(self.items)
            self.items.clear()
        if self.steps:
            payload = encode_steps(self.steps)
            self._group.append(self._trading.next(self.epoch, at, STEPS, FACTS_VERSION, payload))
            self.steps.clear()
        if self._group:
            self._append(self._group)
            self._group = []
        self.written = self.consumed

    def held_streams(self) -> dict[str, int]:
        """Of the group that is not known to be stored: the newest number per stream."""
        return {record.stream: record.seq for record in self._group}

    def confirm(self) -> None:
        """The held group is stored after all (its commit's outcome was unknown)."""
        self._group = []
        self.written = self.consumed
