"""Commissions and fees as data: Interactive Brokers' published schedules, the regulators' rates, and the arithmetic over them.

Everything is integer: cash in micros (1e-6 of the instrument's currency), shares of a value in parts per billion. One rounding
rule: each share of a value is rounded half up to the micro, each by itself. A minimum, a maximum and a cap hold for an *order*,
so an execution costs what its order costs with it less what the order cost before. Live, the commission report replaces this.

A backtest over older years charges these same rates, so that years compare. Not modelled: volume discounts, rebates for
adding liquidity, the consolidated audit trail's fee (under 0.0001 USD a share), options exchanges' own fees.
"""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from theo.domain.errors import ConfigError
from theo.domain.instrument import Instrument
from theo.domain.orders import Side

BILLION = 1_000_000_000  # shares of a value are parts per billion


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """What an order costs. Amounts are micros, shares (``*_ppb``) parts per billion of the trade value.

    ``unit_by_price`` replaces ``per_unit`` below a price: (price in micros, micros a unit), the lowest first.
    ``passed_*`` is what others charge and the broker passes on: a unit, and as a share of the commission.
    ``sell_*`` are regulators' fees, on sells only. A maximum of 0 is none.
    """

    source: str
    as_of: str  # ISO date from which the latest of its rates holds
    per_unit: int = 0
    unit_by_price: tuple[tuple[int, int], ...] = ()
    order_min: int = 0
    value_ppb: int = 0
    order_max_ppb: int = 0
    passed_per_unit: int = 0
    passed_of_commission_ppb: int = 0
    sell_value_ppb: int = 0
    sell_per_unit: int = 0
    sell_per_unit_max: int = 0


class Done(msgspec.Struct, frozen=True, gc=False):
    """What an order has executed: units, trade value in micros, and the commission by unit in micros."""

    quantity: int = 0
    value: int = 0
    by_unit: int = 0

    def plus(self, more: "Done") -> "Done":
        """Both together."""
        return Done(self.quantity + more.quantity, self.value + more.value, self.by_unit + more.by_unit)


# SEC, fee-rate advisory 2 for fiscal year 2026: 20.60 USD a million sold from 2026-04-04 (0 from 2025-05-14, 27.80 before).
SECTION_31_PPB = 20_600
# FINRA, SR-FINRA-2024-019: from 2026-01-01 0.000195 USD a share sold, at most 9.79 a trade (2025: 0.000166 and 8.30).
TAF_PER_SHARE, TAF_PER_TRADE_MAX = 195, 9_790_000
TAF_PER_CONTRACT = 3_290  # the same filing, options
REGULATORS_AS_OF = "2026-04-04"
# Access fee for taking liquidity, at most 0.0030 USD a share under Regulation NMS, and clearing (NSCC, DTC) 0.00020 a share.
TAKING_AND_CLEARING = 3_000 + 200
NYSE_AND_FINRA_OF_COMMISSION_PPB = 175_000 + 560_000  # IBKR tiered: commission x 0.000175 and x 0.00056

_FUTURES = "IBKR, Futures commissions and exchange fees (CME): commission + exchange + NFA, a contract and side, "


# IBKR charges them in the account's base currency; here they are in the currency of the price, and so is their minimum.
_SPOT_CURRENCIES = (
    "IBKR, spot currencies, first tier (to 1,000,000,000 USD a month): 0.20 basis points of the trade value, at least "
)


def _future(per_contract: int, parts: str) -> Schedule:
    return Schedule(source=_FUTURES + parts, as_of="2026-01-01", per_unit=per_contract)


