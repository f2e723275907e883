"""The canonical order list of a run and its SHA-256: what two runs must have in common to have decided the same.

Nothing in it depends on ids of a run, a journal or a process: trades and orders are counted in the order of their intents,
instruments are named by symbol. Times are core time in microseconds UTC, prices are price units.
"""

import hashlib
from collections.abc import Iterable, Mapping

from theo.domain.facts import AmendIntended, CancelIntended, Fact, Filled, OrdersIntended, TradeIntended
from theo.domain.orders import Order, PriceCondition

NEWLINE = b"\n"


class _Numbers:
    """Numbers for ids in the order in which they were first met, from 1."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def of(self, name: str) -> int:
        """The number of an id; 0 for none."""
        return self._known.setdefault(name, len(self._known) + 1) if name else 0


def order_lines(facts: Iterable[Fact], symbols: Mapping[int, str]) -> list[str]:
    """One line for each order, amendment and cancel that was intended, in order. ``symbols`` by instrument id."""
    trades, orders = _Numbers(), _Numbers()
    lines = []
    for fact in facts:
        if isinstance(fact, TradeIntended | OrdersIntended):
            lines += [_order_line(fact.at, order, symbols, trades, orders) for order in fact.approved.subject.orders]
        elif isinstance(fact, AmendIntended):
            change = fact.approved.subject
            prices = _text(change.limit, change.stop, change.trail)
            lines.append(f"{fact.at} amend {orders.of(change.order)} {change.quantity} {prices}")
        elif isinstance(fact, CancelIntended):
            lines.append(f"{fact.at} cancel {orders.of(fact.order)}")
    return lines


def fill_lines(facts: Iterable[Fact], symbols: Mapping[int, str]) -> list[str]:
    """One line for each execution, in the order in which they were learned; orders counted as they were intended."""
    orders = _Numbers()
    lines = []
    for fact in facts:
        if isinstance(fact, TradeIntended | OrdersIntended):
            for order in fact.approved.subject.orders:
                orders.of(order.id)
        elif isinstance(fact, Filled):
            what = f"{symbols[fact.instrument]} {fact.side} {fact.quantity} at {fact.price} charges {fact.charges}"
            lines.append(f"{fact.timestamp} fill {orders.of(fact.order)} {what}")
    return lines


def orders_hash(facts: Iterable[Fact], symbols: Mapping[int, str]) -> str:
    """SHA-256, in hex, of the canonical order list."""
    return lines_hash(order_lines(facts, symbols))


def lines_hash(lines: Iterable[str]) -> str:
    """SHA-256, in hex, of lines that each end with a newline."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode() + NEWLINE)
    return digest.hexdigest()


def _order_line(at: int, order: Order, symbols: Mapping[int, str], trades: _Numbers, orders: _Numbers) -> str:
    number = orders.of(order.id)
    what = f"{symbols[order.instrument]} {order.role} {order.side} {order.type} {order.quantity} {order.tif}"
    prices = _text(order.limit, order.stop, order.trail)
    bound = f"trade {trades.of(order.trade)} parent {orders.of(order.parent)}"
    group = f"oca {order.oca_type}" if order.oca_group else "alone"
    route = f" to {order.route}" if order.route else ""
    on = f" on {_condition(order.condition, symbols)}" if order.condition is not None else ""
    return f"{at} order {number} {what} {prices} {bound} {group}{' outside_rth' if order.outside_rth else ''}{route}{on}"


def _condition(condition: PriceCondition, symbols: Mapping[int, str]) -> str:
    return f"{symbols[condition.instrument]} {'from' if condition.above else 'to'} {condition.price}"


def _text(limit: int | None, stop: int | None, trail: int | None) -> str:
    return " ".join(
        f"{name} {'-' if price is None else price}" for name, price in (("limit", limit), ("stop", stop), ("trail", trail))
    )
