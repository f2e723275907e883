"""From a curve's level to a contract's price: spot, futures at fair value, volatility futures, options; and the grid they are on.

Within a minute every price is a monotone function of one level, so that a minute's highest and lowest price follow from the
level's. Prices leave here as whole price units on the contract's grid.
"""

from typing import Protocol

import msgspec
import numpy as np

from theo.domain.market_data import DAY, HOUR, MINUTE
from theo.gateway.contracts.market_rules import MARKET_RULES
from theo.gateway.desk import NEVER, Listing
from theo.gateway.market.black_scholes import DAYS_A_YEAR, OptionModel, OptionTerms, model, prices
from theo.gateway.market.curves import Curves
from theo.gateway.market.draws import Floats, Ints
from theo.gateway.market.factors import MINUTES_A_DAY
from theo.market.sessions import Hours

RATE = 0.04  # a year
FEAR_MEAN, FEAR_SPEED = 1.15, 4.0  # volatility futures: where they tend to (of the curve's reference), and how fast, a year
FEAR = "VIX"  # the curve that options' volatility follows
SKEW, SMILE, MONEYNESS_MAX = -0.06, 0.015, 4.0  # by standardised moneyness; what index options show, roughly
CLOSE_UTC = 21 * HOUR  # of the last day, where the session table does not reach it
TICKS_MIN = 2  # no contract is worth less: its bid is one tick then


class Grid(msgspec.Struct, frozen=True):
    """Steps in price units; from ``edge`` on the wider one."""

    step: int
    edge: int = NEVER
    wide_step: int = 1

    def nearest(self, units: Floats) -> Ints:
        """To the grid, halves to even; at least ``TICKS_MIN`` steps."""
        fine = np.rint(units / self.step) * self.step
        if self.edge != NEVER:
            fine = np.where(units < self.edge, fine, np.rint(units / self.wide_step) * self.wide_step)
        found: Ints = np.maximum(fine, TICKS_MIN * self.step).astype(np.int64)
        return found

    def steps(self, units: Ints) -> Ints:
        """The step at each price."""
        steps: Ints = np.where(units < self.edge, np.int64(self.step), np.int64(self.wide_step))
        return steps


def grid_of(listing: Listing) -> Grid:
    """The grid of a listing's market rule; its tick where the rule is not known."""
    instrument = listing.instrument
    rule = MARKET_RULES.get(listing.market_rule_ids[0]) if listing.market_rule_ids else None
    if rule is None or len(rule) == 1:
        return Grid(instrument.tick)
    unit = 10.0**instrument.price_decimals
    return Grid(instrument.tick, round(rule[1].low_edge * unit), round(rule[1].increment * unit))


def last_trading_at(listing: Listing, regular: Hours) -> int:
    """When a contract ends, microseconds UTC: futures at the regular open, options at the close of their last day."""
    text = listing.instrument.expiry
    if not text:
        return NEVER
    day = int(np.datetime64(f"{text[:4]}-{text[4:6]}-{text[6:8]}", "D").astype(np.int64))
    known = regular.table.first_date <= day <= regular.table.last_date
    session = regular.session_on(day) if known else None
    if session is None:
        return day * DAY + CLOSE_UTC
    opens, closes = regular.bounds(session)
    return closes if listing.contract.sec_type == "OPT" else opens


class Pricing(Protocol):
    """A contract's price as a function of its curve."""

    curve: str

    def units(self, levels: Floats, minutes: Ints) -> Floats:
        """Prices in (fractional) price units at levels of the curve within minutes since 1970, elementwise."""


class Spot:
    """The level itself."""

    def __init__(self, curve: str, unit: float) -> None:
        self.curve, self._unit = curve, unit

    def units(self, levels: Floats, minutes: Ints) -> Floats:
        """The level."""
        del minutes
        return levels * self._unit


