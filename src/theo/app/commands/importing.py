"""`theo import bars|ticks|list`: files into the store, and what the store holds."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from theo.adapters.calendars.tables import days_since_epoch
from theo.adapters.files.importing import ImportProgress, ImportReport, Watch, import_bars, import_ticks
from theo.adapters.files.settings import BadRange, BarSettings, Label, TickSettings
from theo.adapters.sql.market.store import SqlMarketStore
from theo.app.home.auditing import note
from theo.app.home.instruments import known_instrument
from theo.app.home.layout import Home, open_home
from theo.app.home.sessions import known_sessions
from theo.app.stored.levels import bring_up_levels
from theo.app.terminal.output import json_text
from theo.app.terminal.progress import counted_bar
from theo.app.terminal.wide_table import wide_table
from theo.app.times import clock, iso, parse_time
from theo.domain.errors import UserError
from theo.domain.instrument import Instrument
from theo.domain.market_data import SessionScope
from theo.domain.timeframe import DAILY, timeframe
from theo.market.splits import Split


class FileWishes(msgspec.Struct, frozen=True):
    """What the user said of a file, as typed."""

    symbol: str
    source: str
    zone: str
    columns: tuple[str, ...]
    sort: bool
    round_prices: bool
    any_sign: bool


class BarWishes(msgspec.Struct, frozen=True):
    """What the user said of a file of bars, as typed."""

    file: FileWishes
    timeframe: str
    label: str | None
    repair: str
    splits: tuple[str, ...]
    scope: str
    levels: bool


class Held(msgspec.Struct, frozen=True):
    """A line of the list: a series of bars with their starts, or an instrument's ticks; ``bars`` None where there are none."""

    symbol: str
    timeframe: str
    source: str
    bars: int | None
    first: str
    last: str


def run_bars(path: Path, file: Path, wishes: BarWishes, *, json: bool) -> int:
    """Import bars and say what came in."""
    home = open_home(path)
    instrument = known_instrument(home, wishes.file.symbol)
    frame, splits = timeframe(wishes.timeframe), tuple(_split(text) for text in wishes.splits)
    settings = BarSettings(
        instrument=instrument,
        columns=_columns(wishes.file.columns),
        zone=_zone(wishes.file.zone),
        source=wishes.file.source,
        round_prices=wishes.file.round_prices,
        sort=wishes.file.sort,
        any_sign=wishes.file.any_sign,
        timeframe=frame,
        label=None if wishes.label is None else Label(wishes.label),
        bad_range=BadRange(wishes.repair),
        splits=splits,
        sessions=known_sessions(home, instrument) if splits or frame == DAILY else None,
        scope=SessionScope(wishes.scope),
    )
    with _store(home, instrument) as store:
        with _progress(file) as watch:
            report = import_bars(store, file, settings, watch)
        note(home, "import", f"{instrument.symbol} {frame.name}", f"{report.source} from {file}")
        _print(report, instrument, f"{frame.name} bars", json=json)
        brought = bring_up_levels(home, store, instrument.id, frame.name, report.source) if wishes.levels else []
    if brought and not json:
        told = f"{sum(each.new for each in brought):,} rows are new, {sum(each.changed for each in brought):,} changed"
        print(f"levels: {told}, {sum(each.announced for each in brought):,} swing highs and lows became known")
    return 0


def run_ticks(path: Path, file: Path, wishes: FileWishes, *, json: bool) -> int:
    """Import ticks and say what came in."""
    home = open_home(path)
    instrument = known_instrument(home, wishes.symbol)
    settings = TickSettings(
        instrument=instrument,
        columns=_columns(wishes.columns),
        zone=_zone(wishes.zone),
        source=wishes.source,
        round_prices=wishes.round_prices,
        sort=wishes.sort,
        any_sign=wishes.any_sign,
        sessions=known_sessions(home, instrument),
    )
    with _store(home, instrument) as store, _progress(file) as watch:
        report = import_ticks(store, file, settings, watch)
    note(home, "import", f"{instrument.symbol} ticks", f"{report.source} from {file}")
    _print(report, instrument, "ticks", json=json)
    return 0


