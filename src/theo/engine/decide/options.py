"""From a signal to the option that is bought for it: the contract chosen ahead, at its ask, if its market is good enough.

Everything is read from the market book and the state: the same inputs choose, refuse and explain the same.
"""

import msgspec

from theo.domain.approval import Refused
from theo.domain.market_data import SECOND
from theo.domain.option_contract import OptionContract, option_contract
from theo.domain.orders import OrderType, Side
from theo.domain.signals import Proposal, UnderlyingExits
from theo.engine.scan import Scan
from theo.engine.state import State
from theo.engine.world import World
from theo.market.book import Quote
from theo.strategy.option_choice import points_in_the_money, still_fits
from theo.strategy.option_front import OptionFront

PERCENT = 100


class Bought(msgspec.Struct, frozen=True):
    """What a signal becomes, and why this contract at this price."""

    proposal: Proposal
    why: str


def option_for(state: State, world: World, scan: Scan, signal: Proposal, at: int) -> Bought | Refused:
    """The option for a signal of the underlying; or why none is bought now."""
    front = scan.options[signal.side]
    named = state.fronts.get(front.instrument.id)
    if named is None:
        text = f"{front.instrument.symbol}: no contract is chosen yet"
        return Refused("option_contract", 0, 1, text)
    contract, quote = option_contract(named.name), world.market.quotes[front.instrument.id]
    refused = _out_of_category(world, front, contract) or _quote_refused(front, contract, quote, at)
    if refused is not None:
        return refused
    shown, spread = front.instrument.text, _spread(quote)
    why = f"{contract.name}, {named.why}; bid {shown(quote.bid)}, ask {shown(quote.ask)}, spread {spread:.1f} %"
    proposal = Proposal(
        instrument=front.instrument.id,
        side=Side.BUY,
        type=OrderType.LIMIT,
        entry=quote.ask,
        stop=0,
        quantity=signal.quantity,
        reason=signal.reason,
        exits=UnderlyingExits(signal.instrument, signal.side, signal.stop, signal.target),
    )
    return Bought(proposal, why)


def _out_of_category(world: World, front: OptionFront, contract: OptionContract) -> Refused | None:
    """The price moves on after a choice; far beyond its category a contract is not what was asked for."""
    under = front.underlying
    last = world.market.last.get(under.id)
    if last is None:
        return Refused("option_category", 0, 1, f"{under.symbol} has no price: nobody knows whether {contract.name} fits")
    price = under.decimal(last)
    if still_fits(front.right, front.category, price, contract.strike, front.split):
        return None
    points = points_in_the_money(front.right, price, contract.strike)
    now = f"{points.normalize():f} points in the money by now"
    text = f"{contract.name} is {now}, no longer {front.category}; another one is being chosen"
    return Refused("option_category", float(points), float(front.split.near), text)


def _quote_refused(front: OptionFront, contract: OptionContract, quote: Quote, at: int) -> Refused | None:
    """Both sides quoted, lately, close enough to each other and with enough on offer."""
    bounds, name, shown = front.bounds, contract.name, front.instrument.text
    if not 0 < quote.bid <= quote.ask:
        text = f"{name} is quoted {shown(quote.bid)} to {shown(quote.ask)}: no market to buy in and to sell in"
        return Refused("option_quote", 0, 1, text)
    age = (at - min(quote.bid_at, quote.ask_at)) / SECOND
    if age * SECOND > bounds.quote_max:
        most = bounds.quote_max / SECOND
        return Refused("option_quote", age, most, f"{name} was quoted {age:,.0f} s ago, at most {most:g} s are allowed")
    spread = _spread(quote)
    if spread > bounds.spread_percent_max:
        text = f"{name}: bid and ask are {spread:.1f} % apart, at most {bounds.spread_percent_max:g} % are allowed"
        return Refused("option_spread", spread, bounds.spread_percent_max, text)
    size = min(quote.bid_size, quote.ask_size)
    if size < bounds.size_min:
        text = f"{name}: {size} contracts are bid or offered, at least {bounds.size_min} are asked for"
        return Refused("option_size", size, bounds.size_min, text)
    return None


def _spread(quote: Quote) -> float:
    """Per cent of the middle."""
    return PERCENT * (quote.ask - quote.bid) * 2 / (quote.ask + quote.bid)
