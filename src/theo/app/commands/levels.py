"""`theo levels compute|verify|show|new`: the standard levels of stored bars."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.market.level_store import SqlLevelStore
from theo.adapters.sql.market.store import SqlMarketStore
from theo.app.configuration.file import configured
from theo.app.exit_codes import EXIT_INTERRUPTED, EXIT_PROBLEM
from theo.app.home.journals import usual_folder
from theo.app.home.layout import Home, open_home
from theo.app.home.projecting import projected
from theo.app.recorded.run import recorded_items, recorded_plan
from theo.app.stored.bars import parse_timerange
from theo.app.stored.built_bars import BuiltBars
from theo.app.stored.leveling import Differences, Leveling
from theo.app.stored.levels import measured
from theo.app.terminal.output import json_text
from theo.app.terminal.progress import counted_bar
from theo.app.terminal.wide_table import wide_table
from theo.app.times import clock, iso
from theo.domain.errors import UserError
from theo.domain.instrument import Instrument
from theo.domain.market_data import ContractRolled
from theo.market.standard_levels import FLAGS, LEVEL_NAMES, SIDE, TIMEFRAMES, LevelSettings, LevelValues
from theo.ports.level_store import Announced, Levels, LevelSeries

EVER: Final = 2**62
Advance = Callable[[int], None]
DIFFERENCES_SHOWN: Final = 5  # of each series
SHOWN: Final = ("sh_price", "sh_status", "sl_price", "sl_status", "atr", "trailing_stop", "trailing_side", "pivot_p")


class Wanted(msgspec.Struct, frozen=True):
    """Which series: of these symbols (of all, if none is named), one timeframe or every one, and whose bars."""

    symbols: tuple[str, ...]
    timeframe: str
    run: str


class Opened(msgspec.Struct, frozen=True):
    """The bars and levels of a home or a run."""

    levels: SqlLevelStore
    instruments: Mapping[int, Instrument]
    settings: LevelSettings
    differences: Differences

    def series(self, wanted: Wanted) -> list[LevelSeries]:
        """Those that are wanted. Raises UserError for a symbol or timeframe of which there are none."""
        self.ids(wanted)
        frames = (wanted.timeframe,) if wanted.timeframe else TIMEFRAMES
        if unknown := [frame for frame in frames if frame not in TIMEFRAMES]:
            raise UserError(f"levels of {unknown[0]}", remedy=f"They are kept of {', '.join(TIMEFRAMES)}")
        named = [one for one in self.levels.series(frames) if one.instrument in self.ids(wanted)]
        return sorted(named, key=lambda one: (self.symbol(one), TIMEFRAMES.index(one.timeframe), one.source, one.chain))

    def ids(self, wanted: Wanted) -> list[int]:
        """Of the wanted instruments."""
        known = {one.symbol: number for number, one in self.instruments.items()}
        if unknown := [symbol for symbol in wanted.symbols if symbol not in known]:
            raise UserError(f"no bars of {unknown[0]} are stored", remedy=f"There are {', '.join(sorted(known)) or 'none'}")
        return [known[symbol] for symbol in wanted.symbols or known]

    def symbol(self, series: LevelSeries | Announced) -> str:
        """What people call its instrument."""
        return self.instruments[series.instrument].symbol

    def title(self, series: LevelSeries) -> str:
        """What people call it."""
        return f"{self.symbol(series)} {series.timeframe} from {series.source}{f' {series.chain}' if series.chain else ''}"


@contextmanager
def _opened(path: Path, wanted: Wanted) -> Iterator[Opened]:
    home = open_home(path)
    settings = configured(home.configuration).levels
    if wanted.run:
        folder = usual_folder(home, wanted.run)
        with projected(home, folder) as market:
            _build(home, folder, market)
            yield _on(market, settings, _measured_live(home, folder))
        return
    with closing(SqlMarketStore(home.place(home.store))) as market:
        yield _on(market, settings, measured(home, market))


def _build(home: Home, folder: Path, market: SqlMarketStore) -> None:
    """The bars of the run's ticks, where it took ticks."""
    with closing(SqlJournalStore(home.place(folder))) as journal:
        plan = recorded_plan(home, folder, journal)
        if plan.from_ticks:
            built = BuiltBars(journal, market, plan, None)
            while built.work():
                pass


def _on(market: SqlMarketStore, settings: LevelSettings, differences: Differences) -> Opened:
    return Opened(SqlLevelStore(market.engine), {one.id: one for one in market.instruments()}, settings, differences)