class Future:
    """Fair value: the level with what it costs to carry it to the end."""

    def __init__(self, curve: str, unit: float, ends: int, carry: float) -> None:
        self.curve, self._unit, self._ends, self._carry = curve, unit, ends, carry

    def units(self, levels: Floats, minutes: Ints) -> Floats:
        """Level x (1 + carry x years to the end)."""
        return levels * (1.0 + self._carry * _years(self._ends, minutes)) * self._unit


class FearFuture:
    """A future on volatility: the level, drawn towards its mean until the end."""

    def __init__(self, curve: str, unit: float, ends: int, mean: float) -> None:
        self.curve, self._unit, self._ends, self._mean = curve, unit, ends, mean

    def units(self, levels: Floats, minutes: Ints) -> Floats:
        """Mean + (level - mean) x e^(-speed x years to the end)."""
        kept = np.exp(-FEAR_SPEED * _years(self._ends, minutes))
        expected: Floats = (self._mean + (levels - self._mean) * kept) * self._unit
        return expected


class Option:
    """Black-Scholes on the level; its volatility is the fear's at the minute's start, with a skew by moneyness then."""

    def __init__(self, curves: Curves, curve: str, listing: Listing, ends: int) -> None:
        self.curve, self._curves, self._ends = curve, curves, ends
        self._unit = 10.0**listing.instrument.price_decimals
        row = curves.row(curve)
        contract = listing.contract
        self.terms = OptionTerms(contract.strike, contract.right == "C", RATE, row.dividend)
        self._at_the_money = row.volatility / curves.row(FEAR).reference

    def _volatility(self, minutes: Ints) -> Floats:
        days, places = np.divmod(minutes, MINUTES_A_DAY)
        found = np.empty(len(minutes))
        for day in np.unique(days).tolist():
            these = days == day
            under = self._curves.day(self.curve, day).nodes[places[these]]
            fear = self._curves.day(FEAR, day).nodes[places[these]] * self._at_the_money
            root = np.sqrt(np.maximum(_years(self._ends, minutes[these]), 1 / DAYS_A_YEAR))
            moneyness = np.clip(np.log(self.terms.strike / under) / (fear * root), -MONEYNESS_MAX, MONEYNESS_MAX)
            found[these] = fear * (1.0 + SKEW * moneyness + SMILE * moneyness**2)
        return found

    def units(self, levels: Floats, minutes: Ints) -> Floats:
        """The value of an option on one unit."""
        return prices(levels, _years(self._ends, minutes), self._volatility(minutes), self.terms) * self._unit

    def model(self, under: float, at: int) -> OptionModel:
        """Value and sensitivities at a price of the underlying."""
        minutes = np.array([at // MINUTE], dtype=np.int64)
        return model(under, (self._ends - at) / (DAY * DAYS_A_YEAR), float(self._volatility(minutes)[0]), self.terms)

    def years(self, at: int) -> float:
        """Time to the end."""
        return (self._ends - at) / (DAY * DAYS_A_YEAR)


def _years(ends: int, minutes: Ints) -> Floats:
    left: Floats = np.maximum(ends - minutes * MINUTE, 0) / (DAY * DAYS_A_YEAR)
    return left


def pricing_of(listing: Listing, under: Listing | None, curves: Curves, ends: int) -> Pricing:
    """How a listing is priced that ends at ``ends``; ``under`` is what it is on."""
    contract = listing.contract
    unit = 10.0**listing.instrument.price_decimals
    symbol = contract.local_symbol if contract.sec_type == "CASH" else (under or listing).contract.symbol
    curve = curves.name(symbol)
    row = curves.row(curve)
    if contract.sec_type == "OPT":
        return Option(curves, curve, listing, ends)
    if contract.sec_type not in {"FUT", "CONTFUT"}:
        return Spot(curve, unit)
    if row.fear:
        return FearFuture(curve, unit, ends, row.reference * FEAR_MEAN)
    return Future(curve, unit, ends, RATE - row.dividend)
