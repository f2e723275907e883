"""One connection to TWS or IB Gateway, kept up: connect, check whose account it is, stay, come back with growing pauses.

The link is up when the socket is, TWS has IB's servers, and everything that a new connection must be asked has been answered.
Who needs to know is told: ``on_up`` (which is awaited before the link counts as up) and ``on_down``.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from enum import StrEnum

import msgspec
from ib_async.client import Client

from theo.adapters.ib.accounts import check_account
from theo.adapters.ib.budget import Budget
from theo.adapters.ib.callbacks import Callbacks
from theo.adapters.ib.codes import meaning
from theo.adapters.ib.requests import NoAnswerError, RequestRefusedError, Requests
from theo.adapters.ib.settings import IbSettings
from theo.domain.errors import HaltRequiredError
from theo.domain.market_data import SECOND
from theo.ports.clock import Clock
from theo.ports.notifier import Notifier

logging.getLogger("ib_async").addHandler(logging.NullHandler())  # what it has to say is heard as callbacks and told by us
SERVERS_LOST = frozenset({1100, 2110})
SUBSCRIPTIONS_LOST, SUBSCRIPTIONS_KEPT, ID_IN_USE, PORT_CHANGED = 1101, 1102, 326, 1300


class LinkState(StrEnum):
    """Where the link stands."""

    DOWN = "down"
    CHECKING = "checking"  # the socket is open; accounts, clock and listeners are not done
    CUT = "cut"  # the socket is open, but TWS has lost IB's servers
    UP = "up"


class Up:
    """How the link came up: ``new_socket``: order ids and subscriptions begin anew; ``data_lost``: subscriptions do."""

    __slots__ = ("data_lost", "new_socket")

    def __init__(self, *, new_socket: bool, data_lost: bool) -> None:
        self.new_socket, self.data_lost = new_socket, data_lost or new_socket


class Link:
    """``run`` keeps the link until it is cancelled. ``client`` sends; spend from ``budget`` first.

    A second link to the same TWS gets the first one's ``budget``: IB counts what comes from both. ``carries`` says in a person's
    words what is lost with it.
    """

    def __init__(
        self, settings: IbSettings, clock: Clock, notifier: Notifier, budget: Budget | None = None, carries: str = ""
    ) -> None:
        self.settings, self.clock, self.notifier = settings, clock, notifier
        self.callbacks = Callbacks()
        self.callbacks.failed = self._callback_failed
        self.requests = Requests(self.callbacks)
        self.budget = budget or Budget(clock, settings.limits)
        self._carries = f" for {carries}" if carries else ""
        self._id_told = False
        self.client = Client(self.callbacks)
        self.client.MaxRequests = 0  # its own throttle lets orders wait behind data: ours does not
        self.state = LinkState.DOWN
        self.account = settings.account
        self.clock_offset = 0  # IB's clock minus ours, microseconds
        self.on_up: list[Callable[[Up], Awaitable[None]]] = []
        self.on_down: list[Callable[[str], None]] = []
        self.failed = asyncio.Event()  # a try to connect has failed; ``why`` says how
        self._is_up = asyncio.Event()
        self._ended = asyncio.Event()
        self._changed = asyncio.Event()
        self._notices: list[int] = []
        self._skewed = False
        self._servers_lost = False
        self.why = ""  # why the link is down, or what TWS said last of it
        self._defect: BaseException | None = None
        self.callbacks.on("error", self._error)
        self.callbacks.on("setEventsDone", self._closed)  # the socket is gone, whether or not the API had begun on it

    @property
    def up(self) -> bool:
        """Whether requests and orders may be sent."""
        return self.state is LinkState.UP

    @property
    def id_in_use(self) -> bool:
        """Whether somebody else has the client id."""
        return self._id_told

    async def wait_up(self) -> None:
        """Return when the link is up."""
        await self._is_up.wait()

    def next_id(self) -> int:
        """A fresh id for a request or an order; ids only rise within a connection. Raises ConnectionError without one."""
        return int(self.client.getReqId())

    async def run(self) -> None:
        """Keep the link. Raises HaltRequiredError for what no retry can mend: a wrong account, or a defect of ours."""
        pause, since, told = self.settings.retry_first, self.clock.now(), False
        while True:
            try:
                await self._connect()
                pause, told = self.settings.retry_first, False
                await self._stay()
            except (OSError, TimeoutError, NoAnswerError, RequestRefusedError) as error:
                self.why = self.why or str(error) or type(error).__name__
            finally:
                was_up = self.state is not LinkState.DOWN
                self._down(self.why or "the socket closed")
                self.client.disconnect()
                self.failed.set()
            if self._defect is not None:
                raise HaltRequiredError(f"a report of IB could not be handled: {self._defect!r}") from self._defect
            if was_up:
                since = self.clock.now()
            if not told and self.clock.now() - since >= self.settings.lost_bound:
                told = True
                self.notifier.tell(self.clock.now(), "page", "link_lost", f"no link to IB{self._carries} for long: {self.why}")
            await self.clock.sleep_until(self.clock.now() + pause)
            pause = min(2 * pause, self.settings.retry_most)

    async def close(self) -> None:
        """Disconnect in order; ``run`` is to be cancelled after it."""
        self._down("closed")
        self.client.disconnect()

    async def _connect(self) -> None:
        self.why = ""
        self._servers_lost = False
        self._ended.clear()
        self._notices.clear()
        await self._open_socket()
        self.state, self._id_told = LinkState.CHECKING, False
        self.account = check_account(self.client.getAccounts(), self.settings)
        self.client.reqMarketDataType(1)
        await self._measure_clock()
        await self._come_up(Up(new_socket=True, data_lost=True))

    async def _open_socket(self) -> None:
        """Until the API answers. The library would wait for its whole bound where TWS refuses and hangs up at once."""
        settings = self.settings
        opening = asyncio.ensure_future(
            self.client.connectAsync(settings.host, settings.port, settings.client_id, settings.connect_seconds)
        )
        ended = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait((opening, ended), return_when=asyncio.FIRST_COMPLETED)
            if not opening.done():
                raise ConnectionError(self.why)
            opening.result()
        finally:
            opening.cancel()
            ended.cancel()
            await asyncio.gather(opening, return_exceptions=True)

    async def _measure_clock(self) -> None:
        """IB tells whole seconds: the offset is known to half a second, more is skew. Told when it begins."""
        asked = self.clock.now()
        ((seconds,),) = await self.requests.by_name("currentTime", self.client.reqCurrentTime, self.settings.alive_seconds)
        ours = (asked + self.clock.now()) // 2
        self.clock_offset = seconds * SECOND + SECOND // 2 - ours
        skewed = abs(self.clock_offset) > self.settings.clock_skew_max
        if skewed and not self._skewed:
            self.notifier.tell(
                self.clock.now(), "warning", "clock_skew", f"IB's clock and ours are {self.clock_offset / SECOND:+.1f} s apart"
            )
        self._skewed = skewed

    async def _come_up(self, how: Up) -> None:
        for listener in self.on_up:
            await listener(how)
        if self._ended.is_set():
            return
        self.state = LinkState.UP
        self._is_up.set()
        if self._servers_lost:  # again, while the listeners were being told
            self._cut()

    async def _stay(self) -> None:
        """Until the socket closes or nobody answers on it; what TWS says of IB's servers is followed in order."""
        ended = asyncio.ensure_future(self._ended.wait())
        beating = asyncio.ensure_future(self._beat())
        changed = asyncio.ensure_future(self._changed.wait())
        try:
            while not self._ended.is_set():
                await asyncio.wait((ended, changed, beating), return_when=asyncio.FIRST_COMPLETED)
                if changed.done():
                    self._changed.clear()
                    changed = asyncio.ensure_future(self._changed.wait())
                if beating.done():
                    beating.result()
                while self._notices and not self._ended.is_set():
                    code = self._notices.pop(0)
                    if code not in SERVERS_LOST and self.state is LinkState.CUT:
                        await self._come_up(Up(new_socket=False, data_lost=code == SUBSCRIPTIONS_LOST))
        finally:
            for task in (ended, beating, changed):
                task.cancel()

    async def _beat(self) -> None:
        """A half-open socket stays silent for ever: ask the time now and then. Raises NoAnswerError."""
        while True:
            await self.clock.sleep_until(self.clock.now() + self.settings.heartbeat)
            await self.budget.message()
            await self._measure_clock()

    def _error(self, _request: int, code: int, text: str, _advanced: str = "") -> None:
        if code == ID_IN_USE:
            self._id_in_use(f"{code}: {text}")
        elif code in SERVERS_LOST:
            self._servers_lost, self.why = True, f"{code}: {text}"
            if self.state is LinkState.UP:
                self._cut()
        elif code in {SUBSCRIPTIONS_LOST, SUBSCRIPTIONS_KEPT}:
            self._servers_lost = False
            if self.state is LinkState.UP:  # lost and back again, of which only the end was told: what was missed is asked for
                self.why = f"{code}: {text}"
                self._cut()
            self._notices.append(code)
            self._changed.set()
        elif code == PORT_CHANGED:
            self.why = f"{code}: {text}"

    def _id_in_use(self, text: str) -> None:
        """Told once: it is tried again until whoever has the id lets go of it."""
        self.why = f"client id {self.settings.client_id}{self._carries} is in use ({text})"
        if not self._id_told:
            self._id_told = True
            self.notifier.tell(self.clock.now(), "warning", "client_id_in_use", f"{self.why}. {meaning(ID_IN_USE).remedy}")
        self._ended.set()

    def _closed(self) -> None:
        self.why = self.why or "the socket closed"
        self._ended.set()

    def _cut(self) -> None:
        self._down(self.why)
        self.state = LinkState.CUT

    def _down(self, reason: str) -> None:
        if self.state is LinkState.DOWN:
            return
        was = self.state
        self.state = LinkState.DOWN
        self._is_up.clear()
        self.requests.lost(reason)
        if was is not LinkState.CUT:
            for listener in self.on_down:
                listener(reason)

    def _callback_failed(self, error: BaseException) -> None:
        self._defect = error
        self._ended.set()


def data_link(orders: Link) -> Link:
    """Where market data comes: a socket of its own to the same TWS, if the settings name its client id, else that of the orders.

    A flood of data, or a disconnection for it, then never cuts the path of orders.
    """
    settings = orders.settings
    if settings.data_client_id is None:
        return orders
    own = msgspec.structs.replace(settings, client_id=settings.data_client_id)
    return Link(own, orders.clock, orders.notifier, orders.budget, "market data")
