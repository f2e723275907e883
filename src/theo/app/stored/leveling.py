"""Bringing stored levels up to the stored bars: piece by piece from the newest mark, each piece with its mark in one transaction.

Live and in history it is the same loop; only how many bars wait decides whether the compiled steps are loaded.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final

import msgspec

from theo.domain.errors import HaltRequiredError
from theo.domain.market_data import Bar
from theo.market.standard_levels import LevelSettings, LevelValues, NewLevel, StandardLevels
from theo.ports.level_store import LevelMark, LevelSeries, LevelStore, Piece

PIECE_BARS: Final = 4_096  # one transaction: some 4 MB in memory, some tens of milliseconds of the write lock
COMPILED_MIN: Final = 100_000  # bars of a series: below them loading the compiled steps costs more than it saves
TRIES_MAX: Final = 5  # of a piece whose bars change while it is computed
Differences = Callable[[LevelSeries, str, str], int | None]  # a series' contract before and after: what was measured, if it was
_CONTRACT: Final = attrgetter("contract")


class Brought(msgspec.Struct):
    """What became of one series: rows that are ``new``, that ``changed``, levels that became known; ``bars`` have levels now.

    ``newest`` are the levels that became known with the last piece.
    """

    series: LevelSeries
    bars: int = 0
    new: int = 0
    changed: int = 0
    announced: int = 0
    newest: tuple[NewLevel, ...] = ()


def no_differences(_series: LevelSeries, _previous: str, _contract: str) -> None:
    """Nothing was measured: at another contract levels begin anew."""
    return


class Leveling:
    """Levels of many series over one store; what stands at the end of a series is kept for its next bar."""

    def __init__(self, store: LevelStore, settings: LevelSettings, differences: Differences = no_differences) -> None:
        self._store, self._settings, self._differences = store, settings, differences
        self._parameters = settings.text
        self._kept: dict[LevelSeries, StandardLevels] = {}

    def bring_up(self, series: LevelSeries) -> Iterator[Brought]:
        """Everything that is not computed yet; after each piece what was done so far."""
        key = msgspec.structs.replace(series, bars=0)
        done = Brought(series)
        levels, tries = self._begun(key), 0
        while True:
            count = PIECE_BARS - levels.bars % PIECE_BARS
            piece = self._store.piece(key, levels.newest if levels.bars else -(2**62), count)
            if not piece.bars:
                return
            rows, new = fold(levels, piece.bars, lambda p, c: self._differences(key, p, c), compiled=series.bars >= COMPILED_MIN)
            mark = LevelMark(levels.newest, self._parameters, levels.bars, levels.state())
            written = self._store.put(key, piece, rows, new, mark)
            if written is None:
                levels, tries = self._again(key, tries), tries + 1
                continue
            self._kept[key] = levels
            done.bars = levels.bars
            done.new += written.new
            done.changed += written.changed
            done.announced += len(written.announced)
            done.newest = written.announced
            yield done
            if len(piece.bars) < count:
                return  # those were the last

    def _begun(self, key: LevelSeries) -> StandardLevels:
        """Where the newest mark stands: what is kept, if it is that."""
        mark = self._store.newest_mark(key, self._parameters)
        kept = self._kept.pop(key, None)
        if kept is not None and mark is not None and (kept.newest, kept.bars) == (mark.start, mark.bars):
            return kept
        levels = StandardLevels(self._settings)
        if mark is not None:
            levels.restore(mark.state)
        return levels

    def _again(self, key: LevelSeries, tries: int) -> StandardLevels:
        if tries + 1 >= TRIES_MAX:
            raise HaltRequiredError(
                f"bars of {key.timeframe} from {key.source} change faster than their levels are computed",
                remedy="Let the import or the run that writes them end, then run `theo levels compute`",
            )
        self._kept.pop(key, None)
        return self._begun(key)

    def recomputed(self, series: LevelSeries) -> Iterator[tuple[Piece, Sequence[LevelValues]]]:
        """The levels of all bars anew, from the origin; nothing is written."""
        levels = StandardLevels(self._settings)
        key = msgspec.structs.replace(series, bars=0)
        while True:
            piece = self._store.piece(key, levels.newest if levels.bars else -(2**62), PIECE_BARS)
            if not piece.bars:
                return
            rows, _ = fold(levels, piece.bars, lambda p, c: self._differences(key, p, c), compiled=series.bars >= COMPILED_MIN)
            yield piece, rows


def fold(
    levels: StandardLevels, bars: Sequence[Bar], differences: Callable[[str, str], int | None], *, compiled: bool
) -> tuple[list[LevelValues], list[NewLevel]]:
    """The levels of each bar, and what became known; ``levels`` then stands at the last one."""
    rows: list[LevelValues] = []
    new: list[NewLevel] = []
    for contract, of_contract in groupby(bars, _CONTRACT):
        same = list(of_contract)
        if levels.bars and contract != levels.contract:
            levels.go_on_in(contract, differences(levels.contract, contract))
        if compiled and len(same) > 1 and not levels.moved:
            from theo.research.compiled.levels import extend_levels

            more, known = extend_levels(levels, same)
            rows += more
            new += known
            continue
        for bar in same:
            rows.append(levels.update(bar))
            new += levels.new(bar)
    return rows, new
