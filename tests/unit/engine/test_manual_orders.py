"""Orders that a person asks for, through the core to the simulated exchange, whose books are the truth."""

import msgspec
import pytest

from tests.unit.drive.small_worlds import plan_of
from tests.unit.engine.manual_desk import PRICE, Desk, changed, units
from theo.domain.asked import ChangeAsked, CheckAsked, EntryAsked, ExitAsked, MarginTold, PairAsked
from theo.domain.errors import ConfigError
from theo.domain.facts import Alerted, CommandDone, Filled, TradeClosed, TradeIntended
from theo.domain.instrument import MICROS
from theo.domain.orders import OcaType, OrderRole, OrderType, Route, Side, TimeInForce
from theo.drive.assembly import assemble
from theo.engine.world import Settings
from theo.risk.limits import Limits
from theo.venue.books import Standing

BUY = EntryAsked(symbol="MES", side=Side.BUY, type=OrderType.MARKET, quantity=2, stop="4990", target="5020")
LIMIT = EntryAsked(symbol="MES", side=Side.BUY, type=OrderType.LIMIT, quantity=2, limit="4995", stop="4985", target="5010")
AT_ONCE = Settings(stop_after_fill=True)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def opened(desk: Desk, asked: EntryAsked = BUY) -> str:
    """A trade that is filled; its id."""
    outcome = desk.ask(asked)
    assert outcome.accepted, outcome.text
    desk.tick(PRICE)
    (trade,) = desk.state.open_trades
    return trade


def test_a_market_entry_is_a_bracket_whose_exits_rest(desk: Desk) -> None:
    trade = opened(desk)
    assert desk.position == 2
    resting = {h.order.role: (h.order.type, h.order.stop or h.order.limit, h.remaining) for h in desk.working(trade)}
    assert resting == {OrderRole.STOP: ("STP", units("4990"), 2), OrderRole.TARGET: ("LMT", units("5020"), 2)}
    (intended,) = [f for f in desk.facts if isinstance(f, TradeIntended)]
    assert (intended.key.config, intended.signal) == ("manual", "")
    assert "protection" in intended.approved.passed
    desk.tick(units("4990"))
    desk.settle()
    (closed,) = [f for f in desk.facts if isinstance(f, TradeClosed)]
    assert (closed.how, desk.position, desk.working()) == ("stop", 0, [])
    assert desk.decided_again() is None


ENTRIES = {
    "limit": (LIMIT, ["4996", "4995", "4994.75"], "4995"),
    "stop": (changed(BUY, type=OrderType.STOP, trigger="5005"), ["5004", "5005"], "5005"),
    "stop limit": (
        changed(BUY, type=OrderType.STOP_LIMIT, trigger="5005", limit="5005.5"),
        ["5004", "5006", "5005.25"],
        "5005.5",
    ),
    "trailing": (changed(BUY, type=OrderType.TRAILING_STOP, trail="4", stop="4980"), ["4999", "4996", "5000"], "5000"),
    "sell limit": (
        EntryAsked(symbol="MES", side=Side.SELL, type=OrderType.LIMIT, quantity=1, limit="5004", stop="5010", target="4990"),
        ["5003", "5004.25"],
        "5004",
    ),
}


@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.parametrize("tif", [TimeInForce.DAY, TimeInForce.GTC])
def test_every_entry_type_fills_where_its_price_says(name: str, tif: TimeInForce) -> None:
    asked, prices, at = ENTRIES[name]
    assert isinstance(asked, EntryAsked)
    desk = Desk()
    assert desk.ask(changed(asked, tif=tif)).accepted
    for price in prices[:-1]:
        desk.tick(units(price))
        assert desk.position == 0, price
    desk.tick(units(prices[-1]))
    assert desk.position == asked.side.sign * asked.quantity
    (fill,) = [f for f in desk.facts if isinstance(f, Filled)]
    assert fill.price == units(at)
    desk.settle()
    (stop,) = [h for h in desk.working() if h.order.role is OrderRole.STOP]
    assert stop.remaining == asked.quantity
    assert desk.decided_again() is None


