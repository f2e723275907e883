"""What an order can say and this gateway does not do: refused, each with IB's own error where it has one.

What changes only how an order is shown (hidden, iceberg, sweep) is taken and has no effect: nobody else trades here.
"""

from collections.abc import Callable

from theo.gateway.request_refused import RequestRefusedError
from theo.gateway.wire.messages.order import ExecutionCondition, MarginCondition, Order

Refusal = tuple[int, str]
NOT_HERE = "Order rejected - reason:{} is not supported by this simulated gateway."

FEATURES: tuple[tuple[Callable[[Order], object], Refusal], ...] = (
    (lambda o: o.e_trade_only, (10_268, "The 'EtradeOnly' order attribute is not supported.")),
    (lambda o: o.firm_quote_only, (10_269, "The 'FirmQuoteOnly' order attribute is not supported.")),
    (lambda o: o.nbbo_price_cap, (10_270, "The 'NbboPriceCap' order attribute is not supported.")),
    (lambda o: o.algo_strategy, (442, "Specified algorithm is not allowed for this order.")),
    (lambda o: o.hedge_type, (201, NOT_HERE.format("A hedge"))),
    (lambda o: (o.scale_price_increment or 0) > 0, (201, NOT_HERE.format("A scale"))),
    (lambda o: o.delta_neutral_order_type not in {"", "None"}, (201, NOT_HERE.format("A delta neutral order"))),
    (lambda o: o.adjusted_order_type not in {"", "None"}, (201, NOT_HERE.format("An adjustment of the order type"))),
    (lambda o: o.all_or_none, (201, NOT_HERE.format("All or none"))),
    (lambda o: o.min_qty, (201, NOT_HERE.format("A minimum quantity"))),
    (lambda o: o.discretionary_amt, (201, NOT_HERE.format("A discretionary amount"))),
    (lambda o: o.conditions_cancel_order, (201, NOT_HERE.format("A cancelling condition"))),
    (lambda o: any(isinstance(c, MarginCondition) for c in o.conditions), (201, NOT_HERE.format("A condition on margin"))),
    (
        lambda o: any(isinstance(c, ExecutionCondition) for c in o.conditions),
        (201, NOT_HERE.format("A condition on executions")),
    ),
    (lambda o: o.active_start_time or o.active_stop_time, (201, NOT_HERE.format("An active time"))),
    (lambda o: o.fa_profile, (332, "The account codes for the order profile are invalid.")),
)


def refuse_unsupported(order: Order) -> None:
    """Raises RequestRefusedError for the first thing that is not done here."""
    for asks_for, (code, text) in FEATURES:
        if asks_for(order):
            raise RequestRefusedError(code, text)