def run_list(path: Path, *, json: bool) -> int:
    """Every bar series of the store, then what it holds of ticks."""
    home = open_home(path)
    store = SqlMarketStore(home.place(home.store))
    try:
        symbols = {i.id: i.symbol for i in store.instruments()}
        held = [Held(symbols[s.instrument], s.timeframe, s.source, s.rows, iso(s.first), iso(s.last)) for s in store.series()]
        held += [Held(symbols[t.instrument], "ticks", "", None, iso(t.first), iso(t.last)) for t in store.tick_ranges()]
    finally:
        store.close()
    if json:
        print(json_text(held))
    elif held:
        rows = [
            (h.symbol, h.timeframe, h.source, "" if h.bars is None else f"{h.bars:,}", *_shown(h.first, h.last)) for h in held
        ]
        wide_table(("symbol", "timeframe", "source", "bars", "first", "last"), rows, right={"bars"})
    else:
        print("the store holds nothing: theo import bars FILE --symbol SYMBOL --timeframe 15min")
    return 0


def _shown(*times: str) -> list[str]:
    return [clock(parse_time(time)) for time in times]


def _columns(said: tuple[str, ...]) -> dict[str, str]:
    """OURS=THEIRS as a mapping."""
    pairs = [text.partition("=") for text in said]
    wrong = next((ours for ours, sign, theirs in pairs if not (ours and sign and theirs)), None)
    if wrong is not None:
        raise UserError(f"--column {wrong!r}", remedy="Write OURS=THEIRS, for example --column close=LastPrice")
    return {ours: theirs for ours, _, theirs in pairs}


def _zone(name: str) -> str:
    """The zone's name if it exists, "" for none."""
    if name:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise UserError(f"--zone {name!r} is no time zone", remedy="Write for example America/New_York or UTC") from error
    return name


def _split(text: str) -> Split:
    """DATE:NEW:OLD as a split."""
    parts = text.split(":")
    try:
        day, new, old = parts
        return Split(days_since_epoch(date.fromisoformat(day)), int(new), int(old))
    except ValueError as error:
        raise UserError(f"--split {text!r}", remedy="Write DATE:NEW:OLD; four new for one old is 2020-08-31:4:1") from error


@contextmanager
def _store(home: Home, instrument: Instrument) -> Iterator[SqlMarketStore]:
    store = SqlMarketStore(home.place(home.store))
    try:
        store.put_instruments([instrument])
        yield store
    finally:
        store.close()


@contextmanager
def _progress(file: Path) -> Iterator[Watch]:
    """A bar on standard error while checking, another while storing; nothing where no person looks."""
    with counted_bar() as progress:
        tasks = {phase: progress.add_task(f"{phase} {file.name}", total=None) for phase in ("checking", "storing")}

        def watch(now: ImportProgress) -> None:
            progress.update(tasks[now.phase], completed=now.done, total=now.total)

        yield watch


def _print(report: ImportReport, instrument: Instrument, what: str, *, json: bool) -> None:
    if json:
        times = {"first": iso(report.first), "last": iso(report.last)}
        print(json_text({"symbol": instrument.symbol, **msgspec.structs.asdict(report), **times}))
        return
    print(f"{report.rows:,} {what} of {instrument.symbol}, {clock(report.first)} to {clock(report.last)} New York")
    print(f"stored as {report.source}")
    for count, text in (
        (report.replaced, "replaced what the same source held there"),
        (report.skipped, "left out"),
        (report.widened, "with high and low widened to enclose open and close"),
        (report.flagged, "flagged: stored, and left out of bars"),
    ):
        if count:
            print(f"{count:,} {text}")
