"""A signal becomes a bought option: its whole premium is at risk, and it is sold when the underlying reaches stop or target."""

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from tests.unit.drive.option_world import (
    CALL,
    ENDS,
    FRONTS,
    PUT,
    SIGNAL,
    Item,
    ask_first,
    chosen,
    front_of,
    plan,
    played,
    quotes,
    signalled,
    spy,
)
from tests.unit.strategy.markets import SPY, bar
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.sql.projection.entity_rows import WorldReading
from theo.adapters.sql.projection.projecting import Decoders, Projection
from theo.app.home.projecting import listings
from theo.domain import facts as f
from theo.domain.asked import ChangeAsked
from theo.domain.facts import Fact
from theo.domain.inputs import Command
from theo.domain.instrument import MICROS
from theo.domain.journal import Record
from theo.domain.market_data import SECOND
from theo.domain.orders import OrderRole, OrderType, PriceCondition, Side
from theo.drive.assembly import assemble
from theo.drive.redecide import redecide
from theo.engine.codec import decode_batch, decode_steps, kept_steps
from theo.engine.recovery import recover
from theo.engine.snapshot import digest
from theo.risk.limits import Limits
from theo.strategy.option_front import OptionBounds

T = TypeVar("T")
STOP, TARGET = 519_75, 535_50  # 1 % below and 2 % above 525.00
FILLED = quotes(SIGNAL + SECOND, 200, 204)  # the ask is what the entry wants


def of(facts: Iterable[Fact], kind: type[T]) -> list[T]:
    return [fact for fact in facts if isinstance(fact, kind)]


def test_the_whole_premium_is_at_risk_and_the_orders_say_when_it_is_sold() -> None:
    done, facts = played(signalled())
    (raised,), (trade,) = of(facts, f.SignalRaised), of(facts, f.TradeIntended)
    assert (raised.action.instrument, getattr(raised.action, "stop", 0)) == (SPY.id, STOP), "the signal is the underlying's"
    entry, stop, target = trade.approved.subject.orders
    assert (trade.side, trade.instrument, trade.entry, trade.stop) == (Side.BUY, FRONTS["CALL"].instrument.id, 204, 0)
    assert (entry.type, entry.limit, entry.contract) == (OrderType.LIMIT, 204, CALL)
    assert [(o.role, o.type, o.contract, o.condition) for o in (stop, target)] == [
        (OrderRole.STOP, OrderType.MARKET, CALL, PriceCondition(SPY.id, STOP, above=False)),
        (OrderRole.TARGET, OrderType.MARKET, CALL, PriceCondition(SPY.id, TARGET, above=True)),
    ]
    each = 204 * MICROS + (trade.risk - trade.quantity * 204 * MICROS) // trade.quantity
    assert trade.risk <= 1_000 * MICROS < trade.risk + each, "1 % of 100,000, and one more would be too many"
    assert trade.why.startswith(f"{CALL}, nearest weekly series; bid 2.00, ask 2.04, spread 2.0 %")
    assert done.core.state.trades[trade.id].has_target


@pytest.mark.parametrize(
    ("after", "role", "price"),
    [
        ([bar(SPY, ENDS[3], 519_00), *quotes(ENDS[3] + SECOND, 140, 150)], OrderRole.STOP, 140),
        ([bar(SPY, ENDS[3], 536_00), *quotes(ENDS[3] + SECOND, 290, 300)], OrderRole.TARGET, 290),
    ],
)
def test_it_is_sold_at_its_bid_when_the_underlying_is_there(after: list[Item], role: OrderRole, price: int) -> None:
    done, facts = played(signalled(*FILLED, *after))
    bought, sold = of(facts, f.Filled)
    assert (bought.price, sold.role, sold.price, sold.quantity) == (204, role, price, bought.quantity)
    (closed,) = of(facts, f.TradeClosed)
    assert closed.how == ("stop" if role is OrderRole.STOP else "target")
    assert closed.gross == (price - 204) * bought.quantity * MICROS
    books = done.venue.books
    assert (books.positions[bought.instrument], books.cash) == (0, done.core.state.cash - 100_000 * MICROS)
    assert not [held for held in done.core.state.orders.values() if not held.ended], "its other exit is gone"
    (signal,) = of(facts, f.SignalClosed)
    assert (signal.status, signal.reason) == ("EXECUTED", f"filled: {of(facts, f.TradeIntended)[0].why}")


def test_the_underlying_between_its_levels_sells_nothing() -> None:
    """However the premium moves."""
    done, facts = played(signalled(*FILLED, bar(SPY, ENDS[3], 520_00), *quotes(ENDS[3] + SECOND, 5, 10)))
    assert len(of(facts, f.Filled)) == 1
    (trade,) = done.core.state.trades.values()
    assert trade.open_quantity > 0


