"""Whatever a person asks for, in whatever order, while the market moves: positions are the exchange's, and a stop rests."""

import msgspec
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from tests.unit.engine.manual_desk import PRICE, Desk
from theo.domain.asked import ChangeAsked, EntryAsked, ExitAsked, PairAsked
from theo.domain.instrument import MICROS
from theo.domain.orders import OrderRole, OrderType, Side, TimeInForce
from theo.engine.world import Settings
from theo.risk.limits import Limits

TICK = 25
OFFSETS = st.integers(-40, 40)  # ticks from the last price
KINDS = st.sampled_from(OrderType)
TIFS = st.sampled_from(TimeInForce)
Draw = st.DrawFn


def text(units: int) -> str:
    return f"{units // 100}.{units % 100:02d}"


def around(data: st.DataObject, last: int) -> str:
    """A price near the last one, on the grid but now and then; or none."""
    off = data.draw(OFFSETS)
    return "" if off == 0 else text(last + off * TICK + (10 if off == 7 else 0))


@st.composite
def entries(draw: Draw, last: int) -> EntryAsked:
    """Mostly sensible: the stop behind, the prices that the type needs."""
    side, kind = draw(st.sampled_from(Side)), draw(KINDS)
    away = side.sign * draw(st.integers(1, 20)) * TICK
    behind = last - side.sign * draw(st.integers(21, 60)) * TICK
    return EntryAsked(
        symbol="MES",
        side=side,
        type=kind,
        quantity=draw(st.integers(0, 3)),
        tif=draw(TIFS),
        limit=text(last + (away if kind is OrderType.STOP_LIMIT else -away)) if kind in {"LMT", "STP LMT"} else "",
        trigger=text(last + away) if kind in {"STP", "STP LMT"} else "",
        trail=text(abs(away)) if kind is OrderType.TRAILING_STOP else "",
        stop=draw(st.sampled_from([text(behind), text(behind), "0.4%", ""])),
        stop_trail=draw(st.sampled_from(["", "", "5"])),
        target=draw(st.sampled_from(["", text(last + side.sign * 60 * TICK), "0.5%"])),
    )


def act(desk: Desk, data: st.DataObject) -> None:
    """One thing that a person, or the market, does."""
    draw = data.draw
    last = desk.core.world.market.last[3]
    trades, orders = list(desk.state.open_trades) or ["none"], list(desk.state.orders) or ["none"]
    what = draw(
        st.sampled_from(["tick", "tick", "tick", "jump", "enter", "enter", "pair", "leave", "change", "cancel", "close", "halt"])
    )
    if what == "tick":
        desk.tick(last + draw(st.integers(-6, 6)) * TICK)
    elif what == "jump":
        desk.tick(last + draw(st.integers(-60, 60)) * TICK)
    elif what == "enter":
        told(what, desk.ask(draw(entries(last))).accepted)
    elif what == "pair":
        told(what, desk.ask(PairAsked(draw(entries(last)), draw(entries(last)))).accepted)
    elif what == "leave":
        asked = ExitAsked(
            trade=draw(st.sampled_from(trades)),
            type=draw(KINDS),
            quantity=draw(st.integers(0, 3)),
            tif=draw(TIFS),
            limit=around(data, last),
            trigger=around(data, last),
            trail=draw(st.sampled_from(["", "", "3"])),
        )
        told(what, desk.ask(asked).accepted)
    elif what == "change":
        field = draw(st.sampled_from(["quantity", "limit", "stop", "target"]))
        value: object = draw(st.integers(1, 3)) if field == "quantity" else text(last + draw(OFFSETS) * TICK)
        changed = msgspec.structs.replace(ChangeAsked(id=draw(st.sampled_from([*trades, *trades, *orders]))), **{field: value})
        told(what, desk.ask(changed).accepted)
    elif what == "cancel":
        told(what, desk.command("cancel_order", draw(st.sampled_from(orders))).accepted)
    elif what == "close":
        told(what, desk.command("close_trade", draw(st.sampled_from(trades))).accepted)
    else:
        desk.command("halt" if not desk.state.halted else "resume")


def told(what: str, accepted: bool) -> None:  # noqa: FBT001 - a statistic
    event(f"{what} {'done' if accepted else 'refused'}")


def check(desk: Desk) -> None:
    """After the venue's time is over: the books are one, and every open trade has a stop of its size at the exchange."""
    state = desk.state
    assert state.positions.get(3, 0) == desk.position
    assert desk.position == sum(t.side.sign * t.open_quantity for t in state.trades.values())
    for trade in (state.trades[t] for t in state.open_trades):
        assert trade.open_quantity >= 0
        stops = [h.remaining for h in desk.working(trade.id) if h.order.role is OrderRole.STOP and h.standing == "working"]
        if trade.open_quantity and not trade.close_reason:
            assert sum(stops) == trade.open_quantity, (trade.id, stops)
    assert {h.order.trade for h in desk.working()} <= set(state.open_trades)  # nothing is left of a trade that is over
    flat = not desk.position
    assert not flat or state.cash == desk.plan.cash + sum(
        t.side.sign * (t.out_sum - t.in_sum) * desk.core.world.unit_values[t.instrument] - t.charges
        for t in state.trades.values()
    )


@settings(
    max_examples=60, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink]
)
@given(st.data())
def test_no_sequence_of_commands_breaks_positions_or_stops(data: st.DataObject) -> None:
    desk = Desk(
        Settings(stop_after_fill=data.draw(st.booleans())),
        Limits(trades_per_day_max=1_000, daily_loss_percent_max=50.0, total_risk_percent_max=20.0),
    )
    for _ in range(data.draw(st.integers(3, 25))):
        act(desk, data)
        assert desk.state.positions.get(3, 0) == desk.position
    desk.settle()
    check(desk)
    desk.command("flatten")
    desk.tick(PRICE)
    desk.settle()
    check(desk)
    assert desk.position == 0
    assert not [t for t in desk.state.open_trades if desk.state.trades[t].in_quantity]
    assert desk.decided_again() is None
    assert desk.state.cash > 10 * MICROS


def test_the_check_notices_a_stop_that_is_missing() -> None:
    """The test above can fail."""
    desk = Desk()
    assert desk.ask(EntryAsked(symbol="MES", side=Side.BUY, type=OrderType.MARKET, quantity=1, stop="4990")).accepted
    desk.tick(PRICE)
    check(desk)
    (stop,) = [h for h in desk.working() if h.order.role is OrderRole.STOP]
    stop.order = type(stop.order)(**{name: getattr(stop.order, name) for name in stop.order.__struct_fields__} | {"quantity": 2})
    try:
        check(desk)
    except AssertionError:
        return
    raise AssertionError("a stop of the wrong size went unnoticed")
