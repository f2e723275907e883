"""The feed of Interactive Brokers: who listens to what, and which subscription an answer belongs to (ports.feed.Feed)."""

import asyncio
from collections.abc import Sequence

import msgspec

from theo.adapters.ib.contracts import Contracts
from theo.adapters.ib.history import History
from theo.adapters.ib.keeper import Keeper
from theo.adapters.ib.link import Link, Up
from theo.adapters.ib.market_data import MarketData
from theo.adapters.ib.quoting import Quoting
from theo.adapters.ib.streams import lives_by_quotes
from theo.ports.feed import Heard, Standing, Take, Wish, unheard

FARM_BROKEN, FARM_BACK = 2103, 2104
DELAYED_ALLOWED = 3  # IB's market data type: live where it is subscribed, delayed where not


class IbFeed:
    """Streams on a link, one keeper each. ``delayed``: whether late data may stand in where live data is not subscribed."""

    def __init__(self, link: Link, contracts: Contracts, *, delayed: bool = False) -> None:
        self._link, self._delayed = link, delayed
        self._history = History(link, contracts)
        self._market = MarketData(link, contracts)
        self._keepers: list[Keeper] = []
        self._leaving: list[Keeper] = []
        self._listeners: dict[int, Keeper] = {}
        self._quoting: dict[int, Quoting] = {}
        self._changed = asyncio.Event()  # of who is kept
        self._farm_broken = False
        link.on_up.append(self._up)
        link.on_down.append(self._down)
        on = link.callbacks.on
        on("tickByTickAllLast", self._trade)
        on("tickByTickBidAsk", self._bid_ask)
        on("realtimeBar", self._bar)
        on("priceSizeTick", self._price)
        on("tickSize", self._size)
        on("tickString", self._text)
        on("marketDataType", self._type)
        on("error", self._error)

    def subscribe(self, wishes: Sequence[Wish], take: Take, heard: Heard = unheard) -> None:
        """Implements ports.feed.Feed."""
        for wished in wishes:
            wish = msgspec.structs.replace(wished, quotes=wished.quotes or self._link.settings.quotes)
            others = (keeper.instrument for keeper in self._keepers if keeper.instrument.id != wish.instrument.id)
            # the months of a future take turns, and an option takes no place
            place = sum(1 for other in others if other.tradable and not lives_by_quotes(other))
            keeper = Keeper(wish, place, self._link, self._history, self._market, self._listeners, self._quoting, take, heard)
            self._keepers.append(keeper)
            if self._link.up:
                keeper.connected(new_socket=True, data_lost=True)
        self._changed.set()

    def drop(self, instrument: int, contract: str) -> None:
        """Implements ports.feed.Feed."""
        for keeper in [each for each in self._keepers if (each.instrument.id, each.wish.contract) == (instrument, contract)]:
            self._keepers.remove(keeper)
            keeper.forget()
            self._leaving.append(keeper)
        self._changed.set()

    async def run(self) -> None:
        """Implements ports.feed.Feed. What a keeper cannot handle is a defect of ours, and is raised."""
        kept: dict[Keeper, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                self._changed.clear()
                for keeper in self._leaving:
                    if keeper in kept:
                        kept.pop(keeper).cancel()
                    group.create_task(keeper.leave())
                self._leaving.clear()
                for keeper in self._keepers:
                    if keeper not in kept:
                        kept[keeper] = group.create_task(keeper.run())
                await self._changed.wait()

    def standings(self) -> tuple[Standing, ...]:
        """Implements ports.feed.Feed."""
        return tuple(keeper.standing() for keeper in self._keepers)

    async def _up(self, how: Up) -> None:
        if self._delayed and how.new_socket:
            await self._link.budget.message()
            self._link.client.reqMarketDataType(DELAYED_ALLOWED)
        for keeper in self._keepers:
            keeper.connected(new_socket=how.new_socket, data_lost=how.data_lost)

    def _down(self, _reason: str) -> None:
        for keeper in self._keepers:
            keeper.disconnected()

    def _trade(self, request: int, _kind: int, time: int, price: float, size: float, *_rest: object) -> None:
        if keeper := self._listeners.get(request):
            keeper.reader.trade(self._link.clock.now(), time, price, size)

    def _bid_ask(self, request: int, time: int, bid: float, ask: float, bid_size: float, ask_size: float, *_rest: object) -> None:
        if quoting := self._quoting.get(request):
            quoting.arrived(self._link.clock.now(), time, (bid, bid_size), (ask, ask_size))

    def _bar(self, request: int, time: int, *numbers: float) -> None:
        if keeper := self._listeners.get(request):
            opened, high, low, closed, volume, *_ = numbers
            keeper.reader.bar(self._link.clock.now(), time, (opened, high, low, closed), volume)

    def _price(self, request: int, kind: int, price: float, size: float) -> None:
        if keeper := self._listeners.get(request):
            keeper.reader.price(self._link.clock.now(), kind, price, size)

    def _size(self, request: int, kind: int, size: float) -> None:
        if keeper := self._listeners.get(request):
            keeper.reader.size(kind, size)

    def _text(self, request: int, kind: int, text: str) -> None:
        if keeper := self._listeners.get(request):
            keeper.text(self._link.clock.now(), kind, text)

    def _type(self, request: int, number: int) -> None:
        if keeper := self._listeners.get(request):
            keeper.market_data_type(number)

    def _error(self, request: int, code: int, text: str, _advanced: str = "") -> None:
        if code == FARM_BROKEN:
            self._farm_broken = True
        elif code == FARM_BACK and self._farm_broken:  # every connection begins with a 2104 that means nothing
            self._farm_broken = False
            for each in self._keepers:
                each.farm_broke()
        elif keeper := self._listeners.get(request):
            keeper.refused(code, text)
        elif quoting := self._quoting.get(request):
            quoting.refused(code, text)