def _measured_live(home: Home, folder: Path) -> Differences:
    """By the rolls that the run took; its journal is read only where a series rolls."""

    @cache
    def rolls() -> dict[tuple[int, str, str], int]:
        with closing(SqlJournalStore(home.place(folder))) as journal:
            taken = [item for item in recorded_items(journal) if isinstance(item, ContractRolled)]
        return {(roll.instrument, roll.previous, roll.contract): roll.difference for roll in taken}

    return lambda series, previous, contract: rolls().get((series.instrument, previous, contract))


class Computed(msgspec.Struct, frozen=True):
    """One series: its bars, rows that are ``new`` or ``changed``, and levels that were ``announced``."""

    symbol: str
    timeframe: str
    source: str
    contract: str
    bars: int
    new: int
    changed: int
    announced: int


def run_compute(path: Path, wanted: Wanted, *, since: str, json: bool) -> int:
    """A line a series; what an interruption leaves is done by the next call."""
    start = parse_timerange(f"{since}-")[0] if since else None
    done: list[Computed] = []
    try:
        with _opened(path, wanted) as opened:
            for one in _computed(opened, wanted, start):
                done.append(one)
                if not json:
                    _say(opened, one)
    except KeyboardInterrupt:
        print("stopped: the next `theo levels compute` goes on from there")
        return EXIT_INTERRUPTED
    if json:
        print(json_text(done))
    elif not done:
        print("no bars of 5, 15, 30 or 60 minutes, nor of days, are stored")
    return 0


def _computed(opened: Opened, wanted: Wanted, start: int | None) -> Iterator[Computed]:
    leveling = Leveling(opened.levels, opened.settings, opened.differences)
    for series in opened.series(wanted):
        if start is not None:
            opened.levels.forget_marks(series, start)
        new = changed = announced = 0
        with _progress(opened.title(series), series.bars) as advance:
            for brought in leveling.bring_up(series):
                new, changed, announced = brought.new, brought.changed, brought.announced
                advance(brought.bars)
        named = (opened.symbol(series), series.timeframe, series.source, series.chain)
        yield Computed(*named, series.bars, new, changed, announced)


@contextmanager
def _progress(title: str, total: int) -> Iterator[Advance]:
    """A bar on standard error; nothing where no person looks."""
    with counted_bar() as progress:
        task = progress.add_task(title, total=total)
        yield lambda bars: progress.update(task, completed=bars)


def _say(opened: Opened, one: Computed) -> None:
    key = LevelSeries(
        next(n for n, i in opened.instruments.items() if i.symbol == one.symbol), one.timeframe, one.source, one.contract
    )
    done = f"{one.new:,} rows are new, {one.changed:,} changed, {one.announced:,} swing highs and lows became known"
    print(f"{opened.title(key)}: {one.bars:,} bars; {done if one.new or one.changed else 'nothing to do'}")


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """One series: how many bars have levels, how many wait for them, how many differ, and the first of those in words."""

    symbol: str
    timeframe: str
    source: str
    contract: str
    compared: int
    waiting: int
    differing: int
    first: list[str]


def run_verify(path: Path, wanted: Wanted, *, json: bool) -> int:
    """Exit code 1 when a row differs, is missing, or is of no bar."""
    with _opened(path, wanted) as opened:
        found = [_verified(opened, series) for series in opened.series(wanted)]
    if json:
        print(json_text(found))
    else:
        for one in found:
            verdict = (
                "all equal" if not one.differing else f"{one.differing:,} differ: theo levels compute {one.symbol} --from DATE"
            )
            waits = f"; {one.waiting:,} bars wait for `theo levels compute`" if one.waiting else ""
            title = f"{one.symbol} {one.timeframe} from {one.source}{f' {one.contract}' if one.contract else ''}"
            print("\n".join([f"{title}: {one.compared:,} rows compared, {verdict}{waits}", *(f"  {text}" for text in one.first)]))
        if not found:
            print("no bars of 5, 15, 30 or 60 minutes, nor of days, are stored")
    return EXIT_PROBLEM if any(one.differing for one in found) else 0


