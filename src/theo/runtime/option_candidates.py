"""Which option of a whole chain fits: the choice of strategy/option_choice.py over every class on an underlying."""

from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

import msgspec

from theo.ports.market_questions import OptionSeries
from theo.strategy.option_choice import CategorySplit, Chosen, NotChosen, choose
from theo.strategy.option_front import MULTIPLIER

ROUTED: Final = "SMART"  # the exchange of a chain that names every strike of a class

Named = tuple[str, date, Decimal]  # class, last trade day, strike


class Wanted(msgspec.Struct, frozen=True):
    """As a scan asks for it: right (CALL, PUT), category, weekly or monthly."""

    right: str
    category: str
    expiry: str
    split: CategorySplit


class Best(msgspec.Struct, frozen=True):
    """The option that was chosen, and the class that it is of."""

    option: Chosen
    series: OptionSeries

    @property
    def named(self) -> Named:
        """What it is known by beside its right."""
        return self.series.trading_class, self.option.expiry, self.option.strike


def best_of(
    wanted: Wanted, price: Decimal, chain: Sequence[OptionSeries], after: date, without: Collection[Named] = ()
) -> Best | NotChosen:
    """Of all classes the one that expires first; ``without`` those that are not to be had. None ends before ``after``.

    Classes of another multiplier, or whose name begins with a digit, deliver something else since a split or merger.
    """
    usual = [each for each in chain if each.multiplier == MULTIPLIER and not each.trading_class[:1].isdigit()]
    routed = [series for series in usual if series.exchange == ROUTED] or usual
    found, refused = list[Best](), list[str]()
    for series in routed:
        one = _of_class(wanted, price, series, after, without)
        if isinstance(one, NotChosen):
            refused.append(f"{series.trading_class}: {one.why}")
        else:
            found.append(Best(one, series))
    if not found:
        return NotChosen("; ".join(dict.fromkeys(refused)) or "no usual class of options is listed")
    return min(found, key=lambda each: (each.option.expiry, each.series.trading_class))


def _of_class(
    wanted: Wanted, price: Decimal, series: OptionSeries, after: date, without: Collection[Named]
) -> Chosen | NotChosen:
    expiries = [date.fromisoformat(each) for each in series.expiries]
    strikes = list(series.strikes)
    while True:
        one = choose(
            wanted.right, wanted.category, wanted.expiry, price, expiries, strikes, next_session=after, split=wanted.split
        )
        if isinstance(one, NotChosen) or (series.trading_class, one.expiry, one.strike) not in without:
            return one
        strikes.remove(one.strike)
