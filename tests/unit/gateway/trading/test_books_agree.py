"""Whatever clients and prices do: accounts, executions, orders and the exchange say the same."""

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.gateway.trading.pit import MES, SECOND, SPY, Pit, cancelling, placing
from theo.gateway.trading.working import ENDED, LIVE, Phase, Worked
from theo.gateway.wire.messages.orders import CommissionReport, ExecDetails, OrderStatus, ReqExecutions, ReqGlobalCancel

KINDS: list[tuple[str, tuple[str, ...]]] = [
    ("MKT", ()),
    ("LMT", ("lmt_price",)),
    ("STP", ("aux_price",)),
    ("STP LMT", ("aux_price", "lmt_price")),
    ("MIT", ("aux_price",)),
    ("LIT", ("aux_price", "lmt_price")),
    ("MIDPRICE", ()),
    ("MOC", ()),
]
prices = st.integers(590, 610).map(float)
kinds = st.sampled_from(KINDS)
sides = st.sampled_from(["BUY", "SELL"])
new = st.tuples(
    st.just("new"), kinds, sides, st.integers(1, 9), prices, prices, st.sampled_from(["", "g"]), st.integers(0, 3), st.booleans()
)
acts = st.one_of(
    new,
    new,
    st.tuples(st.just("change"), st.integers(0, 30), st.integers(1, 9), prices),
    st.tuples(st.just("cancel"), st.integers(0, 30)),
    st.tuples(st.just("trade"), prices, st.integers(1, 12)),
    st.tuples(st.just("quote"), prices, st.integers(1, 12)),
    st.tuples(st.just("wait"), st.integers(1, 1900)),
)


class Trader:
    """Does what it is told, and keeps what it hears."""

    def __init__(self) -> None:
        self.pit = Pit(status_copies=2, working_orders_max=1000)
        self.sent: dict[int, Any] = {}
        self.heard: list[Any] = []

    def act(self, act: tuple[Any, ...]) -> None:
        self.heard += getattr(self, act[0])(*act[1:]) or []

    def new(self, kind: Any, side: str, size: int, one: float, two: float, *more: Any) -> list[Any]:  # noqa: ANN401 - drawn by Hypothesis
        group, parent, transmit = more
        fields = dict(zip(kind[1], (one, two), strict=False))
        number = len(self.sent) + 1
        family = {"parent_id": number - parent} if 0 < parent < number else {}
        grouped = {"oca_group": group, "oca_type": 1 + number % 3} if group else {}
        self.sent[number] = placing(number, side, kind[0], size, transmit=transmit, **fields, **family, **grouped)
        return self.pit.peer.ask(self.sent[number])

    def change(self, number: int, size: int, price: float) -> list[Any]:
        if number not in self.sent:
            return []
        order = self.sent[number].order
        fields: dict[str, Any] = {name: price for name in ("lmt_price", "aux_price") if getattr(order, name)}
        return self.pit.peer.ask(
            placing(
                number,
                order.action,
                order.order_type,
                size,
                oca_group=order.oca_group,
                oca_type=order.oca_type,
                parent_id=order.parent_id,
                **fields,
            )
        )

    def cancel(self, number: int) -> list[Any]:
        return self.pit.peer.ask(cancelling(number))

    def trade(self, price: float, size: int) -> list[Any]:
        return self.pit.trades(str(price), size=size)

    def quote(self, price: float, size: int) -> list[Any]:
        return self.pit.quotes(str(price - 0.5), str(price + 0.5), sizes=(size, size))

    def wait(self, seconds: int) -> list[Any]:
        return self.pit.peer.wait(self.pit.now + seconds * SECOND)


@settings(deadline=None, max_examples=150)
@given(st.lists(acts, max_size=25))
def test_all_books_agree(script: list[tuple[Any, ...]]) -> None:
    trader = Trader()
    for act in script:
        trader.act(act)
        trader.heard += trader.pit.peer.hear()
    for worked in trader.pit.room.orders.values():
        check_order(worked, trader)
    check_positions(trader)
    final = trader.pit.peer.ask(ReqGlobalCancel())
    assert all(worked.phase in ENDED for worked in trader.pit.room.orders.values())
    assert all(held.standing != "working" for held in trader.pit.room._dealing.floor.venue.books.orders.values())
    assert trader.pit.trades("600") == []
    assert not [m for m in final if isinstance(m, ExecDetails)]


def check_order(worked: Worked, trader: Trader) -> None:
    """Its executions, its last status and its own count are one; it is at the exchange when it says so."""
    own = [m.execution for m in trader.heard if isinstance(m, ExecDetails) and m.execution.perm_id == worked.perm_id]
    told = [m for m in trader.heard if isinstance(m, OrderStatus) and m.perm_id == worked.perm_id]
    assert sum(int(e.shares) for e in own) == worked.filled <= worked.terms.quantity
    assert (worked.phase is Phase.FILLED) == (worked.filled == worked.terms.quantity)
    if worked.phase is not Phase.DRAFT:
        assert (told[-1].status, int(told[-1].filled), int(told[-1].remaining)) == (
            worked.status,
            worked.filled,
            worked.remaining,
        )
    held = trader.pit.room._dealing.floor.venue.books.orders.get(worked.venue_id)
    assert (worked.phase is Phase.WORKING) == (held is not None and held.standing == "working")
    if held is not None and worked.phase is Phase.WORKING:
        assert held.remaining == worked.remaining
    if worked.phase is Phase.CHILD:
        assert trader.pit.room.orders[worked.parent].phase in LIVE


def check_positions(trader: Trader) -> None:
    """The account, the exchange and the executions hold the same; every execution has one commission."""
    position: Counter[int] = Counter()
    for message in trader.heard:
        if isinstance(message, ExecDetails):
            sign = 1 if message.execution.side == "BOT" else -1
            position[message.contract.con_id] += sign * int(message.execution.shares)
    holdings = trader.pit.ledgers.accounts["DU1"].holdings
    venue = trader.pit.room._dealing.floor.venue.books.positions
    for con_id in (SPY.con_id, MES.con_id):
        held = holdings.get(con_id)
        assert position[con_id] == venue.get(con_id, 0) == (0 if held is None else held.quantity)
    executed = [m.execution.exec_id for m in trader.heard if isinstance(m, ExecDetails)]
    assert [m.exec_id for m in trader.heard if isinstance(m, CommissionReport)] == executed
    assert len(set(executed)) == len(executed)
    again = [m.execution.exec_id for m in trader.pit.peer.ask(ReqExecutions(1)) if isinstance(m, ExecDetails)]
    assert again == executed
