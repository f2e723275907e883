"""Each cause of a fill that a backtest has otherwise is recognised by what the record shows, and nothing else is explained."""

from collections.abc import Sequence

import pytest

from theo.domain.approval import Approved, Refused
from theo.domain.facts import (
    Fact,
    Filled,
    FillRevised,
    LinkKnown,
    OrderMoved,
    Restarted,
    SignalClosed,
    SignalRaised,
    TradeIntended,
)
from theo.domain.instrument import Instrument, SecurityType
from theo.domain.keys import Key, Mode
from theo.domain.market_data import SECOND, Tick, TickKind
from theo.domain.orders import Order, OrderRole, OrderType, Side, Ticket, TimeInForce
from theo.domain.signals import Proposal
from theo.report.parity import Attribution, Cause, Difference
from theo.report.recorded_orders import Execution, RecordedOrders
from theo.report.tape import Tape

MES = Instrument(
    id=4,
    symbol="MES",
    token=1,
    security_type=SecurityType.FUT,
    exchange="CME",
    calendar="C",
    multiplier=5,
    price_decimals=2,
    tick=25,
)
T = 1_795_185_000 * SECOND
PRICE = 680_000
KEY = Key(account="DU1", mode=Mode.PAPER, run="r")
ENTRY, STOP, TARGET = "e", "s", "t"


def order(name: str, role: OrderRole, side: Side, kind: OrderType, price: int | None = None) -> Order:
    return Order(
        id=name,
        account="DU1",
        instrument=4,
        side=side,
        type=kind,
        quantity=2,
        tif=TimeInForce.GTC,
        role=role,
        trade="tr",
        limit=price if kind is OrderType.LIMIT else None,
        stop=price if kind is OrderType.STOP else None,
        parent="" if role is OrderRole.ENTRY else ENTRY,
    )


def bracket() -> TradeIntended:
    orders = (
        order(ENTRY, OrderRole.ENTRY, Side.BUY, OrderType.MARKET),
        order(STOP, OrderRole.STOP, Side.SELL, OrderType.STOP, PRICE - 500),
        order(TARGET, OrderRole.TARGET, Side.SELL, OrderType.LIMIT, PRICE + 500),
    )
    return TradeIntended(
        at=T,
        id="tr",
        key=KEY,
        signal="s0",
        instrument=4,
        side=Side.BUY,
        quantity=2,
        entry=PRICE,
        stop=PRICE - 500,
        target=PRICE + 500,
        risk=1,
        approved=Approved(Ticket(orders), ()),
    )


def moved(name: str, event: str, reason: str = "") -> OrderMoved:
    return OrderMoved(T, name, event, reason)


def filled(name: str, at: int, price: int, quantity: int = 2, charges: int = 100) -> Filled:
    role = {ENTRY: OrderRole.ENTRY, STOP: OrderRole.STOP, TARGET: OrderRole.TARGET}[name]
    side = Side.BUY if name == ENTRY else Side.SELL
    return Filled(
        at=at,
        timestamp=at,
        order=name,
        trade="tr",
        execution=f"{name}{at}{price}",
        instrument=4,
        role=role,
        side=side,
        quantity=quantity,
        price=price,
        value=0,
        charges=charges,
    )


def expected(name: str, at: int, price: int, quantity: int = 2) -> Execution:
    return Execution(name, at, at, quantity, price, 100)


def tape(*trades: tuple[float, int]) -> Tape:
    """(seconds after T, price); around them a trade each ten seconds at PRICE."""
    found = Tape()
    usual = [(float(s), PRICE) for s in range(-300, 900, 10)]
    for seconds, price in sorted([*usual, *trades]):
        at = T + round(seconds * SECOND)
        found.add(Tick(4, at, at, 0, int(TickKind.TRADE), price, 1, 0, 0, "t"))
    return found


Steps = Sequence[tuple[float, list[Fact]]]


def compared(steps: Steps, wanted: Sequence[Execution], trades: Tape | None = None, ends: float = 800.0) -> Attribution:
    recorded = RecordedOrders()
    meant: tuple[float, list[Fact]] = (0.0, [bracket()])
    for seconds, facts in (meant, *steps, (ends, list[Fact]())):
        recorded.take(T + round(seconds * SECOND), facts)
    return Attribution(recorded.closed(), wanted, trades or tape(), {4: MES})


