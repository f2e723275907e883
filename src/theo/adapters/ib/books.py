"""IB's books in one answer: open and completed orders, executions, positions, all asked after the call.

IB has no one question for them. They are asked one after the other, orders first: one that ends meanwhile is then among the
completed. Positions lag executions by seconds, so a book with a fresh execution is read again when it has settled. An answer that
is not whole is no book.
"""

import asyncio
from datetime import timedelta

import msgspec
from ib_async.contract import Contract
from ib_async.objects import Execution, ExecutionFilter
from ib_async.order import Order as IbOrder
from ib_async.order import OrderState

from theo.adapters.ib.conditions import from_conditions
from theo.adapters.ib.contracts import Contracts, contract_name
from theo.adapters.ib.executions import Executions
from theo.adapters.ib.link import Link
from theo.adapters.ib.order_fields import EPOCH, from_ib
from theo.adapters.ib.order_names import BROKER, OrderNames
from theo.adapters.ib.requests import NoAnswerError
from theo.adapters.ib.spreads import BAG, both_legs, own_ref
from theo.domain.instrument import SecurityType
from theo.domain.market_data import DAY, SECOND
from theo.domain.orders import OcaType, Order, OrderRole, OrderType, Side, TimeInForce
from theo.domain.reports import BookOrder, BookReported
from theo.ports.broker import Answer

EXECUTIONS_SINCE = 2 * DAY  # as far back as the core remembers executions; IB Gateway gives today's only, TWS what it is set to
POSITIONS_LAG = 3 * SECOND  # IB's positions follow a fill by seconds
READ_TRIES_MAX = 5  # of a book that fills keep changing
ASK_TRIES_MAX = 3  # of a book of which a part is not answered
ASK_INTERVAL = SECOND  # from one book to the next: who asks faster waits
STATUS = {"Filled": "filled", "Cancelled": "cancelled", "ApiCancelled": "cancelled", "Inactive": "rejected"}
WORKING = "working"
RANK = {WORKING: 3, "filled": 2, "cancelled": 1, "rejected": 0}

Row = tuple[Contract, IbOrder, OrderState]


