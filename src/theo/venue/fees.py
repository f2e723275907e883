"""Commissions and exchange fees as data: IB's published schedules. Integer micros; rounded half up to the micro.

Sources: interactivebrokers.com "Commissions" as published in 2026 and the contract facts that the issue data holds (futures all-in
per side, exchange, regulatory and NFA fees included). Live, the broker's commission report replaces these estimates.
"""

from types import MappingProxyType

import msgspec

from theo.domain.errors import ConfigError
from theo.domain.instrument import MICROS, Instrument
from theo.domain.orders import Side


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """``per_unit`` and ``per_order_min`` in micros; shares of trade value in millionths; ``sell_*`` only on sells."""

    per_unit: int = 0
    per_order_min: int = 0
    value_share: int = 0
    value_share_max: int = 0  # cap of the commission as a share of trade value; 0 none
    sell_value_share: int = 0  # SEC section 31 fee
    sell_per_unit: int = 0  # FINRA trading activity fee
    sell_per_unit_max: int = 0  # and its cap a trade


SCHEDULES: MappingProxyType[str, Schedule] = MappingProxyType(
    {
        "zero": Schedule(),
        "reference": Schedule(value_share=20),
        "futures_mes": Schedule(per_unit=620_000),
        "futures_es": Schedule(per_unit=2_250_000),
        "futures_nq": Schedule(per_unit=2_250_000),
        "futures_vx": Schedule(per_unit=2_400_000),
        "options": Schedule(per_unit=650_000, per_order_min=1_000_000),
        "stocks_fixed": Schedule(
            per_unit=5_000,
            per_order_min=1_000_000,
            value_share_max=10_000,
            sell_value_share=27,
            sell_per_unit=166,
            sell_per_unit_max=8_300_000,
        ),
        "stocks_tiered": Schedule(
            per_unit=3_500,
            per_order_min=350_000,
            value_share_max=10_000,
            sell_value_share=27,
            sell_per_unit=166,
            sell_per_unit_max=8_300_000,
        ),
    }
)


def schedule(name: str) -> Schedule:
    """The schedule of a name. Raises ConfigError naming those that exist."""
    found = SCHEDULES.get(name)
    if found is None:
        raise ConfigError(f"fee schedule {name!r} is not known", remedy=f"Choose one of {', '.join(SCHEDULES)}")
    return found


def charges(instrument: Instrument, side: Side, quantity: int, price: int, rates: Schedule) -> int:
    """Commission and fees of one execution, micros."""
    value = quantity * price * instrument.unit_value
    commission = max(quantity * rates.per_unit, rates.per_order_min) + _share(value, rates.value_share)
    if rates.value_share_max:
        commission = min(commission, _share(value, rates.value_share_max))
    if side is Side.SELL:
        activity = quantity * rates.sell_per_unit
        commission += min(activity, rates.sell_per_unit_max) if rates.sell_per_unit_max else activity
        commission += _share(value, rates.sell_value_share)
    return commission


def _share(value: int, millionths: int) -> int:
    return (value * millionths + MICROS // 2) // MICROS
