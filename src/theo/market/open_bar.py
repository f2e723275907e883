"""A bar while it is being built: from ticks (OpenBar), or from shorter pieces (LongBar).

Which bar a tick belongs to, and when it closes, is decided in bars.py and longer_bars.py.
"""

import msgspec

from theo.domain.market_data import Bar, Tick, TickFlag, Timeframe

Key = tuple[int, int, str]  # (timestamp, seq, source): what orders ticks and tells a repeat from a second trade

NO_HIGH = -(1 << 62)  # below every price
NO_LOW = 1 << 62  # above every price

_NOT_LAST, _NOT_HIGH_LOW, _NOT_VOLUME = int(TickFlag.NOT_LAST), int(TickFlag.NOT_HIGH_LOW), int(TickFlag.NOT_VOLUME)


class Piece(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What a closed interval gives to the longer bars above it.

    ``open`` and ``close`` are None when none of its trades updates last: it has no bar, but its volume and extremes count above.
    """

    start: int
    end: int
    session_date: int
    open: int | None
    high: int
    low: int
    close: int | None
    volume: int


class BarLabel(msgspec.Struct, frozen=True):
    """What all bars of a series have in common."""

    instrument: int
    timeframe: Timeframe
    source: str

    def bar(self, piece: Piece, at: int, contract: str, revision: int) -> Bar | None:
        """The bar of a piece, known at ``at``; None for one without a price.

        Open and close lie within high and low, whatever sale conditions they carried.
        """
        opened, closed = piece.open, piece.close
        if opened is None or closed is None:
            return None
        return Bar(
            self.instrument,
            max(at, piece.end),
            self.timeframe.name,
            piece.start,
            piece.end,
            opened,
            max(piece.high, opened, closed),
            min(piece.low, opened, closed),
            closed,
            piece.volume,
            self.source,
            0 if self.timeframe.length else piece.session_date,
            revision,
            contract,
        )


def key_of(tick: Tick) -> Key:
    """What orders a tick among others."""
    return tick.timestamp, tick.seq, tick.source


class OpenBar:
    """The shortest bar of a tree. Independent of the order in which its ticks come, and of repeats.

    ``first`` and ``last`` are the ticks that set open and close, ``newest`` is the latest of all. A tick later than ``newest_at``
    and earlier than ``until`` certainly belongs here and was not here before; ``since`` and ``until`` are the bar, cut to the
    open hours around the tick that came last.
    """

    __slots__ = (
        "_known",
        "contract",
        "end",
        "first",
        "high",
        "last",
        "low",
        "newest",
        "newest_at",
        "revision",
        "session_date",
        "since",
        "start",
        "ticks",
        "until",
        "volume",
    )

    def __init__(self, start: int, end: int, session_date: int, contract: str) -> None:
        self.start, self.end, self.session_date, self.contract = start, end, session_date, contract
        self.since = self.until = start
        self.newest_at = NO_HIGH
        self.volume = self.revision = 0
        self.high, self.low = NO_HIGH, NO_LOW
        self.first: Tick | None = None
        self.last: Tick | None = None
        self.newest: Tick | None = None
        self.ticks: list[Tick] = []  # those whose keys are not in _known yet
        self._known: set[Key] = set()

    def add(self, tick: Tick) -> bool:
        """Take a usable tick of this bar; False for a repeat."""
        timestamp, newest = tick.timestamp, self.newest
        in_order = newest is None or timestamp > self.newest_at or key_of(tick) > key_of(newest)
        if in_order:
            self.newest, self.newest_at = tick, timestamp
        elif self._repeats(key_of(tick)):
            return False
        self.ticks.append(tick)
        flags, price = tick.flags, tick.price
        if not flags & _NOT_VOLUME:
            self.volume += tick.volume
        if not flags & _NOT_HIGH_LOW:
            if price > self.high:  # noqa: PLR1730 - max() costs a call for each tick
                self.high = price
            if price < self.low:  # noqa: PLR1730 - as above
                self.low = price
        if not flags & _NOT_LAST:
            if self.first is None or (not in_order and key_of(tick) < key_of(self.first)):
                self.first = tick
            if self.last is None or in_order or key_of(tick) > key_of(self.last):
                self.last = tick
        return True

    def _repeats(self, key: Key) -> bool:
        """Whether a tick came before. Keys are gathered only when order was broken, each once: O(1) a tick."""
        self._known.update(map(key_of, self.ticks))
        self.ticks.clear()
        return key in self._known

    def __len__(self) -> int:
        return len(self.ticks) + len(self._known)

    def piece(self) -> Piece:
        """What it holds now."""
        return Piece(
            self.start,
            self.end,
            self.session_date,
            None if self.first is None else self.first.price,
            self.high,
            self.low,
            None if self.last is None else self.last.price,
            self.volume,
        )

    def state(self) -> list[object]:
        """Plain values that ``restored`` takes back."""
        by_source: dict[str, list[int]] = {}
        for timestamp, seq, source in sorted(self._known.union(map(key_of, self.ticks))):
            by_source.setdefault(source, []).extend((timestamp, seq))
        bounds = [self.start, self.end, self.session_date, self.since, self.until, self.revision]
        marks = [msgspec.to_builtins(tick) for tick in (self.first, self.last, self.newest)]
        return [bounds, self.contract, [self.high, self.low, self.volume], marks, by_source]

    @classmethod
    def restored(cls, state: list[object]) -> "OpenBar":
        """The bar that ``state`` was taken of."""
        kept = msgspec.convert(state, _OpenBarState)
        bar = cls(kept.bounds[0], kept.bounds[1], kept.bounds[2], kept.contract)
        bar.since, bar.until, bar.revision = kept.bounds[3:]
        bar.high, bar.low, bar.volume = kept.sums
        bar.first, bar.last, bar.newest = kept.marks
        bar.newest_at = NO_HIGH if bar.newest is None else bar.newest.timestamp
        for source, pairs in kept.keys.items():
            bar._known.update((pairs[i], pairs[i + 1], source) for i in range(0, len(pairs), 2))
        return bar


class _OpenBarState(msgspec.Struct, array_like=True):
    bounds: tuple[int, int, int, int, int, int]
    contract: str
    sums: tuple[int, int, int]
    marks: tuple[Tick | None, Tick | None, Tick | None]
    keys: dict[str, list[int]]


class LongBar:
    """A bar made of shorter pieces, keyed by their start: a piece that comes again (revised) takes the old one's place."""

    __slots__ = ("contract", "end", "pieces", "revision", "session_date", "start")

    def __init__(self, start: int, end: int, session_date: int, contract: str) -> None:
        self.start, self.end, self.session_date, self.contract = start, end, session_date, contract
        self.pieces: dict[int, Piece] = {}
        self.revision = 0

    def piece(self) -> Piece:
        """What it holds now."""
        opened: int | None = None
        closed: int | None = None
        high, low, volume = NO_HIGH, NO_LOW, 0
        for start in sorted(self.pieces):
            piece = self.pieces[start]
            if piece.open is not None:
                opened = piece.open if opened is None else opened
                closed = piece.close
            high, low = max(high, piece.high), min(low, piece.low)
            volume += piece.volume
        return Piece(self.start, self.end, self.session_date, opened, high, low, closed, volume)

    def state(self) -> list[object]:
        """Plain values that ``restored`` takes back."""
        pieces = [list(msgspec.structs.astuple(piece)) for piece in self.pieces.values()]
        return [self.start, self.end, self.session_date, self.contract, self.revision, pieces]

    @classmethod
    def restored(cls, state: list[object]) -> "LongBar":
        """The bar that ``state`` was taken of."""
        kept = msgspec.convert(state, _LongBarState)
        bar = cls(kept.start, kept.end, kept.session_date, kept.contract)
        bar.revision, bar.pieces = kept.revision, {piece.start: piece for piece in kept.pieces}
        return bar


class _LongBarState(msgspec.Struct, array_like=True):
    start: int
    end: int
    session_date: int
    contract: str
    revision: int
    pieces: list[Piece]
