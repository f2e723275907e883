"""``[roll.SYMBOL]`` of the configuration: when a future rolls, and whether its trades go with it (theo.market.rolls.RollRule)."""

from collections.abc import Mapping
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from theo.app.times import day_number
from theo.domain.errors import ConfigError
from theo.domain.instrument import Instrument, SecurityType
from theo.market.last_trades import Cycle
from theo.market.rolls import DAYS_MAX, RollRule


class RollTable(BaseModel):
    """One instrument's table. ``last_trade`` says which day a stored contract ends; of IB's contracts IB says it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: Literal["volume", "days", "calendar"] = "volume"
    days: int = Field(default=5, ge=1, le=DAYS_MAX)
    carry: bool = True
    method: Literal["close_and_open", "spread"] = "close_and_open"
    dates: list[date] = []
    last_trade: Cycle = "third_friday"


def live_rolls(rules: Mapping[str, RollRule], traded: Mapping[str, Instrument]) -> dict[int, RollRule]:
    """The rules of what a live run trades, by instrument id. Raises ConfigError for one that it cannot keep."""
    found = {}
    for symbol in sorted(set(rules) & set(traded)):
        rule, instrument = rules[symbol], traded[symbol]
        if instrument.security_type is not SecurityType.FUT:
            raise ConfigError(f"[roll.{symbol}] is of no future", remedy="Take the table out")
        if rule.days < RollRule().days:
            raise ConfigError(
                f"[roll.{symbol}] days = {rule.days} is too late for a live run",
                why=f"{RollRule().days} trading days before the last trade what is open is closed, so that nothing is delivered",
                remedy=f"Use days = {RollRule().days} or more",
            )
        found[instrument.id] = rule
    return found


def roll_rules(tables: dict[str, RollTable], where: str) -> dict[str, RollRule]:
    """The rules by symbol. Raises ConfigError for tables that contradict themselves."""
    rules = {}
    for symbol, table in tables.items():
        try:
            rules[symbol] = RollRule(
                rule=table.rule,
                days=table.days,
                carry=table.carry,
                method=table.method,
                dates=tuple(sorted(map(day_number, table.dates))),
                last_trade=table.last_trade,
            )
        except ConfigError as error:
            raise ConfigError(f"[roll.{symbol}]: {error.what}", where=where, why=error.why, remedy=error.remedy) from error
    return rules
