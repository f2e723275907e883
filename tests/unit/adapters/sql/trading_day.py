"""A short trading day as facts, with every kind of fact once, for the tests of projections."""

import msgspec

from theo.domain import facts as f
from theo.domain.approval import Approved, Refused
from theo.domain.asked import EntryAsked
from theo.domain.facts import Fact
from theo.domain.keys import Key, Mode
from theo.domain.market_data import DataMark
from theo.domain.orders import Amendment, OcaType, Order, OrderRole, OrderType, Side, Ticket, TimeInForce
from theo.domain.signals import Exit, Proposal

ASKED = EntryAsked(symbol="MES", side=Side.BUY, type=OrderType.MARKET, stop="4490")
KEY = Key("DU1", "owner", Mode.VIRTUAL, "run-1", "mes-vix", "0123456789ab")
RUN = Key("DU1", "owner", Mode.VIRTUAL, "run-1")
MES = 1


def order(number: int, role: OrderRole, side: Side, kind: OrderType, **prices: int) -> Order:
    return Order(
        id=f"j-{number}",
        account="DU1",
        instrument=MES,
        side=side,
        type=kind,
        quantity=2,
        tif=TimeInForce.GTC,
        role=role,
        trade="T1",
        limit=prices.get("limit"),
        stop=prices.get("stop"),
        parent="" if role is OrderRole.ENTRY else "j-1",
        oca_group="" if role is OrderRole.ENTRY else "T1",
        oca_type=OcaType.NONE if role is OrderRole.ENTRY else OcaType.REDUCE_NON_BLOCK,
    )


def fill(at: int, number: int, role: OrderRole, side: Side, quantity: int, price: int) -> f.Filled:
    return f.Filled(
        at=at,
        timestamp=at - 1,
        order=f"j-{number}",
        trade="T1",
        execution=f"x{at}",
        instrument=MES,
        role=role,
        side=side,
        quantity=quantity,
        price=price,
        value=side.sign * quantity * price * 50_000,
        charges=quantity * 620_000,
    )


def cheaper(fill: f.Filled, at: int, charges: int) -> f.FillRevised:
    """The report of what it cost comes after it, and is so much less than was counted."""
    return f.FillRevised(
        at=at,
        order=fill.order,
        trade=fill.trade,
        execution=fill.execution,
        replaces=(),
        instrument=fill.instrument,
        side=fill.side,
        price=fill.price,
        quantity=0,
        turnover=0,
        value=0,
        charges=-charges,
    )


def trading_day() -> list[list[Fact]]:
    """One inner list a record: a trade of 2 MES from 4500.00 to the stop at 4490.00, 1.25 added by hand-made numbers."""
    bracket = Ticket(
        (
            order(1, OrderRole.ENTRY, Side.BUY, OrderType.MARKET),
            order(2, OrderRole.STOP, Side.SELL, OrderType.STOP, stop=449_000),
            order(3, OrderRole.TARGET, Side.SELL, OrderType.LIMIT, limit=453_000),
        )
    )
    proposal = Proposal(
        instrument=MES, side=Side.BUY, type=OrderType.MARKET, entry=450_000, stop=449_000, target=453_000, reason="break"
    )
    intended = f.TradeIntended(
        at=20,
        id="T1",
        key=KEY,
        signal="S1",
        instrument=MES,
        side=Side.BUY,
        quantity=2,
        entry=450_000,
        stop=449_000,
        target=453_000,
        risk=100_000_000,
        approved=Approved(bracket, ("daily_loss", "exposure")),
    )
    closed = f.TradeClosed(
        at=60, id="T1", how="stop", quantity=2, entry_sum=900_000, exit_sum=898_250, gross=-87_500_000, charges=2_480_000
    )
    return [
        [f.RunStarted(at=1, key=RUN, build="b1", cash=100_000_000_000, world="{}"), f.DayBegan(1, 19_000, 100_000_000_000)],
        [f.Decided("mes-vix", 10, "no break", (None, 1.5), 5)],
        [f.Decided("mes-vix", 20, "long", (4500.25, -0.8), 7), f.SignalRaised("S1", KEY, 20, proposal), intended],
        [f.OrderMoved(21, f"j-{n}", "accepted", "", f"perm{n}", "IB", 7, 900 + n) for n in (1, 2, 3)],
        [fill(30, 1, OrderRole.ENTRY, Side.BUY, 1, 449_975), fill(31, 1, OrderRole.ENTRY, Side.BUY, 1, 450_025)],
        [f.SignalClosed("S1", "EXECUTED", ""), f.SignalCreated(32, "S0", KEY, 32, 60_000_032, proposal, ASKED)],
        [f.AmendIntended(40, Approved(Amendment(order="j-2", quantity=2, stop=449_100), ()), "trailing")],
        [f.OrderResized(at=41, order="j-2", quantity=2, stop=449_100), f.AmendRefused(42, "j-3", "too late")],
        [f.CloseAsked(50, "T1", "manual"), f.CancelIntended(50, "j-3", "closing"), f.OrderMoved(51, "j-3", "cancelled", "by us")],
        [stop := fill(60, 2, OrderRole.STOP, Side.SELL, 2, 449_125), closed],
        [cheaper(stop, 62, 20_000), msgspec.structs.replace(closed, at=62, charges=2_460_000)],
        [
            f.SignalRaised("S2", KEY, 70, Exit(MES, "rule")),
            f.SignalClosed("S2", "FAILED", "flat", Refused("open_trades", 1.0, 0.0, "t")),
        ],
        [f.BreakerTripped(80, Refused("daily_loss", -90.0, -50.0, "lost too much"), 99), f.BreakerReset(81, "owner", "new day")],
        [
            f.ScanPaused(82, "mes-vix", "owner", "earnings"),
            f.ScanResumed(82, "mes-vix", "owner", "over"),
            f.Halted(82, "owner", "lunch"),
            f.Resumed(83, "owner", "back"),
            f.LinkKnown(84, up=False, reason="1100"),
        ],
        [f.DataKnown(84, MES, DataMark.INTERRUPTED, 80, "the link is down")],
        [
            f.BookLooked(85),
            f.BookAsked(85, "reconnected"),
            f.Differed(86, "position", "MES", "0", "1", "no new risk"),
            f.PositionAdopted(86, MES, 1, "owner", "a hedge"),
            f.Reconciled(87, 1, agreed=True),
        ],
        [f.Alerted(88, "page", "link_down", "down"), f.CommandDone(89, "c1", "halt", "owner", accepted=True, text="ok")],
        [f.Restarted(90, "b2", ""), f.TimeWentBack(91, 90), f.DayBegan(92, 19_001, 99_910_040_000)],
    ]
