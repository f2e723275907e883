"""How placeOrder, openOrder and completedOrder arrange the order's fields. What the fields mean is in `order`."""

from theo.gateway.wire.messages.contract import BAG, CONTRACT_ASKED, CONTRACT_HELD, DELTA_NEUTRAL, ORDER_LEGS
from theo.gateway.wire.messages.order import CONDITIONS
from theo.gateway.wire.schema import (
    INFINITE,
    NOT_EMPTY,
    POSITIVE,
    Choice,
    Fixed,
    Named,
    Part,
    Repeat,
    one_of,
    since,
    under,
    until,
    when,
)

PEG_BENCH = one_of("PEG BENCH", "PEGBENCH")
PEG_BEST = one_of("PEG BEST", "PEGBEST")
PEG_MID = one_of("PEG MID", "PEGMID")
IBKRATS = one_of("IBKRATS")
FA_PROFILE_UNTIL = 177


def order(*names: str) -> tuple[Part, ...]:
    """Fields of the order."""
    return under("order", *names)


_TICKET = order(
    *("action", "total_quantity", "order_type", "lmt_price", "aux_price", "tif", "oca_group", "account", "open_close"),
    *("origin", "order_ref"),
)
_ADVISOR = (*order("fa_group", "fa_method", "fa_percentage"), until(FA_PROFILE_UNTIL, "order.fa_profile"))
_SHORT_SALE = order("short_sale_slot", "designated_location", "exempt_code")
_BOX = order("starting_price", "stock_ref_price", "delta", "stock_range_lower", "stock_range_upper")
_VOLATILITY = order("volatility", "volatility_type", "delta_neutral_order_type", "delta_neutral_aux_price")
_DELTA_NEUTRAL_ORDER = when(
    "order.delta_neutral_order_type",
    NOT_EMPTY,
    *order(
        *("delta_neutral_con_id", "delta_neutral_settling_firm", "delta_neutral_clearing_account"),
        *("delta_neutral_clearing_intent", "delta_neutral_open_close", "delta_neutral_short_sale"),
        *("delta_neutral_short_sale_slot", "delta_neutral_designated_location"),
    ),
)
_TRAILING = order("continuous_update", "reference_price_type", "trail_stop_price", "trailing_percent")
_COMBINATION = (
    ORDER_LEGS,
    Repeat("order.order_combo_legs"),
    Repeat("order.smart_combo_routing_params"),
)
_SCALE = (
    *order("scale_init_level_size", "scale_subs_level_size", "scale_price_increment"),
    when(
        "order.scale_price_increment",
        POSITIVE,
        *order(
            *("scale_price_adjust_value", "scale_price_adjust_interval", "scale_profit_offset", "scale_auto_reset"),
            *("scale_init_position", "scale_init_fill_qty", "scale_random_percent"),
        ),
    ),
)
_HEDGE = (*order("hedge_type"), when("order.hedge_type", NOT_EMPTY, "order.hedge_param"))
_CLEARING = order("clearing_account", "clearing_intent", "not_held")
_ALGORITHM = (*order("algo_strategy"), when("order.algo_strategy", NOT_EMPTY, Repeat("order.algo_params")))
_BENCHMARK = when(
    "order.order_type",
    PEG_BENCH,
    *order(
        *("reference_contract_id", "is_pegged_change_amount_decrease", "pegged_change_amount"),
        *("reference_change_amount", "reference_exchange_id"),
    ),
)
_CONDITIONS = (
    Choice("order.conditions", CONDITIONS),
    when("order.conditions", NOT_EMPTY, *order("conditions_ignore_rth", "conditions_cancel_order")),
)
_MID_OFFSETS = order("mid_offset_at_whole", "mid_offset_at_half")
_PEGGED_TAIL = since(170, *order("min_trade_qty", "min_compete_size", "compete_against_best_offset"), *_MID_OFFSETS)

PLACE_ORDER: tuple[Part, ...] = (
    *order("order_id"),
    *CONTRACT_ASKED,
    *under("contract", "sec_id_type", "sec_id"),
    *_TICKET,
    *order("transmit", "parent_id", "block_order", "sweep_to_fill", "display_size", "trigger_method", "outside_rth", "hidden"),
    when("contract.sec_type", BAG, *_COMBINATION),
    Fixed("", "shares allocation"),
    *order("discretionary_amt", "good_after_time", "good_till_date"),
    *_ADVISOR,
    *order("model_code"),
    *_SHORT_SALE,
    *order("oca_type", "rule80_a", "settling_firm", "all_or_none", "min_qty", "percent_offset", "e_trade_only"),
    *order("firm_quote_only", "nbbo_price_cap", "auction_strategy"),
    *_BOX,
    *order("override_percentage_constraints"),
    *_VOLATILITY,
    _DELTA_NEUTRAL_ORDER,
    *_TRAILING,
    *_SCALE,
    *order("scale_table", "active_start_time", "active_stop_time"),
    *_HEDGE,
    *order("opt_out_smart_routing"),
    *_CLEARING,
    DELTA_NEUTRAL,
    *_ALGORITHM,
    *order("algo_id", "what_if", "order_misc_options", "solicited", "randomize_size", "randomize_price"),
    _BENCHMARK,
    *_CONDITIONS,
    *order("adjusted_order_type", "trigger_price", "lmt_price_offset", "adjusted_stop_price", "adjusted_stop_limit_price"),
    *order("adjusted_trailing_amount", "adjustable_trailing_unit", "ext_operator"),
    *order("soft_dollar_tier_name", "soft_dollar_tier_value", "cash_qty"),
    *order("mifid2_decision_maker", "mifid2_decision_algo", "mifid2_execution_trader", "mifid2_execution_algo"),
    *order("dont_use_auto_price_for_hedge", "is_oms_container", "discretionary_up_to_limit_price", "use_price_mgmt_algo"),
    since(158, "order.duration"),
    since(160, "order.post_to_ats"),
    since(162, "order.auto_cancel_parent"),
    since(166, "order.advanced_error_override"),
    since(169, "order.manual_order_time"),
    since(
        170,
        when("contract.exchange", IBKRATS, "order.min_trade_qty"),
        when(
            "order.order_type",
            PEG_BEST,
            *order("min_compete_size", "compete_against_best_offset"),
            when("order.compete_against_best_offset", INFINITE, *_MID_OFFSETS),
        ),
        when("order.order_type", PEG_MID, *_MID_OFFSETS),
    ),
)

