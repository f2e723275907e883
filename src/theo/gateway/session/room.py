"""Start, ids, accounts and time; the refusal of what this gateway does not do."""

from collections.abc import Callable, Mapping

from theo.domain.market_data import SECOND, Tick
from theo.gateway.client import NO_REQUEST, Client
from theo.gateway.desk import NEVER, Desk, Handler
from theo.gateway.wire.messages.others import NewsProviders, ScannerParameters, Unsupported
from theo.gateway.wire.messages.session import (
    CurrentTime,
    ManagedAccounts,
    NextValidId,
    ReqCurrentTime,
    ReqIds,
    ReqManagedAccts,
    ReqUserInfo,
    SetServerLogLevel,
    StartApi,
    UserInfo,
)
from theo.gateway.wire.schema import Message

CLIENT_ID_IN_USE = 326
NOT_CONNECTED = 504
NOT_SUPPORTED = 322  # the request is right and cannot be worked off: clients end it on this, unlike on 321
FARMS = (
    (2104, "Market data farm connection is OK:usfarm"),
    (2106, "HMDS data farm connection is OK:ushmds"),
    (2158, "Sec-def data farm connection is OK:secdefil"),
)


class SessionRoom:
    """Implements desk.Room. ``next_order_id`` tells the first order id that a client may use."""

    def __init__(self, next_order_id: Callable[[Client], int]) -> None:
        self._next_order_id = next_order_id
        self.handlers: Mapping[type[Message], Handler] = {
            StartApi: self._start,
            ReqIds: self._ids,
            ReqManagedAccts: self._accounts,
            ReqCurrentTime: self._time,
            SetServerLogLevel: self._nothing,
            ReqUserInfo: self._user,
            Unsupported: self._unsupported,
        }

    def _start(self, desk: Desk, client: Client, request: StartApi) -> None:
        if client.id is not None:
            client.error(NO_REQUEST, 501, "Already connected.")
            return
        if request.client_id in desk.clients or len(desk.clients) >= desk.settings.clients_max:
            client.error(
                NO_REQUEST,
                CLIENT_ID_IN_USE,
                "Unable to connect as the client id is already in use. Retry with a unique client id.",
            )
            client.closes = True
            return
        client.id = request.client_id
        desk.clients[client.id] = client
        client.send(ManagedAccounts(",".join(desk.settings.accounts)))
        client.send(NextValidId(self._next_order_id(client)))
        for code, text in FARMS:
            client.error(NO_REQUEST, code, text)
        for room in desk.rooms:
            room.on_started(desk, client)

    def _ids(self, _desk: Desk, client: Client, _request: ReqIds) -> None:
        client.send(NextValidId(self._next_order_id(client)))

    def _accounts(self, desk: Desk, client: Client, _request: ReqManagedAccts) -> None:
        client.send(ManagedAccounts(",".join(desk.settings.accounts)))

    def _time(self, desk: Desk, client: Client, _request: ReqCurrentTime) -> None:
        client.send(CurrentTime((desk.now + desk.clock_skew) // SECOND))

    def _user(self, _desk: Desk, client: Client, request: ReqUserInfo) -> None:
        client.send(UserInfo(request.req_id, ""))

    def _nothing(self, _desk: Desk, _client: Client, _request: Message) -> None:
        """Taken, and not answered, as by TWS."""

    def _unsupported(self, _desk: Desk, client: Client, request: Unsupported) -> None:
        empty = EMPTY.get(request.name)
        if empty is not None:
            client.send(empty)
            return
        missing = f"Error processing request.-'bY' : cause - {request.name} is not supported by this gateway."
        code, text = REFUSED.get(request.name, (NOT_SUPPORTED, missing))
        client.error(request.req_id, code, text)

    def on_tick(self, desk: Desk, tick: Tick) -> None:
        """Prices mean nothing here."""

    def on_time(self, desk: Desk, at: int) -> None:
        """Nothing falls due here."""

    def next_due(self) -> int:
        """Never."""
        return NEVER

    def on_started(self, desk: Desk, client: Client) -> None:
        """Done where it happens."""

    def on_gone(self, desk: Desk, client: Client) -> None:
        """Its id is free again."""
        if client.id is not None and desk.clients.get(client.id) is client:
            del desk.clients[client.id]


NO_NEWS = (10_276, "News feed is not allowed.")  # what a login without subscriptions is told
REFUSED: Mapping[str, tuple[int, str]] = {
    "reqFundamentalData": (10_358, "Fundamentals data is not allowed."),
    "reqScannerSubscription": (162, "Historical Market Data Service error message:Scanner subscription is not available."),
    "reqNewsArticle": NO_NEWS,
    "reqHistoricalNews": NO_NEWS,
    "reqWshMetaData": NO_NEWS,
    "reqWshEventData": NO_NEWS,
}
# requests without an id: an error could not be told to belong to them, and a client would wait for ever
EMPTY: Mapping[str, Message] = {
    "reqScannerParameters": ScannerParameters('<?xml version="1.0" encoding="UTF-8"?>\n<ScanParameterResponse/>\n'),
    "reqNewsProviders": NewsProviders(()),
}