def test_a_short_signal_buys_a_put_whose_stop_lies_above() -> None:
    fill, fall = quotes(SIGNAL + SECOND, 200, 204, 20, PUT), quotes(ENDS[3] + SECOND, 150, 160, 20, PUT)
    _, facts = played(signalled(*fill, bar(SPY, ENDS[3], 480_80), *fall, contract=PUT, close=475_00))
    (trade,) = of(facts, f.TradeIntended)
    assert (trade.instrument, trade.side) == (FRONTS["PUT"].instrument.id, Side.BUY)
    conditions = [o.condition for o in trade.approved.subject.orders[1:]]
    assert conditions == [PriceCondition(SPY.id, 479_75, above=True), PriceCondition(SPY.id, 465_50, above=False)]
    assert [(fact.role, fact.price) for fact in of(facts, f.Filled)] == [(OrderRole.ENTRY, 204), (OrderRole.STOP, 150)]


@pytest.mark.parametrize(
    ("rule", "says", "items"),
    [
        ("option_contract", "no contract is chosen yet", spy([500_00, 500_00, 525_00])),
        ("option_quote", "no market", [chosen(ENDS[0]), *spy([500_00, 500_00, 525_00])[1:]]),
        ("option_quote", "61 s ago, at most 60", [*signalled()[:3], *quotes(SIGNAL - 61 * SECOND, 200, 204), *signalled()[-1:]]),
        ("option_spread", "bid and ask are 10.5 % apart", [*signalled()[:3], *quotes(SIGNAL, 190, 211), *signalled()[-1:]]),
        ("option_size", "0 contracts", [*signalled()[:3], *quotes(SIGNAL, 200, 204, 0), *signalled()[-1:]]),
        ("option_quote", "no market", [*signalled()[:3], *quotes(SIGNAL, 0, 204), *signalled()[-1:]]),
        ("option_category", "230 points in the money by now, no longer ITM", signalled(close=630_00)),
    ],
)
def test_what_is_no_market_is_refused_in_words(rule: str, says: str, items: list[Item]) -> None:
    _, facts = played(items)
    (closed,) = of(facts, f.SignalClosed)
    assert closed.status == "FAILED"
    assert closed.refused is not None
    assert closed.refused.rule == rule
    assert says in closed.reason
    assert not of(facts, f.TradeIntended)


def test_what_a_person_allows_is_bought() -> None:
    wide = [*signalled()[:3], *quotes(SIGNAL - 61 * SECOND, 190, 211), *signalled()[-1:]]
    allowed = OptionBounds(spread_percent_max=11, quote_max=61 * SECOND)
    assert len(of(played(wide, plan(allowed))[1], f.TradeIntended)) == 1


def test_an_entry_that_is_not_filled_in_time_is_given_up() -> None:
    """The ask runs away: its price was that of a moment."""
    away = [tick for n in range(1, 9) for tick in ask_first(SIGNAL + n * 10 * SECOND, 220, 225)]
    done, facts = played(signalled(*away))
    (cancel,), (signal,) = of(facts, f.CancelIntended), of(facts, f.SignalClosed)
    assert (cancel.at, cancel.reason) == (SIGNAL + 60 * SECOND, "not filled at the ask in time")
    assert (signal.status, of(facts, f.TradeClosed)[0].how) == ("CANCELLED", "cancelled")
    assert not of(facts, f.Filled)
    assert not done.core.state.open_trades


def test_what_is_filled_in_part_keeps_exits_that_its_underlying_sets_off() -> None:
    first, fast = ask_first(SIGNAL + SECOND, 200, 204, 1), ask_first(SIGNAL + 2 * SECOND, 210, 215, 1)
    later = [tick for n in (6, 9) for tick in ask_first(SIGNAL + n * SECOND, 210, 215, 1)]
    done, facts = played(signalled(*first, *fast, *later))
    (trade,) = done.core.state.trades.values()
    assert trade.open_quantity == 1 < of(facts, f.TradeIntended)[0].quantity
    resting = [held.order for held in done.core.state.orders.values() if not held.ended]
    assert [(o.role, o.quantity, o.condition) for o in resting] == [
        (OrderRole.STOP, 1, PriceCondition(SPY.id, STOP, above=False)),
        (OrderRole.TARGET, 1, PriceCondition(SPY.id, TARGET, above=True)),
    ]