def only(steps: Steps, wanted: Sequence[Execution], trades: Tape | None = None, ends: float = 800.0) -> Difference:
    (found,) = compared(steps, wanted, trades, ends).differences()
    return found


ACCEPTED: tuple[float, list[Fact]] = (0.05, [moved(name, "accepted") for name in (ENTRY, STOP, TARGET)])


def at(seconds: float) -> int:
    return T + round(seconds * SECOND)


def entered(seconds: float, price: int = PRICE) -> tuple[float, list[Fact]]:
    return seconds, [filled(ENTRY, at(seconds), price)]


def test_equal_fills_differ_in_nothing() -> None:
    same = compared([ACCEPTED, entered(10)], [expected(ENTRY, at(10.4), PRICE)])
    assert same.differences() == []
    assert same.charges() == []


CASES: dict[Cause, tuple[Steps, list[Execution], Tape | None]] = {
    Cause.LATENCY: ([ACCEPTED, entered(14, PRICE + 100)], [expected(ENTRY, at(10), PRICE)], tape((13.5, PRICE + 100))),
    Cause.QUOTE: ([ACCEPTED, entered(10, PRICE + 25)], [expected(ENTRY, at(10), PRICE)], None),
    Cause.PARTS: (
        [ACCEPTED, (10, [filled(ENTRY, at(10), PRICE, 1), filled(ENTRY, at(10.2), PRICE + 25, 1)])],
        [expected(ENTRY, at(10), PRICE)],
        None,
    ),
    Cause.OUTAGE: (
        [
            ACCEPTED,
            (5, [LinkKnown(at(5), up=False, reason="1100")]),
            (60, [LinkKnown(at(60), up=True, reason="")]),
            entered(61, PRICE + 200),
        ],
        [expected(ENTRY, at(10), PRICE)],
        tape((60.5, PRICE + 200)),
    ),
    Cause.GAP: ([ACCEPTED, entered(2_000, PRICE + 900)], [expected(ENTRY, at(10), PRICE)], None),
    Cause.BROKER: ([ACCEPTED, (6, [moved(ENTRY, "rejected", "201: margin")])], [expected(ENTRY, at(10), PRICE)], None),
    Cause.CORRECTED: (
        [
            ACCEPTED,
            entered(10),
            (
                20,
                [
                    FillRevised(
                        at=at(20),
                        order=ENTRY,
                        trade="tr",
                        execution="x",
                        replaces=(f"{ENTRY}{at(10)}{PRICE}",),
                        instrument=4,
                        side=Side.BUY,
                        price=PRICE + 300,
                        quantity=0,
                        turnover=600,
                        value=0,
                        charges=0,
                    )
                ],
            ),
        ],
        [expected(ENTRY, at(10), PRICE)],
        None,
    ),
    Cause.EXCESS: (
        [ACCEPTED, (10, [filled(ENTRY, at(10), PRICE), filled(ENTRY, at(10.1), PRICE)])],
        [expected(ENTRY, at(10), PRICE)],
        None,
    ),
    Cause.UNEXPLAINED: ([ACCEPTED, entered(10, PRICE + 300)], [expected(ENTRY, at(10), PRICE)], None),
}


@pytest.mark.parametrize("cause", CASES)
def test_a_cause_is_recognised(cause: Cause) -> None:
    steps, wanted, trades = CASES[cause]
    found = only(steps, wanted, trades, ends=2_100.0 if cause is Cause.GAP else 800.0)
    assert found.cause is cause, found


def test_what_it_cost_is_told() -> None:
    found = only([ACCEPTED, entered(10, PRICE + 25)], [expected(ENTRY, at(10), PRICE)])
    assert found.cost == 2 * 25 * MES.unit_value  # two contracts, a tick dearer