def _verified(opened: Opened, series: LevelSeries) -> Verified:
    mark = opened.levels.newest_mark(msgspec.structs.replace(series, bars=0), opened.settings.text)
    known = -EVER if mark is None else mark.start
    compared = waiting = differing = 0
    first: list[str] = []
    leveling = Leveling(opened.levels, opened.settings, opened.differences)
    for piece, rows in leveling.recomputed(series):
        there = {
            (row.start, row.contract): row.values for row in opened.levels.levels(series, piece.past[0] + 1, piece.past[1] + 1)
        }
        for bar, values in zip(piece.bars, rows, strict=True):
            stored = there.pop((bar.start, bar.contract), None)
            if bar.start > known:
                waiting += 1
                continue
            compared += 1
            if stored != values:
                differing += 1
                first.append(f"{iso(bar.start)}: {_difference(stored, values)}")
        differing += len(there)
        first += [f"{iso(start)}: levels of a bar that is not stored" for start, _ in there]
        del first[DIFFERENCES_SHOWN:]
    named = (opened.symbol(series), series.timeframe, series.source, series.chain)
    return Verified(
        **dict(zip(("symbol", "timeframe", "source", "contract"), named, strict=True)),
        compared=compared,
        waiting=waiting,
        differing=differing,
        first=first,
    )


def _difference(stored: LevelValues | None, wanted: LevelValues) -> str:
    if stored is None:
        return "no levels are stored"
    differing = [(n, a, b) for n, a, b in zip(LEVEL_NAMES, stored, wanted, strict=True) if a != b]
    return ", ".join(f"{name} is {is_} price units, should be {should}" for name, is_, should in differing[:DIFFERENCES_SHOWN])


class LevelsShown(msgspec.Struct, frozen=True):
    """The levels of a bar; ``start`` in UTC, prices as decimals, missing where there is no value."""

    symbol: str
    timeframe: str
    source: str
    contract: str
    start: str
    levels: dict[str, float | bool | None]


def run_show(path: Path, wanted: Wanted, bars: int, *, json: bool) -> int:
    """The newest bars' levels, series by series."""
    with _opened(path, wanted) as opened:
        shown = [_shown(opened, series, row) for series in opened.series(wanted) for row in _newest(opened, series, bars)]
    if json:
        print(json_text(shown))
    elif shown:
        rows = [(one.start, *(_text(one.levels[name]) for name in SHOWN)) for one in shown]
        wide_table(("bar (UTC)", *SHOWN), rows, right=set(SHOWN))
    else:
        print("no levels are stored: theo levels compute")
    return 0


def _newest(opened: Opened, series: LevelSeries, bars: int) -> list[Levels]:
    rows: list[Levels] = []
    for row in opened.levels.levels(series, -EVER, EVER):
        rows.append(row)
        del rows[:-bars]
    return rows


def _shown(opened: Opened, series: LevelSeries, row: Levels) -> LevelsShown:
    unit = 10 ** opened.instruments[series.instrument].price_decimals
    values: dict[str, float | bool | None] = {}
    for name, value in zip(LEVEL_NAMES, row.values, strict=True):
        values[name] = value if value is None or name == SIDE else bool(value) if name in FLAGS else value / unit
    return LevelsShown(opened.symbol(series), series.timeframe, series.source, row.contract, iso(row.start), values)


Value = float | bool | None


def _text(value: Value) -> str:
    if value is None:
        return "-"
    return ("yes" if value else "no") if isinstance(value, bool) else f"{value:,.2f}"


class NewShown(msgspec.Struct, frozen=True):
    """A swing high or low: its price, the bar at which it is, and when it became known; times in UTC."""

    symbol: str
    timeframe: str
    source: str
    level: str
    price: float
    bar: str
    known: str


def run_new(path: Path, wanted: Wanted, count: int, *, json: bool) -> int:
    """What became known last."""
    with _opened(path, wanted) as opened:
        numbers = opened.ids(wanted) if wanted.symbols else [None]
        found = [one for number in numbers for one in opened.levels.announced(number, count)]
        found = sorted(found, key=lambda one: -one.new.known_at)[:count]
        shown = [_new_shown(opened, one) for one in found]
    if json:
        print(json_text(shown))
        return 0
    for said, one in zip(shown, found, strict=True):
        level = f"{said.symbol} {said.timeframe}  new {said.level} {said.price:,}"
        print(f"{clock(one.new.known_at)} New York  {level} of {clock(one.new.at_start)}")
    return 0


def _new_shown(opened: Opened, one: Announced) -> NewShown:
    price = one.new.price / 10 ** opened.instruments[one.instrument].price_decimals
    times = iso(one.new.at_start), iso(one.new.known_at)
    return NewShown(opened.symbol(one), one.timeframe, one.source, one.new.level, price, *times)
