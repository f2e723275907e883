"""``[options.SYMBOL]`` of the configuration: which options on an underlying signals become, and what their market must be."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from theo.domain.errors import ConfigError
from theo.domain.market_data import SECOND
from theo.strategy.option_choice import CategorySplit
from theo.strategy.option_front import OptionBounds

Points = Annotated[Decimal, Field(ge=0, le=1_000_000)]


class OptionsTable(BaseModel):
    """One underlying's table. ``call`` and ``put``: what differs for that right."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    near: Points = CategorySplit().near
    far: Points = CategorySplit().far
    call: dict[Literal["near", "far"], Points] = {}
    put: dict[Literal["near", "far"], Points] = {}
    spread_percent_max: float = Field(default=OptionBounds().spread_percent_max, gt=0.0, le=100.0)
    size_min: int = Field(default=OptionBounds().size_min, ge=1, le=1_000_000)
    quote_seconds_max: int = Field(default=OptionBounds().quote_max // SECOND, ge=1, le=3_600)
    entry_seconds_max: int = Field(default=OptionBounds().entry_wait // SECOND, ge=1, le=3_600)


class OptionTerms(msgspec.Struct, frozen=True):
    """Of the options on one underlying. ``splits`` by right, CALL and PUT."""

    splits: dict[str, CategorySplit]
    bounds: OptionBounds = OptionBounds()


USUAL = OptionTerms({"CALL": CategorySplit(), "PUT": CategorySplit()})


def option_terms(tables: Mapping[str, OptionsTable], where: str) -> dict[str, OptionTerms]:
    """By underlying. Raises ConfigError for a band that ends before it begins."""
    return {symbol: _terms(symbol, table, where) for symbol, table in tables.items()}


def _terms(symbol: str, table: OptionsTable, where: str) -> OptionTerms:
    splits = {right: _split(table, own) for right, own in (("CALL", table.call), ("PUT", table.put))}
    for right, split in splits.items():
        if split.near >= split.far:
            raise ConfigError(
                f"[options.{symbol}] near = {split.near} and far = {split.far}, of a {right}",
                where=where,
                why="ITM and OTM lie between the two, DITM and DOTM beyond the second",
                remedy="Write the smaller number of points under near",
            )
    return OptionTerms(
        splits,
        OptionBounds(
            spread_percent_max=table.spread_percent_max,
            size_min=table.size_min,
            quote_max=table.quote_seconds_max * SECOND,
            entry_wait=table.entry_seconds_max * SECOND,
        ),
    )


def _split(table: OptionsTable, own: Mapping[Literal["near", "far"], Decimal]) -> CategorySplit:
    return CategorySplit(own.get("near", table.near), own.get("far", table.far))
