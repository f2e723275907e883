"""Loading instruments from TOML: the shipped catalogue, then the user's file, which may add but not contradict."""

import tomllib
from importlib.resources import files
from pathlib import Path

import msgspec

from theo.domain.errors import ConfigError, DataError
from theo.domain.instrument import Instrument

USER_ID_LAST = 9_999_999
USER_ID_FIRST = 1_000  # ids below are ours, so that a later shipped instrument never meets a user's


class Listed(msgspec.Struct, frozen=True):
    """An instrument and the fee schedule that its orders pay."""

    instrument: Instrument
    fees: str


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    id: int
    token: int = 0
    security_type: str
    exchange: str
    calendar: str
    currency: str = "USD"
    multiplier: int = 1
    price_decimals: int = 2
    tick: int = 1
    contract_size: int = 1
    expiry: str = ""
    strike: int = 0
    right: str = ""
    aliases: dict[str, str] = {}
    fees: str = "zero"


def catalogue(user_file: Path | None = None) -> dict[str, Listed]:
    """Every known instrument by symbol. Raises ConfigError naming file, symbol and key."""
    shipped = files("theo.adapters.instruments").joinpath("catalogue.toml").read_text(encoding="utf-8")
    listed = read_catalogue(shipped, "catalogue.toml")
    if user_file is None or not user_file.exists():
        return listed
    own = read_catalogue(user_file.read_text(encoding="utf-8"), str(user_file))
    for symbol, entry in own.items():
        if entry.instrument.id > USER_ID_LAST:
            raise ConfigError(
                f"[{symbol}] id {entry.instrument.id} is too large",
                where=str(user_file),
                why="ids beyond stand for options that are chosen",
                remedy=f"Use an id of at most {USER_ID_LAST}",
            )
        if symbol in listed or entry.instrument.id < USER_ID_FIRST:
            raise ConfigError(
                f"[{symbol}] id {entry.instrument.id} would change a shipped instrument",
                where=str(user_file),
                why="stored prices and positions refer to it by id",
                remedy=f"Use another symbol and an id of at least {USER_ID_FIRST}",
            )
    return {**listed, **own}


def read_catalogue(text: str, where: str) -> dict[str, Listed]:
    """The instruments of one TOML text, by symbol. Raises ConfigError."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"not valid TOML: {error}", where=where) from error
    listed: dict[str, Listed] = {}
    ids: dict[int, str] = {}
    for symbol, table in tables.items():
        try:
            row = msgspec.convert(table, _Row)
            fields = {name: getattr(row, name) for name in _Row.__struct_fields__ if name != "fees"}
            entry = Listed(msgspec.convert({"symbol": symbol, **fields}, Instrument), row.fees)
        except (msgspec.ValidationError, DataError) as error:
            raise ConfigError(f"[{symbol}]: {error}", where=where, remedy="See the reference of instruments") from error
        if row.id in ids:
            raise ConfigError(f"[{symbol}] has id {row.id} of [{ids[row.id]}]", where=where, remedy="Give each its own id")
        ids[row.id] = symbol
        listed[symbol] = entry
    return listed
