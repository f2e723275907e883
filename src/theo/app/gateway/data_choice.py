"""``--data`` of `theo gateway`: which series it names, each checked and known to be of something that is listed.

SPEC is one of
  FILE or FOLDER          files that are named SYMBOL_TIMEFRAME: SPY_1min.parquet, VIX_15min_2019.csv.gz, MES_ticks.csv
  SYMBOL:TIMEFRAME=FILE   a file of any name; TIMEFRAME may be "ticks"
  store or store:SPY,VIX  what was imported into the home: all that is listed, or these symbols
  run:NAME                what a recorded run took; "last" is the newest
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec

from theo.adapters.calendars.rows import hours_text, parse_hours
from theo.adapters.calendars.stored import session_table
from theo.adapters.files.archive import ParquetArchive
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.market.store import SqlMarketStore
from theo.app.gateway.played_series import TICKS, PlayedSeries, file_series, in_sequence, recorded_series, stored_series
from theo.app.home.instruments import known_instruments
from theo.app.home.journals import find_run, run_name
from theo.app.home.layout import Home
from theo.app.stored.bars import parse_timerange
from theo.app.times import clock
from theo.domain.errors import ConfigError, DataError
from theo.domain.instrument import Instrument, SecurityType
from theo.domain.timeframe import DAILY, timeframe
from theo.gateway.contracts.rows import FutureRow, ListingsFile, SpotRow, listings_text, parse_listings
from theo.market.sessions import SessionTable

ENDINGS = (".csv", ".csv.gz", ".txt", ".parquet", ".dbn", ".dbn.zst")
EARLIEST = date(1990, 1, 1)  # where a calendar has always the same hours
FILES_MAX = 500  # of a folder
FILE_CALENDARS = {"NYSE_REGULAR": "NYSE", "FOREX": "ALWAYS"}  # of contracts whose hours are made in the gateway
NAMED = re.compile(r"(?P<symbol>[^_]+)_(?P<what>ticks|[0-9]+(?:s|min|m|h|d))(?:_.*)?", re.IGNORECASE)
MONTH_CODE = re.compile(r"(?P<product>.+)[FGHJKMNQUVXZ][0-9]{1,2}")
SPEC_HELP = "Give a file, a folder, SYMBOL:TIMEFRAME=FILE, store, store:SYMBOLS or run:NAME"


class DataWishes(msgspec.Struct, frozen=True, kw_only=True):
    """What the user said of the data, as typed."""

    specs: tuple[str, ...]
    timerange: str = ""
    source: str = ""
    zone: str = ""


class Playing(msgspec.Struct, frozen=True):
    """What will be played. ``left_out`` names instruments that have data and are not listed."""

    series: tuple[PlayedSeries, ...]
    left_out: tuple[str, ...]

    @property
    def first(self) -> int:
        """The first moment of all, microseconds UTC."""
        return min(each.first for each in self.series)

    @property
    def last(self) -> int:
        """The time of the last item of all."""
        return max(each.last for each in self.series)

    @property
    def told(self) -> str:
        """In a few words."""
        return ", ".join(f"{each.name} {each.what}" for each in self.series)

    def lines(self) -> Iterator[str]:
        """What a person should know before it begins."""
        for each in self.series:
            yield f"{each.name} {each.what}, {clock(each.first)} to {clock(each.last)} New York, from {each.origin}"
        yield "all other contracts are listed and have no market"
        if self.left_out:
            yield f"left out, because no such contract is listed: {', '.join(self.left_out)}"


class DataChoice:
    """Finds the series that are wished for. Stores that it has opened are open until ``close``."""

    def __init__(self, home: Home, wishes: DataWishes) -> None:
        self._home, self._wishes = home, wishes
        self._span = parse_timerange(wishes.timerange)
        self._rows: ListingsFile = parse_listings(listings_text())
        self._open = ExitStack()

    def close(self) -> None:
        """Release the stores."""
        self._open.close()

    def playing(self) -> Playing:
        """Everything that the specs name, checked. Raises UserError for what cannot be read, is not there or not listed."""
        found: list[PlayedSeries] = []
        left_out: list[str] = []
        for spec in self._wishes.specs:
            series, unlisted = self._read(spec)
            found += series
            left_out += unlisted
        if not found:
            raise DataError(
                "nothing of it is listed", where="--data", why=f"it holds {', '.join(left_out)}", remedy=self._known()
            )
        by_name: dict[str, list[PlayedSeries]] = {}
        for each in found:
            by_name.setdefault(each.name, []).append(each)
        return Playing(tuple(in_sequence(series) for series in by_name.values()), tuple(left_out))

    def _read(self, spec: str) -> tuple[list[PlayedSeries], list[str]]:
        explicit = re.fullmatch(r"([^:=/]+):([^:=/]+)=(.+)", spec)
        if explicit:
            return [self._file(explicit[1], explicit[2], Path(explicit[3]))], []
        if spec == "store" or spec.startswith("store:"):
            return self._stored([name for name in spec.removeprefix("store").removeprefix(":").split(",") if name])
        if spec.startswith("run:"):
            return self._run(spec.removeprefix("run:"))
        path = Path(spec)
        if path.is_dir():
            return [self._named_file(file) for file in self._files(path)], []
        if not path.is_file():
            raise ConfigError(f"{spec!r} does not exist", where="--data", remedy=SPEC_HELP)
        return [self._named_file(path)], []

    def _files(self, folder: Path) -> list[Path]:
        files = sorted(each for each in folder.iterdir() if each.name.lower().endswith(ENDINGS))
        if not files:
            raise ConfigError("the folder holds no file of bars or ticks", where=str(folder), remedy=f"Use {', '.join(ENDINGS)}")
        if len(files) > FILES_MAX:
            raise ConfigError(f"the folder holds {len(files)} files", where=str(folder), remedy=f"At most {FILES_MAX} are played")
        return files

    def _named_file(self, path: Path) -> PlayedSeries:
        ending = next((each for each in sorted(ENDINGS, key=len, reverse=True) if path.name.lower().endswith(each)), "")
        match = NAMED.fullmatch(path.name[: len(path.name) - len(ending)])
        if match is None:
            raise ConfigError(
                "the name does not say what the file holds",
                where=str(path),
                remedy="Name it as SPY_1min.parquet or SPY_ticks.csv, or write --data SPY:1min=FILE",
            )
        return self._file(match["symbol"].upper(), match["what"].lower(), path)

    def _file(self, name: str, what: str, path: Path) -> PlayedSeries:
        row = self._row(name)
        if row is None:
            raise ConfigError(f"no contract {name!r} is listed", where=str(path), remedy=self._known())
        frame = what if what == TICKS else timeframe(re.sub(r"(?<=\d)m$", "min", what)).name
        kind = SecurityType.FUT if isinstance(row, FutureRow) else SecurityType(row.sec_type)
        instrument = Instrument(
            id=1,
            symbol=name,
            token=0,
            security_type=kind,
            exchange=row.exchange,
            calendar=row.calendar,
            price_decimals=row.price_decimals,
            tick=row.tick,
        )
        return file_series(instrument, frame, path, self._wishes.zone, self._span, self._sessions(row.calendar, frame))

    def _sessions(self, calendar: str, frame: str) -> SessionTable | None:
        """Daily bars are played in the regular hours of their day."""
        if frame != DAILY.name:
            return None
        name = FILE_CALENDARS.get(calendar, calendar)
        today = datetime.now(UTC).date()
        return session_table(name, hours_known_from((name,)), date(today.year + 1, 12, 31), self._home.sessions)

    def _stored(self, names: Sequence[str]) -> tuple[list[PlayedSeries], list[str]]:
        store = SqlMarketStore(self._home.reading_place(), archive=ParquetArchive(self._home.archive))
        self._open.callback(store.close)
        there = {each.symbol: each for each in store.instruments()}
        for name in names:
            if name not in there or self._row(name) is None:
                what = f"the store holds nothing of {name}" if name not in there else f"no contract {name!r} is listed"
                remedy = "See `theo import list`" if name not in there else self._known()
                raise ConfigError(what, where="--data", remedy=remedy)
        wanted = [there[name] for name in names] or list(there.values())
        listed = [each for each in wanted if self._row(each.symbol) is not None]
        series = [stored_series(store, each, self._wishes.source, self._span) for each in listed]
        found = [each for each in series if each is not None]
        if not found and not names and len(listed) == len(wanted):
            raise DataError(
                "the store holds no bars and no ticks", where="--data", remedy="theo import bars FILE --symbol SYMBOL"
            )
        return found, [each.symbol for each in wanted if each not in listed]

    def _run(self, name: str) -> tuple[list[PlayedSeries], list[str]]:
        folder = find_run(self._home, name)
        store = SqlJournalStore(self._home.place(folder))
        self._open.callback(store.close)
        known = {entry.instrument.id: entry.instrument for entry in known_instruments(self._home).values()}
        series = recorded_series(store, run_name(self._home, folder), known, self._span)
        listed = [each for each in series if self._row(each.name) is not None]
        return listed, [each.name for each in series if each not in listed]

    def _row(self, name: str) -> SpotRow | FutureRow | None:
        """The row of listings.toml that a symbol is of: a product of futures or one of its contracts, else what has no end."""
        contract = MONTH_CODE.fullmatch(name)
        products = {name, contract["product"]} if contract else {name}
        future = next((row for row in self._rows.future if row.trading_class in products), None)
        return future or next((row for row in self._rows.spot if name in {row.local_symbol, row.symbol}), None)

    def _known(self) -> str:
        names = [row.local_symbol or row.symbol for row in self._rows.spot] + [row.trading_class for row in self._rows.future]
        return f"Listed are {', '.join(dict.fromkeys(names))}"


def hours_known_from(calendars: Sequence[str]) -> date:
    """The first day on which the hours of all calendars are known."""
    first: dict[str, date] = {}
    for row in parse_hours(hours_text()).hours:
        first[row.calendar] = min(row.valid_from, first.get(row.calendar, row.valid_from))
    return max((first[name] for name in calendars if name in first), default=EARLIEST)
