"""From a signal to a listed option: the series by its expiry rule, the strike by its category, and why this one.

With d the points in the money, ITM is d from ``near`` to ``far``, OTM from -``far`` to -``near``, DITM beyond ``far``, DOTM
beyond -``far``; what lies between -``near`` and ``near`` is at the money and not chosen.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import msgspec

FRIDAY: Final = 4
IN_THE_MONEY: Final = frozenset({"ITM", "DITM"})


class CategorySplit(msgspec.Struct, frozen=True):
    """Points between which a strike is in or out of the money, and beyond which it is deeply so: settings of an underlying."""

    near: Decimal = Decimal(100)
    far: Decimal = Decimal(200)

    @property
    def slack(self) -> Decimal:
        """By how many points a chosen strike may have left its category before a signal is refused: it is chosen ahead."""
        return (self.far - self.near) / 4


class Chosen(msgspec.Struct, frozen=True):
    """An option of the chain. ``in_the_money`` in points, negative out of the money; ``why`` is for people."""

    right: str
    expiry: date
    strike: Decimal
    in_the_money: Decimal
    why: str


class NotChosen(msgspec.Struct, frozen=True):
    """No option of the chain fits, and why."""

    why: str


def choose(
    right: str,
    category: str,
    rule: str,
    price: Decimal,
    expiries: Sequence[date],
    strikes: Sequence[Decimal],
    *,
    next_session: date,
    split: CategorySplit = CategorySplit(),  # noqa: B008 - a frozen value
) -> Chosen | NotChosen:
    """The option of a chain that a signal of this ``category`` (ITM, OTM, DITM, DOTM) and ``right`` (CALL, PUT) becomes.

    ``rule`` is "weekly" or "monthly"; ``next_session`` the trade date after today's, before which no series may end.
    """
    expiry = series_of(rule, expiries, next_session)
    if expiry is None:
        return NotChosen(f"no {rule} series is listed that ends on {next_session} or later")
    strike = strike_of(right, category, price, strikes, split)
    if strike is None:
        return NotChosen(f"no {category} strike is listed: {right} at {price}, {_band(category, split)}")
    points = points_in_the_money(right, price, strike)
    kind = f"nearest {rule} series from {next_session} on"
    return Chosen(
        right, expiry, strike, points, f"{kind}: {expiry}; {right} {strike} is {_told(points)}, {_band(category, split)}"
    )


def points_in_the_money(right: str, price: Decimal, strike: Decimal) -> Decimal:
    """By how much exercising would pay, negative when it would cost."""
    return price - strike if right == "CALL" else strike - price


def strike_of(right: str, category: str, price: Decimal, strikes: Sequence[Decimal], split: CategorySplit) -> Decimal | None:
    """ITM and OTM: the listed strike nearest to ``near`` points within the band. Deep ones: the first beyond ``far``."""
    sign = 1 if category in IN_THE_MONEY else -1
    away = {strike: sign * points_in_the_money(right, price, strike) for strike in strikes}
    if category in {"DITM", "DOTM"}:
        beyond = [strike for strike in strikes if away[strike] > split.far]
        return min(beyond, key=away.__getitem__, default=None)
    within = [strike for strike in strikes if split.near <= away[strike] <= split.far]
    return min(within, key=away.__getitem__, default=None)


def still_fits(right: str, category: str, price: Decimal, strike: Decimal, split: CategorySplit) -> bool:
    """Whether a strike that was chosen a while ago is of its category by now, or nearly so."""
    away = points_in_the_money(right, price, strike) * (1 if category in IN_THE_MONEY else -1)
    if category in {"DITM", "DOTM"}:
        return away > split.far - split.slack
    return split.near - split.slack <= away <= split.far + split.slack


def series_of(rule: str, expiries: Sequence[date], next_session: date) -> date | None:
    """Weekly: the nearest from the next session on. Monthly: the nearest of a third Friday, or of the day before its holiday."""
    listed = [each for each in expiries if each >= next_session]
    if rule == "monthly":
        listed = [each for each in listed if _is_monthly(each, expiries)]
    return min(listed, default=None)


def _is_monthly(expiry: date, expiries: Sequence[date]) -> bool:
    third = third_friday(expiry.year, expiry.month)
    return expiry == third or (expiry == third - timedelta(days=1) and third not in expiries)


def third_friday(year: int, month: int) -> date:
    """The monthly series' day, also when the market is closed on it."""
    first = date(year, month, 1)
    return first + timedelta(days=(FRIDAY - first.weekday()) % 7 + 14)


def _told(points: Decimal) -> str:
    return f"{abs(points)} points {'in' if points >= 0 else 'out of'} the money"


def _band(category: str, split: CategorySplit) -> str:
    side = "in" if category in IN_THE_MONEY else "out of"
    if category in {"DITM", "DOTM"}:
        return f"{category} is more than {split.far} points {side} the money"
    return f"{category} is {split.near} to {split.far} points {side} the money"