class Books:
    """One reader at a time: a call while it reads makes it begin anew, and only the last call is answered."""

    def __init__(self, link: Link, contracts: Contracts, names: OrderNames, executions: Executions) -> None:
        self._link, self._contracts, self._names, self._executions = link, contracts, names, executions
        self._asked = 0
        self._read_at = -ASK_INTERVAL
        self._reader: asyncio.Task[None] | None = None

    def ask(self, answer: Answer) -> None:
        """Read the books from now on and hand them over; nothing when the link is lost meanwhile: its return asks again."""
        self._asked += 1
        if self._reader is None or self._reader.done():
            self._reader = asyncio.get_running_loop().create_task(self._answer(answer))

    def close(self) -> None:
        """Stop reading."""
        if self._reader is not None:
            self._reader.cancel()

    async def _answer(self, answer: Answer) -> None:
        try:
            await self._until_current(answer)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not be lost in a task
            self._link.callbacks.failed(error)

    async def _until_current(self, answer: Answer) -> None:
        failed = 0
        while True:
            asked, clock = self._asked, self._link.clock
            await clock.sleep_until(self._read_at + ASK_INTERVAL)
            try:
                book = await self._settled()
            except (NoAnswerError, ConnectionError) as error:
                if not self._link.client.isConnected():
                    return  # told as a link that is down; its return asks again
                failed += 1
                self._link.notifier.tell(clock.now(), "warning", "book_incomplete", f"IB's books are not whole: {error}")
                if failed >= ASK_TRIES_MAX:
                    return
                continue
            self._read_at = clock.now()
            if asked == self._asked:
                answer(book)
                return

    async def _settled(self) -> BookReported:
        """A book that no fill has overtaken."""
        for _ in range(READ_TRIES_MAX):
            heard, now = self._executions.heard, self._link.clock.now()
            book = await self._read()
            fresh_until = self._executions.newest_at - self._link.clock_offset + POSITIONS_LAG
            if heard == self._executions.heard and fresh_until <= now:
                return book
            await self._link.clock.sleep_until(fresh_until)
        return await self._read()

    async def _read(self) -> BookReported:
        link = self._link
        client, requests, budget = link.client, link.requests, link.budget
        await budget.message()
        if self._names.unheard():  # IB did not know a handle: it may give the order another one
            await requests.by_name("openOrder", client.reqOpenOrders)
            await budget.message()
        opened = await requests.by_name("openOrder", client.reqAllOpenOrders)
        await budget.message()
        completed = await requests.by_name("completedOrder", lambda: client.reqCompletedOrders(False))  # noqa: FBT003 - not the API's alone
        await budget.message()
        request = link.next_id()
        wanted = ExecutionFilter(acctCode=link.account, time=_since(link.clock.now() - EXECUTIONS_SINCE))
        executions = await requests.by_id(request, lambda: client.reqExecutions(request, wanted))
        await budget.message()
        held = await requests.by_name("position", client.reqPositions)
        await budget.message()
        client.cancelPositions()
        fills = [(contract, execution) for contract, execution in executions if isinstance(execution, Execution)]
        working = [theirs for _, theirs, state in (row[1:] for row in opened) if STATUS.get(state.status, WORKING) == WORKING]
        by_contract = self._account(held)
        self._contracts.held = {
            c.localSymbol: quantity for c, quantity in by_contract if c.secType == SecurityType.OPT and quantity
        }
        return BookReported(
            at=link.clock.now(),
            elsewhere=sum(theirs.account not in {"", link.account} for theirs in working),
            orders=self._orders([row[1:] for row in opened], [tuple(row) for row in completed]),
            executions=self._executions.in_book(fills),
            positions=self._positions(by_contract),
            months=self._months(by_contract),
        )

    def _orders(self, opened: list[Row], completed: list[Row]) -> tuple[BookOrder, ...]:
        """One entry for each of our ids; a second live order of one of them is an entry of its own, as foreign ones are."""
        by_perm_id: dict[tuple[int, str], BookOrder] = {}
        for row, is_open in [*((row, True) for row in opened), *((row, False) for row in completed)]:
            contract, theirs, state = row
            if theirs.account in {"", self._link.account} and not theirs.whatIf:
                status = STATUS.get(state.status, WORKING)
                if is_open and state.status == "Inactive":
                    status = WORKING  # held, and it may come back to life
                for entry in self._entries(contract, theirs, status):
                    by_perm_id[theirs.permId, entry.order.spread and entry.order.id] = entry
        chosen: dict[str, BookOrder] = {}
        for entry in by_perm_id.values():
            other = chosen.get(entry.order.id)
            if other is None:
                chosen[entry.order.id] = entry
                continue
            first, second = (entry, other) if self._before(entry, other) else (other, entry)
            chosen[entry.order.id] = first
            if second.status == WORKING:
                name = f"permId {second.broker_id}, a second order of {entry.order.id}"
                chosen[name] = _renamed(second, name)
        return tuple(chosen.values())

    def _before(self, entry: BookOrder, other: BookOrder) -> bool:
        """Whether of two orders with our id the first is the one that we mean."""
        sent = self._names.of(entry.order.id)
        if sent is not None and entry.status == other.status and str(sent.perm_id) in {entry.broker_id, other.broker_id}:
            return str(sent.perm_id) == entry.broker_id
        return RANK[entry.status] > RANK[other.status]

    def _entries(self, contract: Contract, theirs: IbOrder, status: str) -> tuple[BookOrder, ...]:
        """An order of IB, which is two of ours where it is a spread."""
        name = own_ref(theirs.orderRef) or f"permId {theirs.permId}"
        contracts = self._contracts
        instrument = contracts.of_ours(contract) if theirs.orderRef else contracts.instrument(contract.conId)
        sent = self._names.of(name)
        read = (
            None
            if instrument is None
            else from_ib(
                theirs,
                name,
                instrument,
                None if sent is None else sent.order,
                contract_name(contract),
                from_conditions(theirs, contracts),
            )
        )
        order = read or _unlike_ours(theirs, name, 0 if instrument is None else instrument.id)
        filled = theirs.filledQuantity
        known = isinstance(filled, float) and 0 <= filled <= theirs.totalQuantity
        names = (str(theirs.permId), status, int(filled) if known else 0, BROKER, theirs.clientId, theirs.orderId)
        if read is None or contract.secType != BAG:
            return (BookOrder(order, *names),)
        legs = both_legs(theirs, contract, contracts, read, None if sent is None else sent.order)
        return tuple(BookOrder(leg, *names) for leg in legs)

    def _account(self, rows: list[tuple[object, ...]]) -> list[tuple[Contract, float]]:
        """The positions of the account, one of each contract; later rows of a contract replace earlier ones."""
        by_contract: dict[int, tuple[Contract, float]] = {}
        for account, contract, quantity, _cost in rows:
            if account == self._link.account and isinstance(contract, Contract) and isinstance(quantity, float):
                by_contract[contract.conId] = (contract, quantity)
        return list(by_contract.values())

    def _months(self, held: list[tuple[Contract, float]]) -> dict[int, dict[str, int]]:
        """Of futures and chosen options, by our instrument and the contract's name; of futures months not traded here too."""
        found: dict[int, dict[str, int]] = {}
        for contract, quantity in held:
            instrument = self._contracts.front_of(contract)
            if instrument is not None and quantity and quantity == int(quantity):
                found.setdefault(instrument.id, {})[contract_name(contract)] = int(quantity)
        return found

    def _positions(self, by_contract: list[tuple[Contract, float]]) -> dict[int, int]:
        """By our instrument: of a future the contract of today, those before it, and those that orders of ours name."""
        held: dict[int, int] = {}
        for contract, quantity in by_contract:
            instrument = self._contracts.instrument(contract.conId)
            if instrument is not None and quantity == int(quantity):
                held[instrument.id] = held.get(instrument.id, 0) + int(quantity)
            elif quantity:
                text = f"the account holds {quantity:g} {contract.localSymbol or contract.symbol}, which is not traded here"
                self._link.notifier.tell(self._link.clock.now(), "info", "foreign_position", text)
        return {instrument: quantity for instrument, quantity in held.items() if quantity}


def _since(at: int) -> str:
    """A time as executions are asked for, UTC."""
    return f"{EPOCH + timedelta(microseconds=at):%Y%m%d-%H:%M:%S}"


def _renamed(entry: BookOrder, name: str) -> BookOrder:
    return msgspec.structs.replace(entry, order=msgspec.structs.replace(entry.order, id=name))


def _unlike_ours(theirs: IbOrder, name: str, instrument: int) -> Order:
    """An order of a kind that we never send, as far as it can be said here: somebody typed it into TWS."""
    return Order(
        id=name,
        account=theirs.account,
        instrument=instrument,
        side=Side.BUY if theirs.action == Side.BUY else Side.SELL,
        type=OrderType.MARKET,
        quantity=int(theirs.totalQuantity),
        tif=TimeInForce.DAY,
        role=OrderRole.ENTRY,
        trade="",
        oca_type=OcaType.NONE,
    )