def test_a_trade_that_came_late() -> None:
    trades = Tape()
    for seconds, late in ((0, 0), (12, 8), (16, 0)):
        trades.add(Tick(4, at(seconds + late), at(seconds), 0, int(TickKind.TRADE), PRICE, 1, 0, 0, "t"))
    assert only([ACCEPTED, entered(16)], [expected(ENTRY, at(12), PRICE)], trades).cause is Cause.LATE_DATA


def test_a_restart_is_an_outage() -> None:
    steps: Steps = [ACCEPTED, (5, []), (90, [Restarted(at(90), "b", "")]), entered(91, PRICE + 25)]
    assert only(steps, [expected(ENTRY, at(10), PRICE)]).cause is Cause.OUTAGE


def test_an_outage_explains_no_price_that_nobody_saw() -> None:
    steps: Steps = [ACCEPTED, (5, []), (40, [Restarted(at(40), "b", "")]), entered(41, PRICE + 800)]
    assert only(steps, [expected(ENTRY, at(10), PRICE)]).cause is Cause.UNEXPLAINED


def test_an_outage_at_another_time_explains_nothing() -> None:
    link: Steps = [(300, [LinkKnown(at(300), up=False, reason="1100")]), (360, [LinkKnown(at(360), up=True, reason="")])]
    assert only([ACCEPTED, entered(10, PRICE + 300), *link], [expected(ENTRY, at(10), PRICE)]).cause is Cause.UNEXPLAINED


def test_a_limit_that_was_only_touched() -> None:
    steps: Steps = [ACCEPTED, entered(10), (50, [filled(TARGET, at(50), PRICE + 500)])]
    found = only(steps, [expected(ENTRY, at(10), PRICE)], tape((50, PRICE + 500)))
    assert found.cause is Cause.TOUCHED


def test_a_target_that_nobody_could_have_filled_is_unexplained() -> None:
    steps: Steps = [ACCEPTED, entered(10), (50, [filled(TARGET, at(50), PRICE + 500)])]
    assert only(steps, [expected(ENTRY, at(10), PRICE)]).cause is Cause.UNEXPLAINED


def test_an_exit_follows_the_one_that_was_filled_instead() -> None:
    steps: Steps = [ACCEPTED, entered(10), (50, [filled(TARGET, at(50), PRICE + 500)])]
    wanted = [expected(ENTRY, at(10), PRICE), expected(STOP, at(200), PRICE - 500)]
    causes = {each.order: each.cause for each in compared(steps, wanted, tape((50, PRICE + 500))).differences()}
    assert causes == {TARGET: Cause.TOUCHED, STOP: Cause.FOLLOWS}


def test_a_stop_that_the_broker_never_filled_is_unexplained() -> None:
    wanted = [expected(ENTRY, at(10), PRICE), expected(STOP, at(200), PRICE - 500)]
    assert only([ACCEPTED, entered(10)], wanted).cause is Cause.UNEXPLAINED


def test_an_answer_that_the_record_does_not_reach() -> None:
    wanted = [expected(ENTRY, at(10), PRICE), expected(STOP, at(200), PRICE - 500)]
    assert only([ACCEPTED, entered(10)], wanted, ends=205.0).cause is Cause.UNFINISHED


def test_reported_commissions_stand_beside_the_estimate() -> None:
    (charged,) = compared(
        [ACCEPTED, (10, [filled(ENTRY, at(10), PRICE, charges=130)])], [expected(ENTRY, at(10), PRICE)]
    ).charges()
    assert (charged.reported, charged.estimated) == (130, 100)


def test_signals_that_only_a_live_run_refuses_are_counted() -> None:
    refused = Refused("data_trust", 1, 0, "gapped")
    action = Proposal(instrument=4, side=Side.BUY, type=OrderType.MARKET, entry=2, stop=1)
    facts: list[Fact] = [SignalRaised("s1", KEY, T, action), SignalClosed("s1", "FAILED", "gapped", refused)]
    old: list[Fact] = [SignalRaised("s2", KEY, T - 3_600 * SECOND, action), SignalClosed("s2", "FAILED", "gapped", refused)]
    recorded = RecordedOrders()
    recorded.take(T + SECOND, [*facts, *old])
    assert recorded.refused == {"data_trust": 1}