OPEN_ORDER: tuple[Part, ...] = (
    *order("order_id"),
    *CONTRACT_HELD,
    *_TICKET,
    *order("client_id", "perm_id", "outside_rth", "hidden", "discretionary_amt", "good_after_time"),
    Named("shares_allocation"),
    *_ADVISOR,
    *order("model_code", "good_till_date", "rule80_a", "percent_offset", "settling_firm"),
    *_SHORT_SALE,
    *order("auction_strategy"),
    *_BOX,
    *order("display_size", "block_order", "sweep_to_fill", "all_or_none", "min_qty", "oca_type", "e_trade_only"),
    *order("firm_quote_only", "nbbo_price_cap", "parent_id", "trigger_method"),
    *_VOLATILITY,
    _DELTA_NEUTRAL_ORDER,
    *_TRAILING,
    *order("basis_points", "basis_points_type"),
    *under("contract", "combo_legs_descrip"),
    *_COMBINATION,
    *_SCALE,
    *_HEDGE,
    *order("opt_out_smart_routing"),
    *_CLEARING,
    DELTA_NEUTRAL,
    *_ALGORITHM,
    *order("solicited", "what_if"),
    *under("state", "status", "init_margin_before", "maint_margin_before", "equity_with_loan_before", "init_margin_change"),
    *under("state", "maint_margin_change", "equity_with_loan_change", "init_margin_after", "maint_margin_after"),
    *under("state", "equity_with_loan_after", "commission", "min_commission", "max_commission", "commission_currency"),
    *under("state", "warning_text"),
    *order("randomize_size", "randomize_price"),
    _BENCHMARK,
    *_CONDITIONS,
    *order("adjusted_order_type", "trigger_price", "trail_stop_price", "lmt_price_offset", "adjusted_stop_price"),
    *order("adjusted_stop_limit_price", "adjusted_trailing_amount", "adjustable_trailing_unit"),
    *order("soft_dollar_tier_name", "soft_dollar_tier_value", "soft_dollar_tier_display_name", "cash_qty"),
    *order("dont_use_auto_price_for_hedge", "is_oms_container", "discretionary_up_to_limit_price", "use_price_mgmt_algo"),
    since(158, "order.duration"),
    since(160, "order.post_to_ats"),
    since(162, "order.auto_cancel_parent"),
    _PEGGED_TAIL,
)

COMPLETED_ORDER: tuple[Part, ...] = (
    *CONTRACT_HELD,
    *_TICKET,
    *order("perm_id", "outside_rth", "hidden", "discretionary_amt", "good_after_time"),
    *_ADVISOR,
    *order("model_code", "good_till_date", "rule80_a", "percent_offset", "settling_firm"),
    *_SHORT_SALE,
    *_BOX,
    *order("display_size", "sweep_to_fill", "all_or_none", "min_qty", "oca_type", "trigger_method"),
    *_VOLATILITY,
    when(
        "order.delta_neutral_order_type",
        NOT_EMPTY,
        *order("delta_neutral_con_id", "delta_neutral_short_sale", "delta_neutral_short_sale_slot"),
        *order("delta_neutral_designated_location"),
    ),
    *_TRAILING,
    *under("contract", "combo_legs_descrip"),
    *_COMBINATION,
    *_SCALE,
    *_HEDGE,
    *_CLEARING,
    DELTA_NEUTRAL,
    *_ALGORITHM,
    *order("solicited"),
    *under("state", "status"),
    *order("randomize_size", "randomize_price"),
    _BENCHMARK,
    *_CONDITIONS,
    *order("trail_stop_price", "lmt_price_offset", "cash_qty", "dont_use_auto_price_for_hedge", "is_oms_container"),
    *order("auto_cancel_date", "filled_quantity", "ref_futures_con_id", "auto_cancel_parent", "shareholder"),
    *order("imbalance_only", "route_marketable_to_bbo", "parent_perm_id"),
    *under("state", "completed_time", "completed_status"),
    _PEGGED_TAIL,
)
