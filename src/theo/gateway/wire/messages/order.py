"""The order as it travels inside other messages: one value for placeOrder, openOrder and completedOrder, in IB's words.

None is "not set". How the three messages arrange it is in `order_layouts`.
"""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from theo.gateway.wire.kinds import ZERO, Long, MaxFloat, Offset, TagValue


class OrderComboLeg(msgspec.Struct, frozen=True, gc=False):
    """The price of one leg of a combination."""

    price: float | None = None


class PriceCondition(msgspec.Struct, frozen=True, gc=False):
    """A price of a contract is reached. Conjunction: a and, o or, with the next condition."""

    conjunction: str
    is_more: bool
    price: float
    con_id: int
    exchange: str
    trigger_method: int = 0


class TimeCondition(msgspec.Struct, frozen=True, gc=False):
    """A time is reached."""

    conjunction: str
    is_more: bool
    time: str


class MarginCondition(msgspec.Struct, frozen=True, gc=False):
    """The margin cushion reaches a percentage."""

    conjunction: str
    is_more: bool
    percent: int


class ExecutionCondition(msgspec.Struct, frozen=True, gc=False):
    """A contract was traded in this account."""

    conjunction: str
    sec_type: str
    exchange: str
    symbol: str


class VolumeCondition(msgspec.Struct, frozen=True, gc=False):
    """A contract's volume is reached."""

    conjunction: str
    is_more: bool
    volume: int
    con_id: int
    exchange: str


class PercentChangeCondition(msgspec.Struct, frozen=True, gc=False):
    """A contract's change since the last close is reached."""

    conjunction: str
    is_more: bool
    change_percent: float
    con_id: int
    exchange: str


OrderCondition = PriceCondition | TimeCondition | MarginCondition | ExecutionCondition | VolumeCondition | PercentChangeCondition
CONDITIONS: Mapping[int, type[msgspec.Struct]] = {
    1: PriceCondition,
    3: TimeCondition,
    4: MarginCondition,
    5: ExecutionCondition,
    6: VolumeCondition,
    7: PercentChangeCondition,
}


