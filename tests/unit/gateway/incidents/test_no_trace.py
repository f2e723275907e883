"""Whatever was played, in whatever order: once all has ended, a client sees a normal gateway, and its books agree."""

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.gateway.hand_market import SPY, Peer
from tests.unit.gateway.incidents.field import Field, last_prices, line, minutes, told
from tests.unit.gateway.trading.pit import cancelling, placing, statuses, words
from theo.gateway.client import Client
from theo.gateway.trading.working import Phase
from theo.gateway.wire.messages.account import Position, ReqPositions
from theo.gateway.wire.messages.history import HistoricalData
from theo.gateway.wire.messages.orders import ExecDetails, OpenOrder, ReqAllOpenOrders, ReqExecutions, ReqGlobalCancel
from theo.gateway.wire.messages.session import CurrentTime, NextValidId, ReqCurrentTime

NAMES = sorted(Field().incidents.incidents)
SETTINGS: dict[str, Any] = {"working_orders_max": 1000}
names, prices = st.sampled_from(NAMES), st.integers(595, 605).map(float)
acts = st.one_of(
    st.tuples(st.just("begin"), names, st.sampled_from([None, 1.0, 30.0])),
    st.tuples(st.just("begin"), names, st.sampled_from([None, 1.0, 30.0])),
    st.tuples(st.just("stop"), names),
    st.tuples(
        st.just("order"), st.sampled_from(["MKT", "LMT", "STP"]), st.sampled_from(["BUY", "SELL"]), prices, st.integers(1, 9)
    ),
    st.tuples(st.just("bracket"), prices, st.integers(1, 9)),
    st.tuples(st.just("change"), st.integers(1, 12), prices),
    st.tuples(st.just("cancel"), st.integers(1, 12)),
    st.tuples(st.just("listen")),
    st.tuples(st.just("trade"), prices),
    st.tuples(st.just("wait"), st.integers(1, 300)),
)


class Player:
    """Does what it is told, as far as the gateway takes it; connects again when it was cut off."""

    def __init__(self) -> None:
        self.field = Field(**SETTINGS)
        self.order_id = 1
        self.sent: dict[int, Any] = {}

    def act(self, what: str, *args: Any) -> None:  # noqa: ANN401 - drawn by Hypothesis
        field = self.field
        if field.peer.client.closes:
            field.part()
            if not field.simulator.accepts:
                field.simulator.advance(field.now + 1_000_000)
                return
            self.connect()
        getattr(self, what)(*args)
        field.peer.hear()

    def connect(self) -> None:
        self.order_id = max(m.order_id for m in self.field.reconnect() if isinstance(m, NextValidId))

    def begin(self, name: str, lasts: float | None) -> None:
        self.field.play(name, lasts)

    def stop(self, name: str) -> None:
        if name in {*self.field.lasting, *self.field.waiting}:
            self.field.end(name)

    def order(self, kind: str, side: str, price: float, size: int) -> None:
        field = {"LMT": "lmt_price", "STP": "aux_price"}.get(kind)
        more: dict[str, Any] = {} if field is None else {field: price}
        self.sent[self.order_id] = placing(self.order_id, side, kind, size, **more)
        self.field.peer.ask(self.sent[self.order_id])
        self.order_id += 1

    def bracket(self, price: float, size: int) -> None:
        first = self.order_id
        children: list[tuple[str, dict[str, Any]]] = [("LMT", {"lmt_price": price + 3}), ("STP", {"aux_price": price - 3})]
        self.field.peer.ask(placing(first, "BUY", "LMT", size, lmt_price=price, transmit=False))
        for n, (kind, more) in enumerate(children, start=1):
            self.field.peer.ask(placing(first + n, "SELL", kind, size, parent_id=first, transmit=n == 2, **more))
        self.order_id += 3

    def change(self, order_id: int, price: float) -> None:
        if order_id in self.sent:
            order = self.sent[order_id].order
            more: dict[str, Any] = {name: price for name in ("lmt_price", "aux_price") if getattr(order, name)}
            self.field.peer.ask(placing(order_id, order.action, order.order_type, int(order.total_quantity), **more))

    def cancel(self, order_id: int) -> None:
        self.field.peer.ask(cancelling(order_id))

    def listen(self) -> None:
        self.field.peer.ask(line(100), minutes(101, keep=True))

    def trade(self, price: float) -> None:
        self.field.quotes(str(price - 0.1), str(price + 0.1))
        self.field.trades(str(price))

    def wait(self, seconds: int) -> None:
        self.field.wait(seconds)


