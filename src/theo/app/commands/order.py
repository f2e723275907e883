"""`theo order` and `theo trade`: asking for orders and showing them. What is asked is carried out by the running trader."""

from collections.abc import Callable, Sequence

from theo.app.exit_codes import EXIT_PROBLEM
from theo.app.inbox.orders import Ordered
from theo.app.recorded.orders import OrderShown
from theo.app.terminal.output import json_text
from theo.domain.asked import EntryAsked, ExitAsked, MarginTold
from theo.domain.errors import UserError
from theo.domain.instrument import MICROS
from theo.domain.orders import OrderType, Route, Side, TimeInForce

TYPE_NAMES = {
    "MARKET": OrderType.MARKET,
    "LIMIT": OrderType.LIMIT,
    "STOP": OrderType.STOP,
    "STOP_LIMIT": OrderType.STOP_LIMIT,
    "TRAILING_STOP": OrderType.TRAILING_STOP,
}
LEG_WORDS = 4  # symbol, side, quantity, type
LEG_VALUES = ("limit", "trigger", "trail", "stop", "stop_trail", "target", "tif")
LEG_FORM = "SYMBOL BUY|SELL QUANTITY TYPE [limit= trigger= trail= stop= stop_trail= target= tif=]"


def entry(  # noqa: PLR0913 - the words of one command
    symbol: str,
    side: str,
    quantity: int,
    kind: str,
    tif: str,
    prices: dict[str, str],
    *,
    risk_percent: float,
    outside_rth: bool,
    route: str = "",
) -> EntryAsked:
    """An entry in the words of the command line."""
    return EntryAsked(
        symbol=symbol,
        side=Side(side),
        type=TYPE_NAMES[kind],
        quantity=quantity,
        risk_percent=risk_percent,
        tif=TimeInForce(tif),
        limit=prices.get("limit", ""),
        trigger=prices.get("trigger", ""),
        trail=prices.get("trail", ""),
        stop=prices.get("stop", ""),
        stop_trail=prices.get("stop_trail", ""),
        target=prices.get("target", ""),
        outside_rth=outside_rth,
        route=Route(route),
    )


def leaving(trade: str, quantity: int, kind: str, tif: str, limit: str, trigger: str, trail: str) -> ExitAsked:
    """An exit in the words of the command line."""
    return ExitAsked(
        trade=trade,
        type=TYPE_NAMES[kind],
        quantity=quantity,
        tif=TimeInForce(tif),
        limit=limit,
        trigger=trigger,
        trail=trail,
    )


def run(ask: Callable[[], Ordered], *, json: bool) -> int:
    """Ask, and say what came of it. Exit code 1 when it was refused, or nobody answers."""
    done = ask()
    print(json_text(done) if json else "\n".join(_lines(done)))
    return EXIT_PROBLEM if done.failed else 0


def show(orders: Sequence[OrderShown], *, json: bool) -> int:
    """One order, or those of a trade, with their fills and what happened to them."""
    print(json_text(orders) if json else "\n".join(line for order in orders for line in _whole(order)))
    return 0


def table(orders: Sequence[OrderShown], *, json: bool) -> int:
    """Orders as a table."""
    if json:
        print(json_text(orders))
    elif not orders:
        print("no orders")
    else:
        print("\n".join(_line(order) for order in orders))
    return 0


def leg(text: str) -> EntryAsked:
    """An entry in one line, as ``theo order oco`` takes two. Raises UserError."""
    words = text.split()
    values = dict(word.split("=", 1) for word in words[LEG_WORDS:] if "=" in word)
    wrong = [word for word in words[LEG_WORDS:] if word.split("=", 1)[0] not in LEG_VALUES or "=" not in word]
    if len(words) < LEG_WORDS or wrong or words[1].upper() not in set(Side) or words[3].upper() not in TYPE_NAMES:
        raise UserError(f"{text!r} is no entry", why=f"{wrong[0]!r} is not known" if wrong else "", remedy=f"Write {LEG_FORM}")
    tif = values.pop("tif", "DAY").upper()
    if not words[2].isdigit() or tif not in set(TimeInForce):
        raise UserError(f"{text!r} is no entry", remedy=f"Write a whole quantity, and one of {', '.join(TimeInForce)}")
    kind = words[3].upper()
    return entry(words[0], words[1].upper(), int(words[2]), kind, tif, values, risk_percent=1.0, outside_rth=False)


def _lines(done: Ordered) -> list[str]:
    verdict = {"done": "done", "refused": f"refused ({done.rule})" if done.rule else "refused"}.get(done.state, done.state)
    lines = [f"{done.run}: {verdict}: {done.text}"]
    lines += [f"  {_line(order)}" for order in done.orders]
    return lines + [f"  margin: {_margin(told)}" for told in done.margins]


def _line(order: OrderShown) -> str:
    prices = [f"{name} {price}" for name, price in _prices(order) if price]
    filled = f", filled {order.filled} at {order.average_price}" if order.filled else ""
    why = f": {order.reason}" if order.reason and order.ended else ""
    named = [order.symbol, *([order.contract] if order.contract else [])]
    what = " ".join([order.side, str(order.quantity), *named, order.type, *prices, order.tif])
    what += f", {order.condition}" if order.condition else ""
    return f"{order.id} {order.role} of {order.trade}: {what}: {order.status}{filled}{why}"


def _prices(order: OrderShown) -> tuple[tuple[str, str], ...]:
    return ("limit", order.limit), ("trigger", order.trigger), ("trail", order.trail)


def _whole(order: OrderShown) -> list[str]:
    number = f"  broker's number {order.broker_id}" if order.broker_id else "  no number of the broker yet"
    lines = [_line(order), number]
    lines += [
        f"  {e.at} fill {e.execution}: {e.quantity} at {e.price}, charges {e.charges:.2f} {e.note}".rstrip() for e in order.fills
    ]
    return lines + [f"  {event.at} {event.event} {event.reason}".rstrip() for event in order.events]


def _margin(told: MarginTold) -> str:
    if told.refused:
        return f"refused: {told.refused}"
    parts = [
        f"{name} {amount / MICROS:,.2f}"
        for name, amount in (
            ("initial", told.initial_change),
            ("maintenance", told.maintenance_change),
            ("initial after it", told.initial_after),
            ("equity after it", told.equity_after),
            ("charges", told.charges),
        )
        if amount is not None
    ]
    words = ", ".join(parts) or "the broker gives no numbers"
    return f"{words} {told.currency}".rstrip() + (f" ({told.warning})" if told.warning else "")
