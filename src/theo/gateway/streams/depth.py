"""Order books: levels made up around the quote, told as inserts, updates and deletes of rows."""

from collections.abc import Mapping
from decimal import Decimal

from theo.domain.instrument import SecurityType
from theo.domain.market_data import Tick, TickKind
from theo.gateway import access
from theo.gateway.client import Client
from theo.gateway.desk import Desk, Handler, Listing
from theo.gateway.register import Register, Subscription
from theo.gateway.request_refused import RequestRefusedError, invalid, unprocessed
from theo.gateway.streams.tick_messages import price_of
from theo.gateway.wire.messages.market_data import CancelMktDepth, ReqMktDepth, UpdateMktDepth, UpdateMktDepthL2
from theo.gateway.wire.schema import Message

ROWS_MAX = 60  # what a client may ask for; TWS gives as many as the exchange has, 5 to 20
LEVELS_MAX = 10  # that are made up on a side
INSERT, UPDATE, DELETE = 0, 1, 2
ASK, BID = 0, 1
SPREAD_OF_SIZES = 7  # a prime: sizes of neighbouring levels differ
SMART = "SMART"
NAMED_BOOKS = frozenset({"ARCA", "ISLAND", "NASDAQ", "NYSE", "BATS", "IEX", "MEMX"})  # their rows have a market maker

Level = tuple[int, int]  # price and size


class Book(Subscription):
    """One order book, and the rows that the client has of it."""

    __slots__ = ("exchange", "rows", "shown", "smart")

    def __init__(self, client: Client, request: ReqMktDepth, listing: Listing, exchange: str) -> None:
        super().__init__(client, request.req_id, listing)
        self.rows, self.smart, self.exchange = min(request.num_rows, LEVELS_MAX), request.is_smart_depth, exchange
        self.shown: dict[int, list[Level]] = {ASK: [], BID: []}


class Depth:
    """Handlers and state of order books."""

    def __init__(self) -> None:
        self.register: Register[Book] = Register()
        self.handlers: Mapping[type[Message], Handler] = {ReqMktDepth: self._request, CancelMktDepth: self._cancel}

    def _request(self, desk: Desk, client: Client, request: ReqMktDepth) -> None:
        if not 0 < request.num_rows <= ROWS_MAX:
            raise invalid("bR", "Market depth rows requested must be greater than zero.")
        listing = desk.resolve(client, request.req_id, request.contract)
        if listing is None:
            return
        exchange = request.contract.exchange or listing.contract.exchange
        self._check(desk, client, request, listing, exchange)
        book = Book(client, request, listing, exchange)
        self.register.add(book)
        if request.is_smart_depth:
            names = "; ".join(name for name in listing.valid_exchanges if name in NAMED_BOOKS)
            client.error(request.req_id, 2152, f"Exchanges - Depth: {names}; ")
        self.refresh(desk, book)

    def _check(self, desk: Desk, client: Client, request: ReqMktDepth, listing: Listing, exchange: str) -> None:
        access.refuse_continuous(listing, "bR")
        kind = listing.instrument.security_type
        if kind is SecurityType.IND or (exchange == SMART) is not request.is_smart_depth:
            raise RequestRefusedError(10_092, "Deep market data is not supported for this combination of security type/exchange")
        if not access.is_live(desk, listing):
            raise access.refused(desk, listing, access.DEEP)
        if self.register.get(client, request.req_id) is not None:
            raise unprocessed("bR", "Duplicate ticker id")
        most = desk.settings.depth_lines_max
        if len(self.register.contracts | {listing.con_id}) > most:
            raise RequestRefusedError(309, f"Max number ({most}) of market depth requests has been reached")

    def _cancel(self, _desk: Desk, client: Client, request: CancelMktDepth) -> None:
        book = self.register.get(client, request.req_id)
        if book is None:
            raise RequestRefusedError(310, f"Can't find the subscribed market depth with tickerId:{request.req_id}")
        self.register.remove(book)

    def refresh(self, desk: Desk, book: Book) -> None:
        """Tell a book as it is now, from an empty one."""
        book.shown = {ASK: [], BID: []}
        self._tell(desk, book)

    def on_tick(self, desk: Desk, tick: Tick) -> None:
        """The book follows the quote."""
        if tick.kind in {TickKind.BID, TickKind.ASK} and self.register.has_contract(tick.instrument):
            for book in self.register.of_contract(tick.instrument):
                if not book.silent:
                    self._tell(desk, book)

    def _tell(self, desk: Desk, book: Book) -> None:
        quote, tick = desk.market.quote(book.listing.con_id), book.listing.instrument.tick
        best = {ASK: (quote.ask, quote.ask_size, tick), BID: (quote.bid, quote.bid_size, -tick)}
        for side, (price, size, step) in best.items():
            wanted = levels(price, size, step, book.rows)
            for position, operation, level in differences(book.shown[side], wanted):
                _send(book, side, position, operation, level)
            book.shown[side] = wanted


def levels(price: int | None, size: int, step: int, count: int) -> list[Level]:
    """The rows of a side from its best price on; sizes below it depend on the price alone, so that they stay as prices move."""
    if price is None:
        return []
    unit, found = max(size, 1), [(price, size)]
    for n in range(1, count):
        deeper = price + n * step
        if deeper <= 0:
            break
        found.append((deeper, _size(deeper // abs(step), unit)))
    return found


def _size(grid: int, unit: int) -> int:
    hundred = 100 if unit % 100 == 0 else 1  # lots stay lots
    return hundred * (2 + grid * grid % SPREAD_OF_SIZES)


def differences(have: list[Level], wanted: list[Level]) -> list[tuple[int, int, Level]]:
    """Position, operation and level of each step that makes a side's rows into others.

    Rows are inserted and deleted at the end only, and updated elsewhere: then it is the same whether a client moves the rows
    below, as IB's documentation has it, or takes positions for places, as ib_async does.
    """
    steps = [(n, DELETE, (0, 0)) for n in range(len(have) - 1, len(wanted) - 1, -1)]
    for n, level in enumerate(wanted):
        if n >= len(have):
            steps.append((n, INSERT, level))
        elif have[n] != level:
            steps.append((n, UPDATE, level))
    return steps


def _send(book: Book, side: int, position: int, operation: int, level: Level) -> None:
    price, size = price_of(book.listing, level[0]), Decimal(level[1])
    if not book.smart and book.exchange not in NAMED_BOOKS:
        book.client.send(UpdateMktDepth(book.req_id, position, operation, side, price, size))
        return
    makers = [name for name in book.listing.valid_exchanges if name in NAMED_BOOKS] if book.smart else [book.exchange]
    maker = makers[position % len(makers)] if makers else book.exchange
    book.client.send(UpdateMktDepthL2(book.req_id, position, maker, operation, side, price, size, book.smart))