@settings(deadline=None, max_examples=120)
@given(st.lists(acts, max_size=20))
@example([("order", "MKT", "BUY", 600.0, 5), ("begin", "partial-restart", None), ("begin", "nightly-restart", None)])
@example([("begin", "duplicate-id", None), ("order", "LMT", "BUY", 600.0, 5), ("begin", "server-lost", 1.0), ("trade", 599.0)])
def test_once_all_has_ended_a_client_sees_a_normal_gateway(script: list[tuple[Any, ...]]) -> None:
    player = Player()
    for each in script:
        player.act(*each)
    field = player.field
    for name in dict.fromkeys((*field.lasting, *field.waiting)):  # one that lasts may wait to happen once more
        field.incidents.end(field.simulator.desk, name)
    field.part()
    field.simulator.advance(field.now + 60_000_000)
    check_books(field)
    field.reconnect()
    field.peer.ask(ReqGlobalCancel())
    check_like_new(field)


def check_books(field: Field) -> None:
    """Executions, each counted once, make the position; what is open is what the exchange has."""
    peer = Peer(field.simulator, 9)
    executed: dict[str, int] = {}
    for message in peer.ask(ReqExecutions(1)):
        if isinstance(message, ExecDetails):
            sign = 1 if message.execution.side == "BOT" else -1
            executed[message.execution.exec_id.rpartition(".")[0]] = sign * int(message.execution.shares)
    held = [int(m.position) for m in peer.ask(ReqPositions()) if isinstance(m, Position) and m.contract.con_id == SPY.con_id]
    assert sum(held) == sum(executed.values())
    shown = {m.order.perm_id for m in peer.ask(ReqAllOpenOrders()) if isinstance(m, OpenOrder)}
    assert shown == {worked.perm_id for worked in field.room.unfinished if worked.phase is not Phase.DRAFT}
    for worked in field.room.orders.values():
        assert 0 <= worked.filled <= worked.terms.quantity
        assert (worked.phase is Phase.FILLED) == (worked.filled == worked.terms.quantity)


def check_like_new(field: Field) -> None:
    """What a new client is told and answered is what a gateway says on which nothing was ever played."""
    fresh = Field(**SETTINGS)
    fresh.simulator.advance(field.now)
    assert field.simulator.desk.settings == fresh.simulator.desk.settings
    field.trades("600"), fresh.trades("600")
    greeting = field.reconnect()
    assert told(greeting) == []
    assert field.peer.client.outgoing is Client.deliver
    (order_id,) = {m.order_id for m in greeting if isinstance(m, NextValidId)}
    heard = []
    for each, number in ((field, order_id), (fresh, 1)):
        assert each.peer.ask(ReqCurrentTime()) == [CurrentTime(each.now // 1_000_000)]
        assert last_prices(each.peer.ask(line())) == [600.0]
        assert any(isinstance(m, HistoricalData) for m in each.peer.ask(minutes()))
        each.quotes("600.9", "601.1")
        said = each.peer.ask(placing(number, "BUY", "LMT", 1, lmt_price=500.0), cancelling(number))
        said += [*each.peer.ask(placing(number + 1, "BUY", "MKT", 1)), *each.trades("601")]
        assert last_prices(said) == [601.0]
        heard.append([_without_ids(text, number) for text in words(said)])
    assert heard[0] == heard[1]
    assert statuses(field.peer.ask(cancelling(order_id)), order_id) == []


def _without_ids(text: str, first: int) -> str:
    """What was said of an order, by which of the two it is."""
    kind, *rest = text.split()
    if not rest:
        return text
    order_id, *rest = rest
    return " ".join([kind, "first" if int(order_id) == first else "second", *rest])
