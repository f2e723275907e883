"""What an account is worth now: its positions at the market's prices, its margin, and what is free. Micros of US dollars."""

from collections.abc import Callable, Iterator
from decimal import Decimal

import msgspec

from theo.domain.instrument import CASH_DECIMALS, SecurityType
from theo.gateway.accounts.ledger import BASE_CURRENCY, FUTURES, Holding, Ledgers
from theo.gateway.accounts.margin import Margin, Underlying, requirement
from theo.gateway.desk import Desk, Listing, Quote
from theo.gateway.wire.messages.contract import Contract

BUYING_POWER = 4  # dollars of stock for each dollar that is free, within a day, in a margin account (FINRA rule 4210(f)(8))


class Worth(msgspec.Struct, frozen=True, kw_only=True):
    """An account at a moment, micros of US dollars. ``equity`` is equity with loan value: without the worth of options."""

    cash: int = 0
    stocks: int = 0
    options: int = 0
    futures: int = 0  # open profit of futures: it is in no cash balance yet
    gross: int = 0
    unrealized: int = 0
    realized: int = 0
    daily: int = 0
    margin: Margin = Margin()

    @property
    def equity(self) -> int:
        """Cash, stocks and the result of futures."""
        return self.cash + self.stocks + self.futures

    @property
    def net_liquidation(self) -> int:
        """What would be left."""
        return self.equity + self.options

    @property
    def available(self) -> int:
        """Equity that no initial margin takes."""
        return self.equity - self.margin.initial

    @property
    def excess(self) -> int:
        """Equity that no maintenance margin takes."""
        return self.equity - self.margin.maintenance

    @property
    def buying_power(self) -> int:
        """Stock that could be bought."""
        return max(0, self.available) * BUYING_POWER


class Position(msgspec.Struct, frozen=True):
    """A holding at the market: ``mark`` in price units, None without a market; amounts in micros of its currency."""

    listing: Listing
    holding: Holding
    mark: int | None
    value: int

    @property
    def unrealized(self) -> int:
        """Open profit, charges of opening included."""
        return self.value - self.holding.basis

    @property
    def daily(self) -> int:
        """Profit of the day, realized and open."""
        return self.value - self.holding.day_basis


def mark(quote: Quote) -> int | None:
    """The last price, as far as bid and ask agree with it; one of them otherwise."""
    price = quote.last
    if quote.bid is not None and quote.ask is not None:
        middle = (quote.bid + quote.ask) // 2 if price is None else price
        return min(max(middle, quote.bid), quote.ask)
    return price if price is not None else quote.bid if quote.bid is not None else quote.ask


def positions(desk: Desk, ledgers: Ledgers, account: str) -> Iterator[Position]:
    """Everything held, and what was closed today, by conId."""
    holdings = ledgers.accounts[account].holdings
    for con_id in sorted(holdings):
        yield position(desk, con_id, holdings[con_id])


def position(desk: Desk, con_id: int, holding: Holding) -> Position:
    """A holding at the market; without a price it is worth what it cost."""
    listing = desk.contracts.listing(con_id)
    assert listing is not None, f"a position of conId {con_id}, which is not listed"
    price = mark(desk.market.quote(con_id))
    value = holding.cost if price is None else holding.quantity * price * listing.instrument.unit_value
    return Position(listing, holding, price, value)


def rate(desk: Desk, currency: str) -> Decimal:
    """US dollars for one unit of a currency; 0 while nobody quotes it."""
    if currency == BASE_CURRENCY:
        return Decimal(1)
    for symbol, against in ((currency, BASE_CURRENCY), (BASE_CURRENCY, currency)):
        for listing in desk.contracts.find(Contract(symbol=symbol, sec_type="CASH", currency=against)):
            price = mark(desk.market.quote(listing.con_id))
            if price:
                found = listing.instrument.decimal(price)
                return found if symbol == currency else 1 / found
    return Decimal(0)


def worth(desk: Desk, ledgers: Ledgers, account: str) -> Worth:
    """An account now."""
    books = ledgers.accounts[account]
    total = Worth(cash=sum(_dollars(desk, amount, currency) for currency, amount in sorted(books.cash.items())))
    for each in positions(desk, ledgers, account):
        total = _with(total, each, desk)
    return total


def worth_in(desk: Desk, ledgers: Ledgers, account: str, currency: str) -> Worth:
    """What of an account is in one currency, in micros of that, without margin."""
    total = Worth(cash=ledgers.accounts[account].cash.get(currency, 0))
    for each in positions(desk, ledgers, account):
        if each.listing.instrument.currency == currency:
            total = _plus(total, each, lambda micros: micros, Margin())
    return total


def _with(total: Worth, each: Position, desk: Desk) -> Worth:
    """The account with a position more."""
    currency = each.listing.instrument.currency
    margin = margin_of(desk, each.listing, each.holding.quantity, each.mark)
    return _plus(total, each, lambda micros: _dollars(desk, micros, currency), margin)


def _plus(total: Worth, each: Position, exchanged: Callable[[int], int], margin: Margin) -> Worth:
    kind = each.listing.instrument.security_type
    value = exchanged(each.value)
    is_future, is_option, is_cash = kind in FUTURES, kind is SecurityType.OPT, kind is SecurityType.CASH
    return Worth(
        cash=total.cash,
        stocks=total.stocks + (0 if is_future or is_option or is_cash else value),
        options=total.options + (value if is_option else 0),
        futures=total.futures + (exchanged(each.value - each.holding.cost) if is_future else 0),
        gross=total.gross + (0 if is_future or is_cash else abs(value)),
        unrealized=total.unrealized + exchanged(each.unrealized),
        realized=total.realized + exchanged(each.holding.realized),
        daily=total.daily + exchanged(each.daily),
        margin=total.margin.plus(margin),
    )


def margin_of(desk: Desk, listing: Listing, quantity: int, price: int | None) -> Margin:
    """Margin in US dollars of so many contracts at a price; nothing without a price."""
    if price is None or not quantity:
        return Margin()
    needed = requirement(listing, quantity, price, _underlying(desk, listing))
    currency = listing.instrument.currency
    return Margin(_dollars(desk, needed.initial, currency), _dollars(desk, needed.maintenance, currency))


def _underlying(desk: Desk, listing: Listing) -> Underlying | None:
    under = desk.contracts.listing(listing.underlying) if listing.underlying else None
    if under is None:
        return None
    price = mark(desk.market.quote(under.con_id))
    unit = 10 ** (CASH_DECIMALS - under.instrument.price_decimals)
    return Underlying(None if price is None else price * unit, under.instrument.security_type is SecurityType.IND)


def _dollars(desk: Desk, micros: int, currency: str) -> int:
    return micros if currency == BASE_CURRENCY else int((micros * rate(desk, currency)).to_integral_value())