REFUSED = {
    "no stop": (changed(BUY, stop=""), "protection", "protective stop"),
    "stop on the wrong side": (changed(BUY, stop="5010"), "prices", "not behind the entry"),
    "target on the wrong side": (changed(BUY, target="4995"), "prices", "not beyond the entry"),
    "off the grid": (changed(LIMIT, limit="4995.10"), "prices", "tick grid"),
    "too many decimals": (changed(LIMIT, limit="4995.001"), "prices", "more than 2 decimals"),
    "no number": (changed(LIMIT, limit="cheap"), "prices", "is no price"),
    "not a number": (changed(LIMIT, limit="nan"), "limit", "is no price"),
    "huge": (changed(LIMIT, limit="1e999999"), "limit", "is no price"),
    "limit missing": (changed(LIMIT, limit=""), "prices", "needs a limit price"),
    "limit of a market order": (changed(BUY, limit="4995"), "prices", "has no limit price"),
    "trigger below the market": (changed(BUY, type=OrderType.STOP, trigger="4999"), "prices", "would fire at once"),
    "index": (changed(BUY, symbol="VIX"), "tradable", "index"),
    "unknown": (changed(BUY, symbol="XXX"), "instrument", "not listened to"),
    "IOC parent": (changed(BUY, tif=TimeInForce.IOC), "times_in_force", "stop after fill"),
    "FOK parent": (changed(LIMIT, tif=TimeInForce.FOK), "times_in_force", "stop after fill"),
    "IOC on a stop": (changed(BUY, type=OrderType.STOP, trigger="5005", tif=TimeInForce.IOC), "times_in_force", "IOC"),
    "FOK on a market order": (changed(BUY, tif=TimeInForce.FOK), "times_in_force", "FOK"),
    "negative": (changed(BUY, quantity=-1), "quantities", "positive multiple"),
    "too many contracts": (changed(BUY, quantity=11, stop="4999"), "contracts", "futures_contracts_max"),
    "too much risk": (changed(BUY, quantity=10, stop="4900"), "trade_risk", "2.0 % of equity"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_before_it_is_sent(name: str, desk: Desk) -> None:
    asked, rule, words = REFUSED[name]
    outcome = desk.ask(asked)
    assert (outcome.accepted, outcome.rule) == (False, rule), outcome.text
    assert words in outcome.text
    assert not desk.books.orders
    (done,) = [f for f in desk.facts if isinstance(f, CommandDone)]
    assert done.refused is not None


def test_fok_on_market_is_refused_also_where_entries_at_once_are_allowed() -> None:
    desk = Desk(AT_ONCE)
    assert desk.ask(changed(BUY, tif=TimeInForce.FOK, target="")).rule == "times_in_force"
    assert not desk.books.orders


def test_a_halt_refuses_entries_and_lets_exits_through(desk: Desk) -> None:
    trade = opened(desk)
    desk.command("halt")
    assert desk.ask(BUY).rule == "halted"
    assert desk.ask(ExitAsked(trade=trade, type=OrderType.MARKET, quantity=1)).accepted
    desk.tick(PRICE)
    assert desk.position == 1
    assert desk.command("close_trade", trade).accepted
    desk.tick(PRICE)
    desk.settle()
    assert (desk.position, desk.working()) == (0, [])


@pytest.mark.parametrize(("kind", "tif", "limit"), [("MKT", "IOC", ""), ("LMT", "IOC", "5001"), ("LMT", "FOK", "5001")])
def test_an_entry_at_once_is_followed_by_its_stop(kind: str, tif: str, limit: str) -> None:
    desk = Desk(AT_ONCE)
    asked = changed(BUY, type=OrderType(kind), tif=TimeInForce(tif), limit=limit, target="")
    trade = opened(desk, asked)
    assert desk.position == 2
    (stop,) = desk.working(trade)
    assert (stop.order.role, stop.order.stop, stop.remaining) == (OrderRole.STOP, units("4990"), 2)
    assert not [f for f in desk.facts if getattr(f, "code", "") == "unprotected"]  # it is not missing: it follows
    assert desk.decided_again() is None


def test_an_entry_at_once_that_finds_nothing_leaves_nothing() -> None:
    desk = Desk(AT_ONCE)
    assert desk.ask(changed(LIMIT, tif=TimeInForce.IOC, target="")).accepted
    desk.tick(PRICE)
    desk.settle()
    assert (desk.position, desk.working(), list(desk.state.open_trades)) == (0, [], [])


def test_per_cent_and_risk_size_the_order(desk: Desk) -> None:
    outcome = desk.ask(changed(BUY, quantity=0, risk_percent=0.5, stop="0.5%", target="1%"))
    assert outcome.accepted, outcome.text
    (trade,) = desk.state.trades.values()
    assert (trade.stop, trade.target) == (units("4975"), units("5050"))
    assert trade.quantity == 500 // 126  # 0.5 % of 100,000 USD; 25 points x 5 USD and one tick of slippage a contract


# Exits


EXITS = {
    "market": (ExitAsked(trade="", type=OrderType.MARKET, quantity=1), []),
    "limit": (ExitAsked(trade="", type=OrderType.LIMIT, quantity=1, limit="5005"), ["5004", "5005.25"]),
    "limit GTC": (ExitAsked(trade="", type=OrderType.LIMIT, quantity=1, limit="5005", tif=TimeInForce.GTC), ["5005.25"]),
    "limit IOC": (ExitAsked(trade="", type=OrderType.LIMIT, quantity=1, limit="4999", tif=TimeInForce.IOC), []),
    "limit FOK": (ExitAsked(trade="", type=OrderType.LIMIT, quantity=1, limit="4999", tif=TimeInForce.FOK), []),
    "market IOC": (ExitAsked(trade="", type=OrderType.MARKET, quantity=1, tif=TimeInForce.IOC), []),
    "stop": (ExitAsked(trade="", type=OrderType.STOP, quantity=1, trigger="4995"), ["4996", "4995"]),
    "stop limit": (
        ExitAsked(trade="", type=OrderType.STOP_LIMIT, quantity=1, trigger="4995", limit="4994"),
        ["4995", "4995.25"],
    ),
    "trailing": (ExitAsked(trade="", type=OrderType.TRAILING_STOP, quantity=1, trail="3"), ["5004", "5001"]),
}


@pytest.mark.parametrize("name", EXITS)
def test_a_part_is_closed_and_the_rest_stays_protected(name: str, desk: Desk) -> None:
    trade = opened(desk)
    asked, prices = EXITS[name]
    outcome = desk.ask(changed(asked, trade=trade))
    assert outcome.accepted, outcome.text
    for price in prices or ["5000"]:
        desk.tick(units(price))
    assert desk.position == 1
    desk.settle()
    stops = [h.remaining for h in desk.working(trade) if h.order.role is OrderRole.STOP]
    assert stops == [1]
    assert desk.decided_again() is None


@pytest.mark.parametrize(
    ("asked", "rule"),
    [
        (ExitAsked(trade="", type=OrderType.LIMIT, quantity=3, limit="5005"), "reduction"),
        (ExitAsked(trade="", type=OrderType.STOP, quantity=1, trigger="5005"), "prices"),
        (ExitAsked(trade="", type=OrderType.STOP, quantity=1, trigger="4995", tif=TimeInForce.IOC), "times_in_force"),
        (ExitAsked(trade="", type=OrderType.MARKET, quantity=1, tif=TimeInForce.FOK), "times_in_force"),
        (ExitAsked(trade="", type=OrderType.LIMIT, quantity=1, limit="5005.1"), "prices"),
        (ExitAsked(trade="", type=OrderType.LIMIT, quantity=-1, limit="5005"), "quantities"),
    ],
)
def test_an_exit_that_cannot_be_is_refused(asked: ExitAsked, rule: str, desk: Desk) -> None:
    trade = opened(desk)
    before = len(desk.books.orders)
    outcome = desk.ask(changed(asked, trade=trade))
    assert (outcome.accepted, outcome.rule) == (False, rule), outcome.text
    assert len(desk.books.orders) == before


def test_a_close_does_not_wait_for_a_close_at_a_price(desk: Desk) -> None:
    trade = opened(desk)
    assert desk.ask(ExitAsked(trade=trade, type=OrderType.LIMIT, limit="5015")).accepted
    desk.tick(PRICE)
    desk.command("flatten")
    desk.tick(PRICE)
    desk.settle()
    assert (desk.position, desk.working()) == (0, [])


def test_a_close_at_a_price_of_all_ends_the_trade_as_manual(desk: Desk) -> None:
    trade = opened(desk)
    assert desk.ask(ExitAsked(trade=trade, type=OrderType.LIMIT, limit="5005")).accepted
    desk.tick(units("5005.25"))
    desk.settle()
    (closed,) = [f for f in desk.facts if isinstance(f, TradeClosed)]
    assert (closed.how, desk.position, desk.working()) == ("manual", 0, [])


# Changes and cancels


def test_an_entry_that_waits_is_changed_with_its_exits(desk: Desk) -> None:
    outcome = desk.ask(LIMIT)
    (trade,) = desk.state.open_trades
    changes = ChangeAsked(id=outcome.orders[0], quantity=3, limit="4990", stop="4980", target="5000")
    outcome = desk.ask(changes)
    assert outcome.accepted, outcome.text
    at_exchange = {h.order.role: (h.order.quantity, h.order.limit or h.order.stop) for h in desk.working(trade)}
    assert at_exchange == {
        OrderRole.ENTRY: (3, units("4990")),
        OrderRole.STOP: (3, units("4980")),
        OrderRole.TARGET: (3, units("5000")),
    }
    held = desk.state.trades[trade]
    assert (held.quantity, held.entry, held.stop, held.target) == (3, units("4990"), units("4980"), units("5000"))
    desk.tick(units("4989.75"))
    assert desk.position == 3
    desk.tick(units("4980"))
    desk.settle()
    assert (desk.position, desk.working()) == (0, [])
    assert desk.decided_again() is None


def test_a_changed_entry_meets_every_rule_again(desk: Desk) -> None:
    order = desk.ask(LIMIT).orders[0]
    for asked, rule in [
        (ChangeAsked(id=order, quantity=30), "contracts"),
        (ChangeAsked(id=order, limit="4980"), "prices"),  # below its stop
        (ChangeAsked(id=order, limit="4995.1"), "prices"),
        (ChangeAsked(id=order, stop="4700"), "trade_risk"),
        (ChangeAsked(id=order, trigger="5010"), "prices"),
        (ChangeAsked(id=order), "amendment"),
        (ChangeAsked(id="nobody", limit="4990"), "order"),
    ]:
        assert desk.ask(asked).rule == rule, asked
    desk.command("halt")
    assert desk.ask(ChangeAsked(id=order, limit="4990")).rule in {"halted", "order", "trade"}


def test_a_stop_tightens_freely_and_loosens_within_the_limits(desk: Desk) -> None:
    trade = opened(desk)
    for stop, rule in [("4995", ""), ("4985", ""), ("4700", "trade_risk"), ("5000.25", "prices"), ("4995.1", "prices")]:
        outcome = desk.ask(ChangeAsked(id=trade, stop=stop))
        assert outcome.rule == rule, outcome.text
    (resting,) = [h for h in desk.working(trade) if h.order.role is OrderRole.STOP]
    assert resting.order.stop == desk.state.trades[trade].stop == units("4985")
    desk.command("halt")
    assert desk.ask(ChangeAsked(id=trade, stop="4980")).rule == "halted"  # more risk
    assert desk.ask(ChangeAsked(id=trade, stop="4990")).accepted  # less risk
    assert desk.decided_again() is None


def test_a_target_moves_comes_and_goes(desk: Desk) -> None:
    trade = opened(desk)
    assert desk.ask(ChangeAsked(id=trade, target="5030")).accepted
    (target,) = [h for h in desk.working(trade) if h.order.role is OrderRole.TARGET]
    assert target.order.limit == desk.state.trades[trade].target == units("5030")
    assert desk.ask(ChangeAsked(id=trade, target="4999")).rule == "prices"
    assert desk.command("cancel_order", target.order.id).accepted
    assert not [h for h in desk.working(trade) if h.order.role is OrderRole.TARGET]
    assert desk.ask(ChangeAsked(id=trade, target="5015")).accepted
    desk.tick(units("5015.25"))
    desk.settle()
    assert (desk.position, desk.working()) == (0, [])
    assert desk.decided_again() is None


def test_a_closing_order_is_changed(desk: Desk) -> None:
    trade = opened(desk)
    order = desk.ask(ExitAsked(trade=trade, type=OrderType.LIMIT, quantity=1, limit="5005")).orders[0]
    assert desk.ask(ChangeAsked(id=order, limit="5004", quantity=2)).accepted
    assert (desk.books.orders[order].order.limit, desk.books.orders[order].order.quantity) == (units("5004"), 2)
    assert desk.ask(ChangeAsked(id=order, quantity=3)).rule == "amendment"


def test_cancels(desk: Desk) -> None:
    entry, stop, target = desk.ask(LIMIT).orders
    assert desk.command("cancel_order", stop).rule == "protection"
    assert desk.command("cancel_order", "nobody").rule == "order"
    assert desk.command("cancel_order", entry).accepted
    desk.settle()
    assert [desk.books.orders[o].standing for o in (entry, stop, target)] == [Standing.CANCELLED] * 3
    assert not desk.state.open_trades
    assert desk.command("cancel_order", entry).rule == "order"


# Pairs


PAIR = PairAsked(
    changed(BUY, type=OrderType.STOP, trigger="5005", stop="4995", target=""),
    EntryAsked(symbol="MES", side=Side.SELL, type=OrderType.STOP, quantity=2, trigger="4995", stop="5005"),
)


@pytest.mark.parametrize(("price", "position"), [("5005", 2), ("4995", -2)])
def test_one_of_a_pair_cancels_the_other(price: str, position: int, desk: Desk) -> None:
    outcome = desk.ask(PAIR)
    assert outcome.accepted, outcome.text
    assert len(desk.state.open_trades) == 2
    desk.tick(units(price))
    desk.settle()
    (trade,) = desk.state.open_trades
    assert desk.position == position
    assert [(h.order.trade, h.order.role) for h in desk.working()] == [(trade, OrderRole.STOP)]
    assert desk.decided_again() is None


def ungrouped(desk: Desk) -> None:
    """The exchange forgets that the two exclude each other."""
    for held in desk.working():
        if held.order.role is OrderRole.ENTRY:
            held.order = msgspec.structs.replace(held.order, oca_group="", oca_type=OcaType.NONE)


def test_what_the_venue_does_not_cancel_of_a_pair_we_do(desk: Desk) -> None:
    assert desk.ask(PAIR).accepted
    ungrouped(desk)
    desk.tick(units("5005"))
    desk.settle()
    assert [h.order.role for h in desk.working()] == [OrderRole.STOP]
    desk.tick(units("4995"))
    desk.settle()
    assert (desk.position, list(desk.state.open_trades)) == (0, [])


def test_a_pair_that_is_filled_twice_in_a_race_is_closed_back_and_told(desk: Desk) -> None:
    both = PairAsked(LIMIT, changed(LIMIT, limit="4994"))
    assert desk.ask(both).accepted
    ungrouped(desk)
    desk.tick(units("4990"))
    desk.settle()
    (left,) = desk.state.open_trades
    assert desk.position == desk.state.trades[left].open_quantity == 2
    assert [f.code for f in desk.facts if isinstance(f, Alerted) and f.severity == "page"] == ["both_filled"]
    assert [f.how for f in desk.facts if isinstance(f, TradeClosed)] == ["oco"]
    assert desk.decided_again() is None


def test_a_pair_is_sent_whole_or_not_at_all(desk: Desk) -> None:
    refused = desk.ask(PairAsked(PAIR.first, changed(PAIR.second, stop="")))
    assert refused.rule == "protection"
    assert not desk.books.orders
    tight = Desk(limits=Limits(open_trades_max=1))
    assert tight.ask(PAIR).rule == "open_trades"  # the second one is judged as if the first were filled
    assert not tight.books.orders


def test_a_repeat_of_a_command_is_carried_out_once(desk: Desk) -> None:
    first = desk.ask(LIMIT, "mine-1")
    assert desk.ask(LIMIT, "mine-1") == first
    assert len(desk.state.trades) == 1


def test_every_order_of_a_trade_goes_where_its_entry_is_routed() -> None:
    """Entry, stop and target together, the stop after the fill, and the close that a person asks for."""
    for settings in (Settings(), AT_ONCE):
        desk = Desk(settings)
        trade = opened(desk, changed(BUY, route=Route.ARCA, target="5020" if settings is not AT_ONCE else ""))
        assert desk.ask(ExitAsked(trade=trade, type=OrderType.MARKET)).accepted
        desk.settle()
        held = list(desk.books.orders.values())
        assert {h.order.role for h in held} >= {OrderRole.ENTRY, OrderRole.STOP, OrderRole.CLOSE}
        assert {h.order.route for h in held} == {Route.ARCA}


# The broker's word on margin


ENOUGH = MarginTold(initial_after=5_000 * MICROS, equity_after=90_000 * MICROS, currency="USD")
REQUIRED = Settings(margin_required=True)


@pytest.mark.parametrize(
    ("margins", "rule"),
    [
        ((), "margin"),  # nobody asked, or there is no answer
        ((ENOUGH,), ""),
        ((MarginTold(initial_change=1),), ""),  # it would take it, and gives no number to compare
        ((MarginTold(refused="201: insufficient margin"),), "margin"),
        ((MarginTold(initial_after=90_001 * MICROS, equity_after=90_000 * MICROS),), "margin"),
    ],
)
def test_where_it_is_required_an_entry_needs_the_brokers_word(margins: tuple[MarginTold, ...], rule: str) -> None:
    desk = Desk(REQUIRED)
    assert desk.ask(LIMIT, margins=margins).rule == rule
    assert bool(desk.books.orders) is (rule == "")
    assert desk.ask(PAIR, margins=(ENOUGH,)).rule == "margin"  # one answer for each entry
    assert desk.decided_again() is None


def test_a_refusal_counts_where_it_is_not_required_too(desk: Desk) -> None:
    assert desk.ask(LIMIT, margins=(MarginTold(refused="no trading permission"),)).rule == "margin"


def test_a_check_says_what_would_come_of_it_and_sends_nothing(desk: Desk) -> None:
    told = desk.ask(CheckAsked(LIMIT))
    assert told.accepted
    assert "would be sent, 102.50 at risk" in told.text  # 2 contracts x 10 points x 5 USD, and a tick of slippage each
    assert desk.ask(CheckAsked(PAIR)).accepted
    assert desk.ask(CheckAsked(changed(LIMIT, stop=""))).rule == "protection"
    assert desk.ask(CheckAsked(LIMIT), margins=(MarginTold(refused="no"),)).rule == "margin"
    assert not desk.books.orders
    assert not desk.state.trades


def test_no_rule_set_takes_the_name_that_orders_by_hand_have(desk: Desk) -> None:
    plan = plan_of(msgspec.structs.replace(desk.plan.rulesets[0][0], name="manual"))
    with pytest.raises(ConfigError, match="opened by hand"):
        assemble(plan)
