"""The public words for facts, against the facts that there are."""

from types import UnionType
from typing import Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

from tests.unit.drive.option_world import CALL, FRONTS, front_of, played, signalled
from tests.unit.risk.entries import MES
from tests.unit.strategy.markets import SPY
from theo.api import event_values as words
from theo.api.event_values import event_of
from theo.api.sources import RecordedFact
from theo.domain import facts as f
from theo.domain.approval import Refused
from theo.domain.keys import Key, Mode
from theo.domain.market_data import DataMark
from theo.domain.orders import OrderRole, OrderType, Side
from theo.domain.signals import Exit, Proposal

AT = 1_546_871_400_000_000  # 2019-01-07 14:30 UTC
# Steps on the way, told by the event that they lead to; decisions are told by /api/decisions.
NO_EVENTS = {
    *("Decided", "AmendIntended", "AmendRefused", "CloseAsked", "CancelIntended", "OrderResized", "RollAsked"),
    *("BookAsked", "BookLooked", "TimeWentBack"),
}
WAYS = ("AS_THEY_ARE", "MONEY", "PRICES", "TIMES", "DATES", "PARTS", "LEFT_OUT")
KEY = Key(mode=Mode.VIRTUAL, config="trend", config_version="0a1b2c3d4e5f")
PROPOSAL = Proposal(instrument=MES.id, side=Side.BUY, type=OrderType.STOP, entry=265_175, stop=264_000, reason="breaks 2651.75")
FILL = f.Filled(
    at=AT,
    timestamp=AT - 1,
    order="o1",
    trade="t1",
    execution="x1",
    instrument=MES.id,
    role=OrderRole.ENTRY,
    side=Side.SELL,
    quantity=2,
    price=-265_175,
    value=-500_000,
    charges=1_240_000,
)
REFUSED = Refused("day_loss", 612.5, 500.0, "lost 612.50 today, and 500.00 are allowed")


def told(fact: f.Fact) -> tuple[str, str, dict[str, object]]:
    event = event_of(RecordedFact(7, 2, AT, fact), {MES.id: MES})
    assert event is not None
    assert (event.id, event.at) == ("7.2", "2019-01-07T14:30:00Z")
    return event.kind, event.symbol, dict(event.data)


def kinds_of(hint: object) -> set[object]:
    """The types that a field may hold."""
    return set(get_args(hint)) if get_origin(hint) in {Union, UnionType} else {hint}


def test_every_fact_is_an_event_or_said_to_be_none() -> None:
    every = {kind.__name__ for kind in get_args(f.Fact)}
    assert {kind.__name__ for kind in words.KINDS} | NO_EVENTS == every
    assert not NO_EVENTS & {kind.__name__ for kind in words.KINDS}
    assert len(set(words.KINDS.values())) == len(words.KINDS)


def test_each_field_has_exactly_one_way_to_be_told_and_no_price_or_money_is_a_bare_number() -> None:
    counts = set()
    for kind in (*words.KINDS, Proposal, Exit):
        for name, hint in get_type_hints(kind).items():
            assert sum(name in getattr(words, way) for way in WAYS) == 1, f"{kind.__name__}.{name}"
            counts |= {name} if name in words.AS_THEY_ARE and int in kinds_of(hint) else set()
    assert counts == {"quantity", "client_id", "handle", "rolled_deals", "differences", "reopened", "carried"}


def test_a_way_has_no_name_that_no_fact_has() -> None:
    fields = {name for kind in (*words.KINDS, Proposal, Exit) for name in get_type_hints(kind)}
    assert set().union(*(getattr(words, way) for way in WAYS)) == fields


def test_a_fill_is_told_in_decimals() -> None:
    kind, symbol, data = told(FILL)
    assert (kind, symbol) == ("fill", MES.symbol)
    assert data == {
        "timestamp": "2019-01-07T14:29:59.999999Z",
        "order": "o1",
        "trade": "t1",
        "execution": "x1",
        "role": "entry",
        "side": "SELL",
        "quantity": 2,
        "price": "-2651.75",
        "value": "-0.500000",
        "charges": "1.240000",
        "ahead": False,
    }


def test_a_signal_is_told_with_its_strategy_and_what_it_proposes() -> None:
    kind, symbol, data = told(f.SignalRaised("s1", KEY, AT, PROPOSAL))
    assert (kind, symbol, data["action"], data["strategy"], data["mode"]) == ("signal_raised", "MES", "entry", "trend", "virtual")
    assert (data["entry"], data["stop"], data["target"], data["type"]) == ("2651.75", "2640.00", None, "STP")
    assert told(f.SignalRaised("s2", KEY, AT, Exit(MES.id, "crossed")))[2]["action"] == "exit"


def test_a_refusal_is_told_in_its_words() -> None:
    data = told(f.BreakerTripped(AT, REFUSED, AT))[2]
    assert data == {"rule": "day_loss", "refusal": REFUSED.text, "holds_until": "2019-01-07T14:30:00Z"}
    assert "rule" not in told(f.SignalClosed("s1", "EXECUTED", ""))[2]


def test_a_day_is_a_date_and_an_unknown_time_is_null() -> None:
    assert told(f.DayBegan(AT, 17_903, 99_973_000_000))[2] == {"day": "2019-01-07", "equity": "99973.000000"}
    assert told(f.DataKnown(AT, MES.id, DataMark.LOST, 0, "gone"))[2]["since"] is None


@pytest.mark.parametrize("fact", [FILL, f.SignalRaised("s1", KEY, AT, PROPOSAL)])
def test_what_the_run_does_not_know_has_no_symbol_and_no_price_in_units(fact: f.Fact) -> None:
    event = event_of(RecordedFact(7, 2, AT, fact), {})
    assert event is not None
    assert event.symbol == ""
    assert not words.PRICES & set(event.data)
    assert b"265175" not in msgspec.json.encode(event)


def test_a_bought_option_is_told_with_its_contract_why_and_what_ends_it() -> None:
    _, facts = played(signalled())
    (fact,) = (each for each in facts if isinstance(each, f.TradeIntended))
    event = event_of(RecordedFact(7, 2, AT, fact), {SPY.id: SPY, front_of(CALL): FRONTS["CALL"].instrument})
    assert event is not None
    assert (event.symbol, event.data["entry"], event.data["stop"]) == ("SPY-CALL-ITM-weekly", "2.04", "0.00")
    levels = [event.data[name] for name in ("underlying", "underlying_stop", "underlying_target")]
    assert levels == ["SPY", "519.75", "535.50"]
    assert str(event.data["why"]).startswith(CALL)
