"""Rows on their way into the projected tables: those that change are loaded, changed and written back once a batch."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection, Table, select

from theo.adapters.sql.database.dialect import insert_rows, upsert_rows
from theo.adapters.sql.database.meanings import Value
from theo.adapters.sql.tables.projected import daily_pnl, runs
from theo.domain.errors import CorruptionError
from theo.domain.keys import Key, Mode
from theo.domain.market_data import DAY

Row = dict[str, Any]
Appended = list[tuple[Value, ...]]
KEYS: Final = ("account", "user_name", "mode", "run", "config", "config_version")


ByConfig = Callable[[str], Mapping[str, str]]  # a run's world -> of each of its configurations: its version, its timeframe


class Listing(NamedTuple):
    """What a signal's row says of its instrument; None where it is not known."""

    exchange: str | None = None
    product_type: str | None = None
    contract_size: int | None = None


UNLISTED: Final = Listing()


class WorldReading(msgspec.Struct, frozen=True):
    """What a run knew, read from its record: timeframes and stored scans' ids by configuration, listings by instrument."""

    timeframes: ByConfig = lambda _world: {}
    scan_ids: Callable[[str], Mapping[str, int]] = lambda _world: {}
    listings: Callable[[str], Mapping[int, Listing]] = lambda _world: {}


class Newest(NamedTuple):
    """The newest run that is stored."""

    key: Key = Key()
    cash: int = 0
    day: int | None = None
    world: str = ""
    versions: Mapping[str, str] = MappingProxyType({})


class Context:
    """Whose facts come next: the newest run's key, its configurations' versions, its account day. Kept between batches.

    ``world`` is what the run knew, "" before any; ``reading`` reads it.
    """

    __slots__ = ("_keys", "_reading", "cash", "day", "key", "versions", "world")

    def __init__(self, newest: Newest, reading: WorldReading) -> None:
        self.key, self.cash, self.day, self.world, self.versions = newest
        self._reading = reading
        self._keys: dict[str, tuple[str, ...]] = {}  # by configuration

    def begin(self, key: Key, cash: int) -> None:
        """Another run begins."""
        self.key, self.day, self.cash = key, None, cash
        self._keys.clear()

    def know(self, world: str, versions: Mapping[str, str]) -> None:
        """The run's configurations have these versions from now on."""
        self.world, self.versions = world, dict(versions)
        self._keys.clear()

    def timeframe(self, config: str) -> str:
        """Of the bars on which a configuration decides; "" where the run's record does not say."""
        return self._reading.timeframes(self.world).get(config, "")

    def scan_id(self, config: str) -> int | None:
        """Of the stored scan that the configuration is; None where it is no stored one."""
        return self._reading.scan_ids(self.world).get(config)

    def listing(self, instrument: int) -> Listing:
        """How an instrument is listed."""
        return self._reading.listings(self.world).get(instrument, UNLISTED)

    def keys(self, config: str = "") -> tuple[str, ...]:
        """The key columns of a record of this run and a configuration."""
        found = self._keys.get(config)
        if found is None:
            found = self._keys[config] = key_columns(self.key, config, self.versions.get(config, ""))
        return found


def key_columns(key: Key, config: str | None = None, version: str | None = None) -> tuple[str, ...]:
    """The key columns in the tables' order."""
    own = (key.config if config is None else config, key.config_version if version is None else version)
    return (key.account, key.user, str(key.mode), key.run, *own)


def load_context(connection: Connection, home: str, reading: WorldReading) -> Context:
    """From the newest run of a home that is stored; defaults before the first."""
    row = connection.execute(
        select(runs).where(runs.c.home == home).order_by(runs.c.seq.desc(), runs.c.place.desc()).limit(1)
    ).first()
    if row is None:
        return Context(Newest(), reading)

    key = Key(row.account, row.user_name, Mode(row.mode), row.run)
    d = daily_pnl.c
    ours = (d.home == home, d.account == key.account, d.mode == row.mode, d.run == key.run)
    days = select(d.day).where(*ours).order_by(d.day.desc()).limit(1)
    versions = msgspec.json.decode(row.config_versions, type=dict[str, str])
    return Context(Newest(key, row.cash, connection.execute(days).scalar(), row.world, versions), reading)


class EntityRows:
    """One batch of a home, with which all rows begin: ``append`` for those that never change, ``get`` and ``put`` for others."""

    def __init__(self, connection: Connection, context: Context, home: str) -> None:
        self._connection, self.context, self._home = connection, context, home
        self._appended: dict[Table, dict[tuple[str, ...], Appended]] = {}  # by their key columns
        self._entities: dict[tuple[Table, tuple[Value, ...]], Row] = {}
        self.seq = 0  # of the record that is being projected
        self.place = 0  # of the fact in it
        self.at = 0  # core time of the step that it belongs to

    def append(self, table: Table, keys: tuple[str, ...], *values: Value) -> None:
        """Add a row that the record and the fact's place in it name; ``keys`` are its key columns."""
        self.appended(table, keys).append((self.seq, self.place, *values))

    def appended(self, table: Table, keys: tuple[str, ...]) -> Appended:
        """The rows to be added with these key columns, each from its record's number on."""
        return self._appended.setdefault(table, {}).setdefault(keys, [])

    def put(self, table: Table, *values: Value) -> None:
        """Add a row that may change later, columns in the table's order but for the last, ``seq``."""
        row = dict(zip(table.c.keys(), (self._home, *values, self.seq), strict=True))
        self._entities[table, tuple(row[c.name] for c in table.primary_key)] = row

    def find(self, table: Table, *key: Value) -> Row | None:
        """The row of a key, to be changed in place; None when there is none."""
        whole = (self._home, *key)
        row = self._entities.get((table, whole))
        if row is None:
            same = [column == value for column, value in zip(table.primary_key, whole, strict=True)]
            found = self._connection.execute(select(table).where(*same)).mappings().first()
            if found is None:
                return None
            row = self._entities[table, whole] = dict(found)
        row["seq"] = self.seq
        return row

    def get(self, table: Table, *key: Value) -> Row:
        """The row of a key, to be changed in place. Raises CorruptionError when an earlier fact should have made it."""
        row = self.find(table, *key)
        if row is None:
            raise CorruptionError(
                f"{table.name} has no row {key[0]!r}",
                where=f"trading record {self.seq}",
                why="the record that made it was not projected",
                remedy="Run `theo journal rebuild`",
            )
        return row

    def today(self, at: int) -> Row:
        """The row of the running account day; made when no day has begun yet."""
        context = self.context
        if context.day is None:
            context.day = at // DAY
        key = (context.key.account, str(context.key.mode), context.key.run, context.day)
        row = self.find(daily_pnl, *key)
        if row is None:
            self.put(daily_pnl, *key, context.key.user, context.cash, None, 0, 0, 0, 0)
            row = self.get(daily_pnl, *key)
        return row

    def flush(self) -> None:
        """Write everything."""
        for table, of_table in self._appended.items():
            for keys, appended in of_table.items():
                fixed = dict(zip(KEYS, keys, strict=True), home=self._home)
                insert_rows(self._connection, table, appended, fixed=fixed)
        changed: dict[Table, list[tuple[Value, ...]]] = {}
        for (table, _), row in self._entities.items():
            changed.setdefault(table, []).append(tuple(row.values()))
        for table, rows in changed.items():
            upsert_rows(self._connection, table, rows)
