"""Calendar spreads: a BAG of two months of one future, matched here in one piece, at the prices of both legs at one instant."""

from theo.domain.instrument import SecurityType
from theo.domain.market_data import Tick
from theo.domain.orders import Side
from theo.gateway.desk import Desk, Listing
from theo.gateway.request_refused import RequestRefusedError, invalid
from theo.gateway.trading.unsupported import NOT_HERE
from theo.gateway.trading.working import Worked
from theo.gateway.wire.messages.contract import ComboLeg, Contract
from theo.gateway.wire.messages.order import Order

BAG = "BAG"
LEGS = 2


def spread_legs(desk: Desk, contract: Contract, order: Order) -> tuple[tuple[Listing, Side], ...]:
    """The legs of a combination and what the order does in each; none for a single contract. Raises RequestRefusedError."""
    if contract.sec_type != BAG:
        return ()
    if not contract.combo_legs:
        raise invalid("bN", "Security type 'BAG' requires combo leg details.")
    found = [_leg(desk, number, leg) for number, leg in enumerate(contract.combo_legs, 1)]
    roots = {(each.contract.symbol, each.contract.trading_class, each.contract.currency) for each, _ in found}
    months = {each.con_id for each, _ in found}
    if len(months) != len(found) or roots != {(contract.symbol, *next(iter(roots))[1:2], contract.currency)}:
        raise RequestRefusedError(312, "The combo details are invalid.")
    if any(each.instrument.security_type is not SecurityType.FUT for each, _ in found) or len(found) != LEGS:
        raise RequestRefusedError(201, NOT_HERE.format("A combination other than of two months of a future"))
    if found[0][1] is found[1][1] or any(leg.ratio != 1 for leg in contract.combo_legs):
        raise RequestRefusedError(201, NOT_HERE.format("A combination other than one bought for one sold"))
    if order.parent_id or order.what_if:
        raise RequestRefusedError(201, NOT_HERE.format("A combination with a parent, or as a question,"))
    turned = order.action == Side.SELL
    return tuple((each, side.opposite if turned else side) for each, side in found)


def _leg(desk: Desk, number: int, leg: ComboLeg) -> tuple[Listing, Side]:
    fits = desk.contracts.find(Contract(con_id=leg.con_id, exchange=leg.exchange))
    if len(fits) != 1 or leg.action not in set(Side) or leg.ratio <= 0:
        raise RequestRefusedError(313, f"The combo details for leg '{number}' are invalid.")
    return fits[0], Side(leg.action)


def met(desk: Desk, worked: Worked, tick: Tick) -> tuple[int, ...]:
    """The prices of the legs at which a tick fills a spread; none while it does not.

    As any order it meets what comes after its own moment: both legs have moved since.
    """
    for leg in worked.legs:
        leg.seen = leg.seen or leg.con_id == tick.instrument
    prices = leg_prices(desk, worked)
    if not all(leg.seen for leg in worked.legs) or not prices:
        return ()
    limit, sign = worked.terms.limit, worked.terms.side.sign
    return prices if limit is None or sign * net(worked, prices) <= sign * limit else ()


def leg_prices(desk: Desk, worked: Worked) -> tuple[int, ...]:
    """What is bought at the ask and what is sold at the bid, each at the last price where nothing is quoted; or none."""
    found = []
    for leg in worked.legs:
        quote = desk.market.quote(leg.con_id)
        offered = quote.ask if leg.side is Side.BUY else quote.bid
        price = quote.last if offered is None else offered
        if price is None:
            return ()
        found.append(price)
    return tuple(found)


def net(worked: Worked, prices: tuple[int, ...]) -> int:
    """What one spread costs who buys it, as its order names prices: price units, of any sign."""
    paid = sum(leg.side.sign * price for leg, price in zip(worked.legs, prices, strict=True))
    return worked.terms.side.sign * paid