SCHEDULES: Mapping[str, Schedule] = MappingProxyType(
    {
        "zero": Schedule(source="no charges", as_of=""),
        "reference": Schedule(source="the reference strategy: 0.00002 of the notional a side", as_of="", value_ppb=20_000),
        "stocks_fixed": Schedule(
            source="IBKR Pro fixed, US stocks and ETFs: 0.005 a share, at least 1.00, at most 1 % of the trade value",
            as_of=REGULATORS_AS_OF,
            per_unit=5_000,
            order_min=1_000_000,
            order_max_ppb=10_000_000,
            sell_value_ppb=SECTION_31_PPB,
            sell_per_unit=TAF_PER_SHARE,
            sell_per_unit_max=TAF_PER_TRADE_MAX,
        ),
        "stocks_tiered": Schedule(
            source="IBKR Pro tiered, US stocks and ETFs, first tier (to 300,000 shares a month): 0.0035 a share, at least 0.35, "
            "at most 1 % of the trade value; venue, clearing and pass-through fees on top",
            as_of=REGULATORS_AS_OF,
            per_unit=3_500,
            order_min=350_000,
            order_max_ppb=10_000_000,
            passed_per_unit=TAKING_AND_CLEARING,
            passed_of_commission_ppb=NYSE_AND_FINRA_OF_COMMISSION_PPB,
            sell_value_ppb=SECTION_31_PPB,
            sell_per_unit=TAF_PER_SHARE,
            sell_per_unit_max=TAF_PER_TRADE_MAX,
        ),
        "options": Schedule(
            source="IBKR Pro, US options, first tier (to 10,000 contracts a month): 0.65 a contract, 0.50 below a premium of "
            "0.10, 0.25 below 0.05; at least 1.00 an order",
            as_of=REGULATORS_AS_OF,
            per_unit=650_000,
            unit_by_price=((50_000, 250_000), (100_000, 500_000)),
            order_min=1_000_000,
            sell_value_ppb=SECTION_31_PPB,
            sell_per_unit=TAF_PER_CONTRACT,
            sell_per_unit_max=TAF_PER_TRADE_MAX,
        ),
        "futures_mes": _future(620_000, "0.25 + 0.35 + 0.02"),
        "futures_es": _future(2_250_000, "0.85 + 1.38 + 0.02"),
        "futures_nq": _future(2_250_000, "0.85 + 1.38 + 0.02"),
        "currency_usd": Schedule(
            source=_SPOT_CURRENCIES + "2.00 USD an order", as_of="2026-01-01", value_ppb=20_000, order_min=2_000_000
        ),
        "currency_jpy": Schedule(
            source=_SPOT_CURRENCIES + "what 2.00 USD are in yen: our estimate of 300, it moves with the rate",
            as_of="2026-01-01",
            value_ppb=20_000,
            order_min=300_000_000,
        ),
        "futures_vx": _future(2_400_000, "not published as one figure: our estimate, to be compared with a commission report"),
    }
)


def schedule(name: str) -> Schedule:
    """The schedule of a name. Raises ConfigError naming those that exist."""
    found = SCHEDULES.get(name)
    if found is None:
        raise ConfigError(f"fee schedule {name!r} is not known", remedy=f"Choose one of {', '.join(SCHEDULES)}")
    return found


def done(instrument: Instrument, quantity: int, price: int, rates: Schedule) -> Done:
    """One execution of ``quantity`` (positive) at ``price`` (price units), as it enters an order's charges."""
    return Done(quantity, quantity * price * instrument.unit_value, quantity * _unit_rate(instrument, price, rates))


def order_charges(side: Side, total: Done, rates: Schedule) -> int:
    """Commission and fees, micros, of an order that executed ``total``; it never falls as the order executes more."""
    if not total.quantity:
        return 0
    commission = max(total.by_unit + _share(total.value, rates.value_ppb), rates.order_min)
    if rates.order_max_ppb:
        commission = min(commission, _share(total.value, rates.order_max_ppb))
    passed = total.quantity * rates.passed_per_unit + _share(commission, rates.passed_of_commission_ppb)
    return commission + passed + (_regulators(total, rates) if side is Side.SELL else 0)


def charges(instrument: Instrument, side: Side, quantity: int, price: int, rates: Schedule) -> int:
    """Commission and fees, micros, of an order that executes at once: ``quantity`` (positive) at ``price`` (price units)."""
    return order_charges(side, done(instrument, quantity, price, rates), rates)


def round_trip_estimate(instrument: Instrument, quantity: int, price: int, rates: Schedule) -> int:
    """What buying and selling ``quantity`` at ``price`` costs in charges, micros: what sizing counts as certain loss."""
    total = done(instrument, quantity, price, rates)
    return order_charges(Side.BUY, total, rates) + order_charges(Side.SELL, total, rates)


def _unit_rate(instrument: Instrument, price: int, rates: Schedule) -> int:
    micros = price * 10 ** (6 - instrument.price_decimals)
    for below, rate in rates.unit_by_price:
        if micros < below:
            return rate
    return rates.per_unit


def _regulators(total: Done, rates: Schedule) -> int:
    activity = total.quantity * rates.sell_per_unit
    if rates.sell_per_unit_max:
        activity = min(activity, rates.sell_per_unit_max)
    return activity + _share(total.value, rates.sell_value_ppb)


def _share(value: int, ppb: int) -> int:
    return (value * ppb + BILLION // 2) // BILLION
