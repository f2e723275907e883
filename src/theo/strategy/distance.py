"""Stops and targets as data, and their prices on the tick grid."""

from collections.abc import Callable
from typing import Literal

import msgspec

from theo.domain.instrument import Instrument
from theo.domain.orders import Side
from theo.strategy.operand import Operand

Rounding = Literal["protective", "nearest"]


class Multiple(msgspec.Struct, frozen=True, tag="multiple", tag_field="is"):
    """So many times an indicator away from the planned entry: 2 x ATR(14)."""

    of: Operand
    times: float


class Percent(msgspec.Struct, frozen=True, tag="percent", tag_field="is"):
    """So many per cent of the planned entry away from it."""

    percent: float


class Level(msgspec.Struct, frozen=True, tag="level", tag_field="is"):
    """At a level of the primary: one for long trades, one for short."""

    long: Operand
    short: Operand


Distance = Multiple | Percent | Level


def distance_reads(distance: Distance) -> tuple[Operand, ...]:
    """The numbers that a distance needs."""
    if isinstance(distance, Multiple):
        return (distance.of,)
    return (distance.long, distance.short) if isinstance(distance, Level) else ()


def distance_words(distance: Distance, frame: str) -> str:
    """A distance as people read it."""
    if isinstance(distance, Multiple):
        return f"{distance.times:g} x {distance.of.text(frame)}"
    if isinstance(distance, Percent):
        return f"{distance.percent:g} % of the entry"
    return f"{distance.long.text(frame)} (long), {distance.short.text(frame)} (short)"


def price_of(distance: Distance, entry: int, side: Side, read: Callable[[Operand], float], *, favourable: bool) -> float:
    """The unrounded price in price units, NaN while a number is missing.

    ``favourable`` puts it on the side of gain (a target), otherwise of loss (a stop). ``read`` gives price units.
    """
    if isinstance(distance, Level):
        return read(distance.long if side is Side.BUY else distance.short)
    away = distance.times * read(distance.of) if isinstance(distance, Multiple) else entry * distance.percent / 100.0
    return entry + away if (side is Side.BUY) == favourable else entry - away


def stop_on_grid(price: float, side: Side, instrument: Instrument, rounding: Rounding) -> int:
    """A stop of a trade entered on ``side``: the sell stop of a long rounds down, the buy stop of a short up."""
    if rounding == "nearest":
        return instrument.nearest_tick(price)
    return instrument.floor_to_tick(price) if side is Side.BUY else instrument.ceil_to_tick(price)


def target_on_grid(price: float, side: Side, instrument: Instrument, rounding: Rounding) -> int:
    """A target of a trade entered on ``side``: the sell limit of a long rounds up, the buy limit of a short down."""
    if rounding == "nearest":
        return instrument.nearest_tick(price)
    return instrument.ceil_to_tick(price) if side is Side.BUY else instrument.floor_to_tick(price)
