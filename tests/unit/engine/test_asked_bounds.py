"""Numbers that no order can have are refused by the core too, by their field: whatever way a command came, the trader goes on."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.engine.manual_desk import PRICE, Desk, changed
from theo.domain.asked import (
    Asked,
    ChangeAsked,
    CheckAsked,
    EntryAsked,
    ExitAsked,
    PairAsked,
    PromotionAsked,
    SignalAsked,
    unbounded,
)
from theo.domain.facts import TradeIntended
from theo.domain.instrument import MICROS
from theo.domain.orders import OrderType, Side
from theo.risk.limits import UNLIMITED, Limits

BUY = EntryAsked(symbol="MES", side=Side.BUY, type=OrderType.MARKET, quantity=2, stop="4990", target="5020")
LIMIT = changed(BUY, type=OrderType.LIMIT, limit="4995", stop="4985", target="5010")
WIDE = Limits(**dict.fromkeys(Limits.__struct_fields__, UNLIMITED))  # every limit is off
WRONG: dict[str, tuple[str, object]] = {
    "a price beyond all": ("limit", "1e30"),
    "a price beyond 64 bits": ("limit", "1000000000000000"),
    "no finite price": ("trigger", "Infinity"),
    "a trail beyond all": ("trail", "1e12"),
    "a stop beyond all": ("stop", "1e30"),
    "per cent beyond all": ("target", "1e12%"),
    "more than any book holds": ("quantity", 2**31),
    "less than nothing, by far": ("quantity", -(2**40)),
    "no step of a limit": ("risk_percent", 0.00001),
    "more than everything": ("risk_percent", 101.0),
}


def asked_with(field: str, value: object) -> list[Asked]:
    """Everything that can be asked with such a field."""
    entry = changed(LIMIT, **{field: value})
    found: list[Asked] = [
        entry,
        PairAsked(LIMIT, entry),
        CheckAsked(entry),
        CheckAsked(PairAsked(entry, LIMIT)),
        SignalAsked(entry, 5),
    ]
    if field in ChangeAsked.__struct_fields__:
        found.append(ChangeAsked(id="j-0-0", **{field: value}))  # type: ignore[arg-type]  # of every type in turn
    if field in ExitAsked.__struct_fields__:
        found.append(ExitAsked(trade="j-t0", type=OrderType.LIMIT, **{field: value}))  # type: ignore[arg-type]  # of every type in turn
    return found


@pytest.mark.parametrize("name", WRONG)
def test_a_number_of_no_order_is_refused_by_its_field(name: str) -> None:
    field, value = WRONG[name]
    desk = Desk(limits=WIDE)
    for asked in asked_with(field, value):
        outcome = desk.ask(asked)
        assert (outcome.accepted, outcome.rule) == (False, field), (asked, outcome)
    assert desk.ask(LIMIT).accepted, "and the trader goes on"
    assert desk.decided_again() is None


def test_more_money_than_is_counted_is_refused() -> None:
    desk = Desk(limits=WIDE)
    most = 2**53 // (PRICE * 50_000)
    assert most * 25_000 > 9_000_000_000
    for asked in (changed(BUY, quantity=most + 1), SignalAsked(changed(BUY, quantity=most + 1), 5)):
        outcome = desk.ask(asked)
        assert (outcome.accepted, outcome.rule) == (False, "quantity")
        assert "no order is worth 9,007,199,254 or more" in outcome.text
    assert desk.ask(changed(LIMIT, quantity=2)).accepted
    (trade,) = desk.state.open_trades
    desk.tick(PRICE)
    change = desk.ask(ChangeAsked(id=trade, quantity=most + 500))
    assert (change.accepted, change.rule) == (False, "quantity")


numbers = st.one_of(
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
    st.floats().map(str),
    st.integers(1, 10**11).map(lambda quarters: str(quarters / 4)),
    st.text(max_size=6),
)
levels = st.one_of(numbers, numbers.map(lambda text: text + "%"), st.just(""))
entries = st.builds(
    EntryAsked,
    symbol=st.sampled_from(("MES", "VIX", "")),
    side=st.sampled_from(Side),
    type=st.sampled_from(OrderType),
    quantity=st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(0, 10), st.just(0)),
    risk_percent=st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.floats(0.00005, 100)),
    limit=levels,
    trigger=levels,
    trail=levels,
    stop=levels,
    stop_trail=levels,
    target=levels,
)


@settings(max_examples=300, deadline=None)
@given(entries, st.sampled_from((lambda e: e, lambda e: PairAsked(e, LIMIT), CheckAsked, lambda e: SignalAsked(e, 5))))
def test_whatever_is_asked_is_answered_and_recorded(entry: EntryAsked, wrapped: "type[CheckAsked]") -> None:
    desk = Desk(limits=WIDE)
    asked = wrapped(entry)
    outcome = desk.ask(asked)
    assert outcome.text
    assert not (unbounded(asked) and outcome.accepted)
    if outcome.accepted and isinstance(asked, SignalAsked):
        desk.ask(PromotionAsked(outcome.orders[0]))
    for fact in desk.facts:  # read back from their records
        if isinstance(fact, TradeIntended):
            assert fact.quantity * fact.entry * 50_000 <= 2**53
            assert fact.risk / MICROS < 2**53
    assert desk.core.at >= desk.at
