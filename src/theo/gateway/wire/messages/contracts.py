"""Reference data: contract details, matching symbols, option parameters, market rules, account families and tiers."""

from decimal import Decimal

import msgspec

from theo.gateway.wire.kinds import ZERO, TagValue
from theo.gateway.wire.messages.contract import CONTRACT_ASKED, CONTRACT_HELD, Contract
from theo.gateway.wire.schema import Fixed, Message, Repeat, Span, answer, parts_of, request, since, under, until


class ReqContractDetails(Message, frozen=True):
    """Asks for every contract that matches."""

    req_id: int
    contract: Contract


class ReqMatchingSymbols(Message, frozen=True):
    """Asks for stocks whose symbol or name begins so."""

    req_id: int
    pattern: str


class ReqSecDefOptParams(Message, frozen=True):
    """Asks for the expirations and strikes of an underlying's options."""

    req_id: int
    underlying_symbol: str
    fut_fop_exchange: str
    underlying_sec_type: str
    underlying_con_id: int


class ReqMarketRule(Message, frozen=True):
    """Asks for the price increments of a rule."""

    market_rule_id: int


class ReqFamilyCodes(Message, frozen=True):
    """Asks for the families of the accounts."""


class ReqSoftDollarTiers(Message, frozen=True):
    """Asks for the soft dollar tiers."""

    req_id: int


class ExerciseOptions(Message, frozen=True):
    """Exercises (1) or lapses (2) options."""

    req_id: int
    contract: Contract
    exercise_action: int
    exercise_quantity: int
    account: str
    override: bool


class ContractDetails(Message, frozen=True):
    """A contract that matches. Its last trade field is a day, and from version 174 on `YYYYMMDD HH:MM ZONE`."""

    req_id: int
    contract: Contract
    market_name: str = ""
    min_tick: float = 0.0
    order_types: str = ""
    valid_exchanges: str = ""
    price_magnifier: int = 1
    under_con_id: int = 0
    long_name: str = ""
    contract_month: str = ""
    industry: str = ""
    category: str = ""
    subcategory: str = ""
    time_zone_id: str = ""
    trading_hours: str = ""
    liquid_hours: str = ""
    ev_rule: str = ""
    ev_multiplier: int = 0
    md_size_multiplier: int = 1
    sec_id_list: tuple[TagValue, ...] = ()
    agg_group: int = 0
    under_symbol: str = ""
    under_sec_type: str = ""
    market_rule_ids: str = ""
    real_expiration_date: str = ""
    stock_type: str = ""
    min_size: Decimal = Decimal(1)
    size_increment: Decimal = Decimal(1)
    suggested_size_increment: Decimal = Decimal(1)


class BondContractDetails(Message, frozen=True):
    """A bond that matches. `maturity` carries day, time and zone as ContractDetails' last trade field does.

    A coupon with a fraction is beyond ib_async 2.1 and the official client of 2020: both read a whole number.
    """

    req_id: int
    contract: Contract
    cusip: str = ""
    coupon: Decimal = ZERO
    maturity: str = ""
    issue_date: str = ""
    ratings: str = ""
    bond_type: str = ""
    coupon_type: str = ""
    convertible: bool = False
    callable: bool = False
    putable: bool = False
    desc_append: str = ""
    market_name: str = ""
    min_tick: float = 0.0
    md_size_multiplier: int = 1
    order_types: str = ""
    valid_exchanges: str = ""
    next_option_date: str = ""
    next_option_type: str = ""
    next_option_partial: bool = False
    notes: str = ""
    long_name: str = ""
    ev_rule: str = ""
    ev_multiplier: int = 0
    sec_id_list: tuple[TagValue, ...] = ()
    agg_group: int = 0
    market_rule_ids: str = ""
    min_size: Decimal = Decimal(1)
    size_increment: Decimal = Decimal(1)
    suggested_size_increment: Decimal = Decimal(1)


class ContractDetailsEnd(Message, frozen=True):
    """No more contracts match."""

    req_id: int


class SymbolSample(msgspec.Struct, frozen=True, gc=False):
    """A stock that matches a pattern, and what is derived from it."""

    con_id: int
    symbol: str
    sec_type: str
    primary_exchange: str
    currency: str
    derivative_sec_types: tuple[str, ...] = ()
    description: str = ""
    issuer_id: str = ""


class SymbolSamples(Message, frozen=True):
    """The stocks that match a pattern."""

    req_id: int
    samples: tuple[SymbolSample, ...]


class SecurityDefinitionOptionParameter(Message, frozen=True):
    """Expirations and strikes of one exchange and trading class."""

    req_id: int
    exchange: str
    underlying_con_id: int
    trading_class: str
    multiplier: str
    expirations: tuple[str, ...]
    strikes: tuple[float, ...]