def test_its_exposure_is_what_it_stands_for() -> None:
    """Deep in the money a contract moves like a hundred shares: over 50,000 USD each, whatever little it costs."""
    bounded = plan()
    bounded.limits = Limits(exposure_per_instrument_cash_max=120_000)
    (trade,) = of(played(signalled(), bounded)[1], f.TradeIntended)
    assert trade.quantity == 2, "of 52,500 each"
    bounded.limits = Limits(exposure_per_instrument_cash_max=50_000)
    (closed,) = of(played(signalled(), bounded)[1], f.SignalClosed)
    assert closed.refused is not None
    assert closed.refused.rule == "exposure_per_instrument_cash_max"


def test_a_new_contract_ends_what_is_open_in_the_one_before() -> None:
    """It is not chosen anew while something is open; should it be, nothing stands at prices of another contract."""
    other = msgspec.structs.replace(chosen(ENDS[3] + SECOND), contract="SPY   200124C00400000", previous=CALL)
    done, facts = played(signalled(*FILLED, other, *quotes(ENDS[3] + 2 * SECOND, 180, 185)))
    assert [fact.reason for fact in of(facts, f.CloseAsked)] == ["roll"]
    assert of(facts, f.TradeClosed)[0].how == "roll"
    assert not done.core.state.open_trades


def test_a_person_may_close_it_and_not_move_its_exits() -> None:
    name = of(played(signalled())[1], f.TradeIntended)[0].id
    moved = Command(at=ENDS[3], id="m", actor="me", name="change_order", reason="", payload=ChangeAsked(id=name, stop="1.50"))
    closed = Command(at=ENDS[3] + SECOND, id="c", actor="me", name="close_trade", reason="", subject=name)
    _, facts = played(signalled(*FILLED, moved, closed, *quotes(ENDS[3] + 2 * SECOND, 180, 185)))
    first, second = of(facts, f.CommandDone)
    assert (first.accepted, "follow the underlying" in first.text, second.accepted) == (False, True, True)
    assert of(facts, f.Filled)[-1].price == 180


def test_it_is_decided_again_and_recovered_alike() -> None:
    records: list[Record] = []
    items = signalled(*FILLED, bar(SPY, ENDS[3], 519_00), *quotes(ENDS[3] + SECOND, 140, 150))
    done, _ = played(items, records=records)
    data = [record for record in records if record.stream != "trading"]
    trading = [record for record in records if record.stream == "trading"]
    market = (item for record in data for item in decode_batch(record).items)
    steps = [step for record in trading for step in decode_steps(record)]
    again = redecide(lambda _started: assemble(plan()), steps, market, lambda: (iter(()), iter(())))
    assert again.first_difference is None
    assert again.facts > 0
    core = assemble(plan())
    recover(core, None, trading, data)
    assert digest(core.state) == digest(done.core.state)
    assert core.world.market.quotes == done.core.world.market.quotes


def test_quotes_and_the_choice_survive_a_snapshot() -> None:
    done, _ = played(signalled(*FILLED))
    fresh = assemble(plan()).world.market
    fresh.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(done.core.world.market.state())))
    one = front_of(CALL)
    assert fresh.quotes[one] == done.core.world.market.quotes[one]
    assert fresh.quotes[one].bid == 200
    assert done.core.state.fronts[one].why == "nearest weekly series"


def test_the_tables_say_which_option_it_was_why_and_what_ends_it(tmp_path: Path) -> None:
    records: list[Record] = []
    played(signalled(*FILLED, bar(SPY, ENDS[3], 519_00), *quotes(ENDS[3] + SECOND, 140, 150)), records=records)
    store = SqlMarketStore(tmp_path)
    Projection(store, Decoders(steps=kept_steps, worlds=WorldReading(listings=listings))).apply(records)
    (signal,), (trade,) = store.rows("signals"), store.rows("trades")
    entry, stop, target = sorted(store.rows("orders"), key=lambda row: str(row["id"]))
    told = [row["text"] for row in store.rows("events") if row["kind"] in {"chosen", "option"}]
    store.close()
    why = f"{CALL}, nearest weekly series; bid 2.00, ask 2.04, spread 2.0 %"
    assert (signal["instrument"], signal["stop"], signal["status_reason"]) == (SPY.id, STOP, f"filled: {why}")
    levels = [trade[name] for name in ("contract", "stop", "target", "underlying", "underlying_stop", "underlying_target")]
    assert levels == [CALL, 0, None, SPY.id, STOP, TARGET]
    assert {row["contract"] for row in (entry, stop, target)} == {CALL}
    waits = [[row[f"underlying{name}"] for name in ("", "_price", "_above")] for row in (entry, stop, target)]
    assert waits == [[None] * 3, [SPY.id, STOP, False], [SPY.id, TARGET, True]]
    assert told == [f"contract {CALL}: nearest weekly series", why]
