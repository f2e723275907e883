"""The account as risk sees it, folded from the trading state and the marks: equity, exposure, open risk."""

from datetime import date
from typing import Final

from theo.domain.instrument import MICROS
from theo.domain.market_data import DAY
from theo.domain.option_contract import option_contract
from theo.domain.orders import OrderRole
from theo.engine.order_life import ENDED
from theo.engine.state import State, TradeState
from theo.engine.world import World
from theo.risk.account import AccountView
from theo.risk.limits import STOCKS
from theo.risk.option_delta import option_delta

EPOCH: Final = date(1970, 1, 1)
DAYS_A_YEAR: Final = 365.25


def equity(state: State, world: World) -> int:
    """Cash and positions at their last prices, micros."""
    total, last, values = state.cash, world.market.last, world.unit_values
    for instrument, quantity in state.positions.items():
        if quantity:
            price = last.get(instrument)
            total += quantity * (mark(state, world, instrument) if price is None else price) * values[instrument]
    for instrument, front in state.fronts.items():
        if front.leaving:  # of the contract before, whose price is the front's less the difference
            total -= front.leaving * front.difference * values[instrument]
    return total


def mark(state: State, world: World, instrument: int) -> int:
    """The last price of an instrument; of one not quoted yet (after a restart) its newest trade's planned entry."""
    last = world.market.last.get(instrument)
    if last is not None:
        return last
    entries = [t.entry for t in state.trades.values() if t.instrument == instrument]
    return entries[-1] if entries else 0


def committed(state: State, trade: TradeState) -> int:
    """Contracts of a trade that are open or may still become so; UNKNOWN entries count as filled."""
    waiting = sum(
        held.order.quantity - held.filled
        for held in (state.orders[o] for o in trade.orders)
        if held.order.role is OrderRole.ENTRY and held.status not in ENDED
    )
    ahead = 0 if trade.ahead is None else abs(trade.ahead.open_quantity)
    return abs(trade.open_quantity) + ahead + waiting


def open_risk(state: State, world: World, without: str = "") -> int:
    """Micros lost if every stop were hit now, working and UNKNOWN entries included, charges included."""
    total = 0
    for trade in (state.trades[t] for t in state.open_trades if t != without):
        quantity = committed(state, trade)
        if not quantity:
            continue
        instrument = world.instruments[trade.instrument]
        entry = trade.in_sum // trade.in_quantity if trade.in_quantity else trade.entry
        per_contract = max(0, trade.side.sign * (entry - trade.stop)) * instrument.unit_value
        total += quantity * per_contract + world.costs(instrument, quantity, entry)
    return total


def held_or_working(state: State, without: str = "") -> dict[int, int]:
    """Signed units per instrument: position + opening orders, UNKNOWN ones included."""
    held = dict(state.positions)
    for trade in (state.trades[t] for t in state.open_trades if t != without):
        for order in (state.orders[o] for o in trade.orders):
            if order.order.role is OrderRole.ENTRY and order.status not in ENDED:
                waiting = order.order.side.sign * (order.order.quantity - order.filled)
                held[trade.instrument] = held.get(trade.instrument, 0) + waiting
    return held


def option_worth(state: State, world: World, instrument: int) -> int:
    """The exposure of one option, micros: that of what it stands for, by its delta. 0 for what counts by its own price."""
    front, name = world.options.get(instrument), state.fronts.get(instrument)
    if front is None or name is None:
        return 0
    quote = world.market.quotes[instrument]
    contract, under, option = option_contract(name.name), front.underlying, front.instrument
    strike, last = float(contract.strike), mark(state, world, under.id)
    price = last / 10**under.price_decimals if last else strike
    middle = (quote.bid + quote.ask) / 2 if quote.bid and quote.ask else 0
    years = max(0.0, ((contract.expiry - EPOCH).days + 1 - max(quote.bid_at, quote.ask_at) / DAY) / DAYS_A_YEAR)
    delta = option_delta(contract.right, middle / 10**option.price_decimals, price, strike, years)
    return int(delta * price * option.multiplier * MICROS)


def account_view(state: State, world: World, without: str = "") -> AccountView:
    """All that the rules of risk read, at this moment; as if the open trade ``without``, whose entry waits, were not there."""

    def unit_worth(i: int) -> int:
        return option_worth(state, world, i) or mark(state, world, i) * world.unit_values[i]

    held = held_or_working(state, without)
    others = len(state.open_trades) - (without in state.open_trades)
    by_instrument = {i: abs(quantity) * unit_worth(i) for i, quantity in held.items() if quantity}
    stocks = [worth for i, worth in by_instrument.items() if world.instruments[i].security_type in STOCKS]
    return AccountView(
        equity=equity(state, world),
        day_start_equity=state.day.equity,
        high_water=state.high_water,
        halted=bool(state.halted),
        breaker_tripped=state.breaker is not None,
        reconciled=state.agreed and state.link_up,
        open_trades=others,
        trades_today=state.day.trades - (without in state.open_trades),
        open_risk=open_risk(state, world, without),
        exposure=by_instrument,
        total_exposure=sum(by_instrument.values()),
        positions=dict(state.positions),
        committed={i: abs(quantity) for i, quantity in held.items()},
        stock_exposure=sum(stocks),
    )
