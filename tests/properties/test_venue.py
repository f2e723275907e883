"""The exchange under any sequence of orders, amendments, cancels, bars, ticks and time: what must hold after every step."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.venue.floor import BUY, INSTRUMENTS, LMT, MKT, SELL, STP, STP_LMT, TRAIL, nyse, order
from theo.domain.market_data import MINUTE, Bar, Tick, TickKind
from theo.domain.orders import Amendment, OcaType, Order, OrderType, Side, Ticket, TimeInForce
from theo.domain.reports import (
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderReport,
)
from theo.venue.books import ALWAYS, LIVE, NEVER
from theo.venue.exchange import Venue, VenueSettings
from theo.venue.fees import SCHEDULES

Step = Callable[[Venue, int], tuple[OrderReport, ...]]
BEGIN = datetime(2026, 11, 23, 20, 30, tzinfo=UTC)  # half an hour before New York closes
START = int(BEGIN.timestamp()) * 1_000_000
HOURS = nyse(BEGIN.date(), BEGIN.date().replace(day=25))
STOCKS = SCHEDULES["stocks_fixed"]
LOW, HIGH, TICK = 390, 410, 25  # prices in ticks

prices = st.integers(LOW, HIGH).map(lambda n: n * TICK)
sides = st.sampled_from(Side)
quantities = st.integers(1, 6)
names = st.integers(0, 40)  # a name comes again now and then
STEPS_MIN, STEPS_MAX = 15, 45


@st.composite
def orders(draw: st.DrawFn, name: str) -> Order:
    kind = draw(st.sampled_from(OrderType))
    tifs = list(TimeInForce) if kind is LMT else [TimeInForce.DAY, TimeInForce.GTC]
    return order(
        draw(sides),
        kind,
        draw(quantities),
        name=name,
        tif=draw(st.sampled_from(tifs)),
        limit=draw(prices) if kind in {LMT, STP_LMT} else None,
        stop=draw(prices) if kind in {STP, STP_LMT} else None,
        trail=draw(st.integers(1, 20)) * TICK if kind is TRAIL else None,
        outside_rth=draw(st.booleans()),
    )


@st.composite
def tickets(draw: st.DrawFn) -> Ticket:
    """One order, or a bracket, or an exit group of equal sizes; names repeat now and then."""
    number = draw(names)
    shape = draw(st.sampled_from(["one", "bracket", "group"]))
    if shape == "one":
        return Ticket((draw(orders(f"o{number}")),))
    side, size, oca = draw(sides), draw(quantities), draw(st.sampled_from([o for o in OcaType if o is not OcaType.NONE]))
    tied = {"group": f"g{number}", "oca": oca, "parent": f"p{number}" if shape == "bracket" else ""}
    exits = (
        order(side, STP, size, name=f"s{number}", stop=draw(prices), **tied),  # type: ignore[arg-type]  # the texts of one table
        order(side, LMT, size, name=f"t{number}", limit=draw(prices), **tied),  # type: ignore[arg-type]  # the texts of one table
        order(side, TRAIL, size, name=f"r{number}", trail=draw(st.integers(1, 20)) * TICK, **tied),  # type: ignore[arg-type]  # the texts of one table
    )
    if shape == "group":
        return Ticket(exits)
    kind = draw(st.sampled_from([MKT, LMT, STP]))
    entry = order(
        side.opposite,
        kind,
        size,
        name=f"p{number}",
        tif=TimeInForce.DAY,
        limit=draw(prices) if kind is LMT else None,
        stop=draw(prices) if kind is STP else None,
    )
    return Ticket((entry, *exits))


@st.composite
def bars(draw: st.DrawFn) -> Step:
    """Mostly narrow ones, so that orders rest and trailing stops follow."""
    width, centre = draw(st.sampled_from([0, 2, 2, 15])), draw(st.integers(LOW, HIGH))
    opened, high, low, close = (TICK * (centre + draw(st.integers(-width, width))) for _ in range(4))
    top, bottom, volume = max(opened, high, low, close), min(opened, high, low, close), draw(st.integers(0, 12))
    return lambda v, at: v.on_bar(Bar(1, at + MINUTE, "1min", at, at + MINUTE, opened, top, bottom, close, volume))


@st.composite
def ticks(draw: st.DrawFn) -> Step:
    kind, price, size = draw(st.sampled_from([TickKind.TRADE, TickKind.BID, TickKind.ASK])), draw(prices), draw(st.integers(0, 6))
    return lambda v, at: v.on_tick(Tick(1, at, at, 0, kind, price, size))


@st.composite
def amendments(draw: st.DrawFn) -> Step:
    which, quantity, limit, stop, trail = (
        draw(names),
        draw(quantities),
        draw(prices),
        draw(prices),
        draw(st.integers(1, 20)) * TICK,
    )

    def step(v: Venue, at: int) -> tuple[OrderReport, ...]:
        name = live(v, which)
        kind = v.books.orders[name].order.type if name else MKT
        return v.amend(
            Amendment(
                order=name,
                quantity=quantity,
                limit=limit if kind in {LMT, STP_LMT} else None,
                stop=stop if kind in {STP, STP_LMT} else None,
                trail=trail if kind is TRAIL else None,
            ),
            at,
        )

    return step


def placing(ticket: Ticket) -> Step:
    return lambda v, at: v.place(ticket, at)


def cancelling(which: int) -> Step:
    return lambda v, at: v.cancel(live(v, which), at)


def live(v: Venue, which: int) -> str:
    """The name of one of the live orders; empty when there is none."""
    known = [name for name, held in v.books.orders.items() if held.standing in LIVE]
    return known[which % len(known)] if known else ""


steps: st.SearchStrategy[list[Step]] = st.lists(
    st.one_of(
        tickets().map(placing),
        tickets().map(placing),
        bars(),
        bars(),
        bars(),
        ticks(),
        ticks(),
        ticks(),
        amendments(),
        names.map(cancelling),
        st.just(lambda v, at: v.on_time(at)),
        st.just(lambda v, at: v.settle(1, at)),
    ),
    min_size=STEPS_MIN,
    max_size=STEPS_MAX,
)
ways = st.builds(
    VenueSettings,
    limit_fills=st.sampled_from(["through", "touch"]),
    slippage_ticks=st.sampled_from([0, 2]),
    latency=st.sampled_from([0, MINUTE + 1]),
    participation=st.sampled_from([0.0, 0.5]),
    sizes_limit_fills=st.booleans(),
)


def exchange(way: VenueSettings) -> Venue:
    return Venue(INSTRUMENTS, HOURS, dict.fromkeys(INSTRUMENTS, STOCKS), way)


def run(done: list[Step], way: VenueSettings, between: Callable[[Venue], Venue] = lambda v: v) -> tuple[list[OrderReport], Venue]:
    """Everything that is said, time being told when it is due. ``between`` may do to the exchange what must not matter."""
    v, said = exchange(way), list[OrderReport]()
    for number, step in enumerate(done):
        v, at = between(v), START + number * MINUTE
        if v.next_due <= at:
            said += v.on_time(at)
        said += step(v, at)
    return said, v


def restored(v: Venue) -> Venue:
    """A new exchange with the same books, through bytes."""
    again = exchange(v._settings)
    again.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(v.state())))
    assert again.books == v.books
    assert again.next_due == v.next_due
    return again


def awake(v: Venue) -> Venue:
    """The same exchange, made to look at every order on every event."""
    for market in v.books.markets.values():
        market.low, market.high = NEVER, ALWAYS
    return v


def asleep_bounds(v: Venue) -> dict[int, tuple[int, int]]:
    for instrument in v.books.markets:
        v._book.wake(instrument)
    return {i: (m.low, m.high) for i, m in v.books.markets.items()}


@settings(max_examples=100, deadline=None)
@given(steps, ways)
def test_the_books_add_up_after_every_step(done: list[Step], way: VenueSettings) -> None:
    v, filled, level = exchange(way), defaultdict[str, int](int), dict[str, int]()
    cash = fees = 0
    position = defaultdict[int, int](int)
    ended: set[str] = set()
    for number, step in enumerate(done):
        for report in step(v, START + number * MINUTE):
            if isinstance(report, OrderFilled):
                held = v.books.orders[report.order]
                assert report.order not in ended
                assert report.quantity > 0
                signed = held.order.side.sign * report.quantity
                position[held.order.instrument] += signed
                cash -= signed * report.price * INSTRUMENTS[held.order.instrument].unit_value + report.charges
                fees += report.charges
                filled[report.order] += report.quantity
            elif isinstance(report, OrderCancelled | OrderExpired):
                assert report.order not in ended
                ended.add(report.order)
        assert (v.books.cash, v.books.fees) == (cash, fees)
        assert {i: q for i, q in v.books.positions.items() if q} == {i: q for i, q in position.items() if q}
        for name, held in v.books.orders.items():
            assert held.filled == filled[name] <= held.order.quantity
            assert (held.standing == "filled") is (held.filled == held.order.quantity)
            if held.level is not None and held.order.side is SELL:
                assert held.level >= level.get(name, held.level)
                level[name] = held.level
            elif held.level is not None:
                assert held.level <= level.get(name, held.level)
                level[name] = held.level


@settings(max_examples=100, deadline=None)
@given(steps, ways)
def test_the_same_steps_lead_to_the_same_words_and_a_restart_changes_nothing(done: list[Step], way: VenueSettings) -> None:
    said, v = run(done, way)
    again, w = run(done, way)
    assert said == again
    assert v.books == w.books
    after, w = run(done, way, restored)
    assert said == after
    assert v.books == w.books


@settings(max_examples=100, deadline=None)
@given(steps, ways)
def test_what_is_skipped_would_have_done_nothing(done: list[Step], way: VenueSettings) -> None:
    """The exchange does not look at its orders while the price stays between two bounds; looking changes no word of it."""
    said, v = run(done, way)
    looked, w = run(done, way, awake)
    assert said == looked
    assert asleep_bounds(v) == asleep_bounds(w)
    assert v.books == w.books


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(OcaType), sides, quantities, st.lists(st.one_of(bars(), ticks()), max_size=15), ways, prices, prices)
def test_an_exit_group_never_overfills(
    kind: OcaType, side: Side, size: int, market: list[Step], way: VenueSettings, stop: int, limit: int
) -> None:
    if kind is OcaType.NONE:
        return
    exits = (
        order(side, STP, size, name="s", stop=stop, group="g", oca=kind),
        order(side, LMT, size, name="t", limit=limit, group="g", oca=kind),
        order(side, TRAIL, size, name="r", trail=4 * TICK, group="g", oca=kind),
    )
    said, _ = run([placing(Ticket(exits)), *market], way)
    fills = [r for r in said if isinstance(r, OrderFilled)]
    assert sum(r.quantity for r in fills) <= size
    if kind is OcaType.CANCEL_WITH_BLOCK:
        assert len({r.order for r in fills}) <= 1


@settings(max_examples=100, deadline=None)
@given(orders("a"), bars(), ways)
def test_a_fill_is_a_price_of_the_bar_and_no_worse_than_the_limit(wanted: Order, event: Step, way: VenueSettings) -> None:
    way = msgspec.structs.replace(way, slippage_ticks=0)
    v = exchange(way)
    said = [*v.place(Ticket((wanted,)), START), *event(v, START)]
    assert isinstance(said[0], OrderAccepted | OrderRejected)
    bar = v.books.markets[1].bar
    for report in said:
        if isinstance(report, OrderFilled):
            assert bar is not None
            assert bar.low <= report.price <= bar.high
            if wanted.limit is not None:
                assert (report.price <= wanted.limit) if wanted.side is BUY else (report.price >= wanted.limit)
            if wanted.type is STP and wanted.stop is not None:
                assert (report.price >= wanted.stop) if wanted.side is BUY else (report.price <= wanted.stop)