class Order(msgspec.Struct, frozen=True, gc=False):
    """Everything that an order can say. A message carries a part of it; the rest stays at its default."""

    order_id: int = 0
    client_id: int = 0
    perm_id: Long = 0
    parent_perm_id: Long = 0
    # what, how much, at which price
    action: str = ""
    total_quantity: Decimal = ZERO
    order_type: str = ""
    lmt_price: float | None = None
    aux_price: float | None = None
    tif: str = ""
    cash_qty: MaxFloat = None
    filled_quantity: Decimal | None = None
    # whose, and how it belongs together
    account: str = ""
    order_ref: str = ""
    transmit: bool = True
    parent_id: int = 0
    oca_group: str = ""
    oca_type: int = 0
    open_close: str = ""
    origin: int = 0
    what_if: bool = False
    # when
    outside_rth: bool = False
    good_after_time: str = ""
    good_till_date: str = ""
    active_start_time: str = ""
    active_stop_time: str = ""
    auto_cancel_date: str = ""
    auto_cancel_parent: bool = False
    duration: int | None = None
    manual_order_time: str = ""
    # how it is shown and worked
    block_order: bool = False
    sweep_to_fill: bool = False
    display_size: int | None = None
    trigger_method: int = 0
    hidden: bool = False
    all_or_none: bool = False
    min_qty: int | None = None
    min_trade_qty: int | None = None
    min_compete_size: int | None = None
    percent_offset: float | None = None
    trail_stop_price: MaxFloat = None
    trailing_percent: float | None = None
    discretionary_amt: float = 0.0
    discretionary_up_to_limit_price: bool = False
    not_held: bool = False
    e_trade_only: bool = False
    firm_quote_only: bool = False
    nbbo_price_cap: float | None = None
    opt_out_smart_routing: bool = False
    route_marketable_to_bbo: bool = False
    imbalance_only: bool = False
    use_price_mgmt_algo: bool | None = None
    post_to_ats: int | None = None
    compete_against_best_offset: Offset = None
    mid_offset_at_whole: float | None = None
    mid_offset_at_half: float | None = None
    randomize_size: bool = False
    randomize_price: bool = False
    override_percentage_constraints: bool = False
    advanced_error_override: str = ""
    # advisors and institutions
    fa_group: str = ""
    fa_method: str = ""
    fa_percentage: str = ""
    fa_profile: str = ""
    model_code: str = ""
    rule80_a: str = ""
    settling_firm: str = ""
    clearing_account: str = ""
    clearing_intent: str = ""
    short_sale_slot: int = 0
    designated_location: str = ""
    exempt_code: int = -1
    solicited: bool = False
    shareholder: str = ""
    is_oms_container: bool = False
    ext_operator: str = ""
    soft_dollar_tier_name: str = ""
    soft_dollar_tier_value: str = ""
    soft_dollar_tier_display_name: str = ""
    mifid2_decision_maker: str = ""
    mifid2_decision_algo: str = ""
    mifid2_execution_trader: str = ""
    mifid2_execution_algo: str = ""
    # options and volatility
    auction_strategy: int = 0
    starting_price: float | None = None
    stock_ref_price: float | None = None
    delta: float | None = None
    stock_range_lower: float | None = None
    stock_range_upper: float | None = None
    volatility: float | None = None
    volatility_type: int | None = None
    continuous_update: bool = False
    reference_price_type: int | None = None
    delta_neutral_order_type: str = ""
    delta_neutral_aux_price: float | None = None
    delta_neutral_con_id: int = 0
    delta_neutral_settling_firm: str = ""
    delta_neutral_clearing_account: str = ""
    delta_neutral_clearing_intent: str = ""
    delta_neutral_open_close: str = ""
    delta_neutral_short_sale: bool = False
    delta_neutral_short_sale_slot: int = 0
    delta_neutral_designated_location: str = ""
    # combinations
    basis_points: float | None = None
    basis_points_type: int | None = None
    order_combo_legs: tuple[OrderComboLeg, ...] = ()
    smart_combo_routing_params: tuple[TagValue, ...] = ()
    ref_futures_con_id: int = 0
    # scale
    scale_init_level_size: int | None = None
    scale_subs_level_size: int | None = None
    scale_price_increment: float | None = None
    scale_price_adjust_value: float | None = None
    scale_price_adjust_interval: int | None = None
    scale_profit_offset: float | None = None
    scale_auto_reset: bool = False
    scale_init_position: int | None = None
    scale_init_fill_qty: int | None = None
    scale_random_percent: bool = False
    scale_table: str = ""
    # hedge and algorithm
    hedge_type: str = ""
    hedge_param: str = ""
    dont_use_auto_price_for_hedge: bool = False
    algo_strategy: str = ""
    algo_params: tuple[TagValue, ...] = ()
    algo_id: str = ""
    order_misc_options: tuple[TagValue, ...] = ()
    # pegged to a benchmark
    reference_contract_id: int = 0
    is_pegged_change_amount_decrease: bool = False
    pegged_change_amount: float = 0.0
    reference_change_amount: float = 0.0
    reference_exchange_id: str = ""
    # conditions and adjustment
    conditions: tuple[OrderCondition, ...] = ()
    conditions_ignore_rth: bool = False
    conditions_cancel_order: bool = False
    adjusted_order_type: str = ""
    trigger_price: MaxFloat = None
    lmt_price_offset: MaxFloat = None
    adjusted_stop_price: MaxFloat = None
    adjusted_stop_limit_price: MaxFloat = None
    adjusted_trailing_amount: MaxFloat = None
    adjustable_trailing_unit: int = 0


class OrderState(msgspec.Struct, frozen=True, gc=False):
    """What the server says of an order: its status, and for a what-if order margins and commissions."""

    status: str = ""
    init_margin_before: MaxFloat = None
    maint_margin_before: MaxFloat = None
    equity_with_loan_before: MaxFloat = None
    init_margin_change: MaxFloat = None
    maint_margin_change: MaxFloat = None
    equity_with_loan_change: MaxFloat = None
    init_margin_after: MaxFloat = None
    maint_margin_after: MaxFloat = None
    equity_with_loan_after: MaxFloat = None
    commission: float | None = None
    min_commission: float | None = None
    max_commission: float | None = None
    commission_currency: str = ""
    warning_text: str = ""
    completed_time: str = ""
    completed_status: str = ""
