"""Incidents of orders."""

from decimal import Decimal

from theo.gateway.desk import Desk
from theo.gateway.incidents.incident import Act, Args, Incident, amount, number, seconds
from theo.gateway.incidents.levers import TradingLevers
from theo.gateway.trading.faults import Fault
from theo.gateway.wire.messages.contract import Contract
from theo.gateway.wire.messages.order import Order

REASON = (
    "We are unable to accept your order. Your Available Funds are in sufficient to cover the change in the account's margin "
    "requirements if this order executes."
)
COUNT = {"count": "how many of them (1)"}


def orders(trading: TradingLevers) -> dict[str, Incident]:
    """By name."""
    return {**_spoiled(trading), **_struck(trading)}


def _spoiled(trading: TradingLevers) -> dict[str, Incident]:
    """What meets the next order, change or cancel, and is used up by it."""

    def swallow(args: Args, count: int) -> None:
        trading.swallow_orders(count, seconds(args, "seconds", 0.0) or None)

    def reject(args: Args, count: int) -> None:
        trading.reject_next(count, str(args.get("reason", REASON)))

    def next_ones(fault: Fault, what: str, spoil: Act, takes: dict[str, str] | None = None) -> Incident:
        return Incident(
            what=what,
            begin=spoil,
            end=lambda desk, _args: spoil(desk, {"count": 0}),
            left=lambda: trading.spoils(fault),
            takes={**COUNT, **(takes or {})},
        )

    return {
        "sent-no-answer": next_ones(
            Fault.SWALLOW,
            "the next order is taken and lives, and no callback ever comes, or all come late",
            lambda _desk, args: swallow(args, number(args, "count", 1)),
            {"seconds": "how late (never)"},
        ),
        "lost-orders": next_ones(
            Fault.LOSE,
            "the next order never arrives, as in the moment before a restart: it is nowhere, and its number is given out again",
            lambda _desk, args: trading.lose_orders(number(args, "count", 1)),
        ),
        "two-permids": next_ones(
            Fault.SPLIT,
            "the next change makes two live orders of one: the same order id, two permIds",
            lambda _desk, args: trading.split_modifies(number(args, "count", 1)),
        ),
        "reject-201": next_ones(
            Fault.REJECT,
            "the next order is rejected: Inactive, and 201 with a reason",
            lambda _desk, args: reject(args, number(args, "count", 1)),
            {"reason": "in words (margin)"},
        ),
        "inactive": next_ones(
            Fault.LATE_REJECT,
            "the next order becomes Inactive, its 201 comes five seconds later",
            lambda _desk, args: trading.late_rejects(number(args, "count", 1)),
        ),
        "cancel-races-fill": next_ones(
            Fault.LOSE_CANCEL,
            "the next cancel crosses a fill: 10148, and the order is filled",
            lambda _desk, args: trading.lose_cancels(number(args, "count", 1)),
        ),
    }


def _struck(trading: TradingLevers) -> dict[str, Incident]:
    """What happens to an order that is there, or as soon as there is one."""

    def both(desk: Desk, _args: Args) -> None:
        for perm_id in trading.rivals() or ():
            trading.fill_now(desk, perm_id)

    def part(desk: Desk, _args: Args) -> None:
        perm_id = trading.newest_parent()
        if perm_id is not None:
            trading.fill_now(desk, perm_id, trading.remaining(perm_id) // 2)
            trading.release_children(desk, perm_id)

    return {
        "corrected-execution": Incident(
            what="the newest execution is corrected: the same id with the suffix .02, another price",
            begin=lambda desk, _args: trading.correct_execution(desk),
            ready=lambda _desk, _args: trading.has_executions(),
        ),
        "oco-both-fill": Incident(
            what="two orders of a group, or both children of a bracket, fill in a race",
            begin=both,
            ready=lambda _desk, _args: trading.rivals() is not None,
        ),
        "partial-bracket": Incident(
            what="half of a bracket's parent fills, and its children begin to work in their whole size",
            begin=part,
            ready=lambda _desk, _args: trading.newest_parent() is not None,
        ),
        "tws-order": Incident(
            what="an order is typed into TWS: order id 0, no orderRef",
            begin=lambda desk, args: _type(trading, desk, args),
            takes={
                "symbol": "of which contract (SPY)",
                "sec_type": "(STK)",
                "exchange": "(SMART)",
                "expiry": "of a future",
                "con_id": "instead of all that",
                "side": "(BUY)",
                "quantity": "(1)",
                "limit": "its price (none: at the market)",
            },
        ),
    }


def _type(trading: TradingLevers, desk: Desk, args: Args) -> None:
    con_id, limit = number(args, "con_id", 0), amount(args, "limit")
    contract = Contract(
        con_id=con_id,
        symbol="" if con_id else str(args.get("symbol", "SPY")),
        sec_type="" if con_id else str(args.get("sec_type", "STK")),
        exchange=str(args.get("exchange", "SMART")),
        last_trade_date_or_contract_month=str(args.get("expiry", "")),
    )
    order = Order(
        action=str(args.get("side", "BUY")),
        order_type="MKT" if limit is None else "LMT",
        total_quantity=Decimal(number(args, "quantity", 1)),
        lmt_price=limit,
        tif="DAY",
        transmit=True,
    )
    trading.place_in_tws(desk, contract, order)