class SecurityDefinitionOptionParameterEnd(Message, frozen=True):
    """No more exchanges or classes."""

    req_id: int


class PriceIncrement(msgspec.Struct, frozen=True, gc=False):
    """From this price on, prices move in this step."""

    low_edge: float
    increment: float


class MarketRule(Message, frozen=True):
    """The price increments of a rule."""

    market_rule_id: int
    increments: tuple[PriceIncrement, ...]


class FamilyCode(msgspec.Struct, frozen=True, gc=False):
    """An account and its family."""

    account_id: str
    family_code: str


class FamilyCodes(Message, frozen=True):
    """The families of the accounts."""

    codes: tuple[FamilyCode, ...]


class SoftDollarTier(msgspec.Struct, frozen=True, gc=False):
    """A soft dollar tier."""

    name: str
    val: str
    display_name: str


class SoftDollarTiers(Message, frozen=True):
    """The soft dollar tiers."""

    req_id: int
    tiers: tuple[SoftDollarTier, ...]


SIZES_SINCE = 164
_SEC_IDS = Repeat("sec_id_list")
_SIZES = since(SIZES_SINCE, "min_size", "size_increment", "suggested_size_increment")
_DETAILS = (
    until(SIZES_SINCE, Fixed("8", "version")),
    "req_id",
    *under("contract", "symbol", "sec_type", "last_trade_date_or_contract_month", "strike", "right", "exchange", "currency"),
    *under("contract", "local_symbol"),
    "market_name",
    *under("contract", "trading_class", "con_id"),
    "min_tick",
    until(SIZES_SINCE, "md_size_multiplier"),
    *under("contract", "multiplier"),
    *("order_types", "valid_exchanges", "price_magnifier", "under_con_id", "long_name"),
    *under("contract", "primary_exchange"),
    *("contract_month", "industry", "category", "subcategory", "time_zone_id", "trading_hours", "liquid_hours"),
    *("ev_rule", "ev_multiplier", _SEC_IDS, "agg_group", "under_symbol", "under_sec_type", "market_rule_ids"),
    *("real_expiration_date", "stock_type"),
    Span(163, SIZES_SINCE, parts_of("suggested_size_increment")),  # one size alone, which 164 replaced by three
    _SIZES,
)
_BOND_DETAILS = (
    until(SIZES_SINCE, Fixed("6", "version")),
    "req_id",
    *under("contract", "symbol", "sec_type"),
    *("cusip", "coupon", "maturity", "issue_date", "ratings", "bond_type", "coupon_type", "convertible", "callable", "putable"),
    "desc_append",
    *under("contract", "exchange", "currency"),
    "market_name",
    *under("contract", "trading_class", "con_id"),
    "min_tick",
    until(SIZES_SINCE, "md_size_multiplier"),
    *("order_types", "valid_exchanges", "next_option_date", "next_option_type", "next_option_partial", "notes", "long_name"),
    *("ev_rule", "ev_multiplier", _SEC_IDS, "agg_group", "market_rule_ids"),
    _SIZES,
)
_SAMPLE = (
    *("con_id", "symbol", "sec_type", "primary_exchange", "currency"),
    Repeat("derivative_sec_types"),
    since(176, "description", "issuer_id"),
)

REQUESTS = (
    request(
        ReqContractDetails,
        9,
        "req_id",
        *CONTRACT_ASKED,
        *under("contract", "include_expired", "sec_id_type", "sec_id"),
        since(176, "contract.issuer_id"),
        version=8,
    ),
    request(
        ExerciseOptions,
        21,
        "req_id",
        *CONTRACT_HELD,
        "exercise_action",
        "exercise_quantity",
        "account",
        "override",
        version=2,
    ),
    request(ReqSecDefOptParams, 78),
    request(ReqSoftDollarTiers, 79),
    request(ReqFamilyCodes, 80),
    request(ReqMatchingSymbols, 81),
    request(ReqMarketRule, 91),
)
ANSWERS = (
    answer(ContractDetails, 10, *_DETAILS),
    answer(BondContractDetails, 18, *_BOND_DETAILS),
    answer(ContractDetailsEnd, 52, version=1),
    answer(
        SecurityDefinitionOptionParameter,
        75,
        *("req_id", "exchange", "underlying_con_id", "trading_class", "multiplier"),
        Repeat("expirations"),
        Repeat("strikes"),
    ),
    answer(SecurityDefinitionOptionParameterEnd, 76),
    answer(SoftDollarTiers, 77, "req_id", Repeat("tiers")),
    answer(FamilyCodes, 78, Repeat("codes")),
    answer(SymbolSamples, 79, "req_id", Repeat("samples", parts_of(*_SAMPLE))),
    answer(MarketRule, 93, "market_rule_id", Repeat("increments")),
)
