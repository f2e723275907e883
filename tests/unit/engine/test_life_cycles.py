"""The life cycles as tables: what must hold for every pair, checked from the table itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theo.engine import order_life, signal_life, trade_life
from theo.engine.order_life import ENDED, LIVE, UNCERTAIN, OrderEvent, OrderStatus
from theo.engine.signal_life import ACTIVE, SignalEvent, SignalStatus
from theo.engine.trade_life import OVER, TradeEvent, TradeStatus

BROKER_EVENTS = [e for e in OrderEvent if e not in {OrderEvent.CANCEL_ASKED, OrderEvent.RESENT}]


def test_every_status_has_a_row_and_belongs_to_one_group() -> None:
    assert set(order_life.LIFE) == set(OrderStatus)
    for status in OrderStatus:
        assert sum((status in ENDED, status in LIVE, status in UNCERTAIN)) == 1


@given(st.lists(st.sampled_from(BROKER_EVENTS), max_size=30))
def test_a_broker_may_report_anything_in_any_order(events: list[OrderEvent]) -> None:
    status = OrderStatus.INTENDED
    for event in events:
        status = order_life.next_status(status, event)
        if event is OrderEvent.FULL_FILL:
            assert status is OrderStatus.FILLED


@given(st.sampled_from(sorted(ENDED)), st.sampled_from(BROKER_EVENTS))
def test_a_repeat_after_the_end_changes_nothing_but_a_fill_counts(status: OrderStatus, event: OrderEvent) -> None:
    following = order_life.next_status(status, event)
    if event is OrderEvent.FULL_FILL:
        assert following is OrderStatus.FILLED
    elif status is not OrderStatus.LOST:
        assert following is status


@pytest.mark.parametrize("status", sorted(ENDED - {OrderStatus.LOST}))
def test_an_ended_order_is_never_sent_again(status: OrderStatus) -> None:
    for event in (OrderEvent.RESENT, OrderEvent.CANCEL_ASKED):
        with pytest.raises(ValueError, match="cannot meet"):
            order_life.next_status(status, event)


def test_only_what_nobody_confirmed_may_be_sent_again() -> None:
    may = {status for status, row in order_life.LIFE.items() if OrderEvent.RESENT in row}
    assert may == {OrderStatus.UNKNOWN, OrderStatus.LOST}


def test_trades_over_run_again_only_by_a_fill() -> None:
    assert set(trade_life.LIFE) == set(TradeStatus)
    for status in OVER:
        assert set(trade_life.LIFE[status]) == {TradeEvent.FILLED_IN, TradeEvent.FILLED_OUT}
    with pytest.raises(ValueError, match="cannot meet"):
        trade_life.next_status(TradeStatus.WAITING, TradeEvent.FLAT)


@given(st.lists(st.sampled_from(list(SignalEvent)), max_size=6))
def test_a_signal_comes_to_one_end_and_is_executed_only_after_it_was_validated(events: list[SignalEvent]) -> None:
    assert set(signal_life.LIFE) == set(SignalStatus)
    path = [SignalStatus.PENDING]
    for event in events:
        if event in signal_life.LIFE[path[-1]]:
            path.append(signal_life.next_status(path[-1], event))
        else:
            with pytest.raises(ValueError, match=f"that is {path[-1]} cannot be {event}"):
                signal_life.next_status(path[-1], event)
    assert len(set(path)) == len(path)
    assert all(status in ACTIVE for status in path[:-1])
    if SignalEvent.FILLED in events and path[-1] is SignalStatus.EXECUTED and SignalEvent.CLOSING not in events:
        assert path[-2] is SignalStatus.VALIDATED


@pytest.mark.parametrize("told", ["PENDING", "VALIDATED"])
def test_no_signal_is_closed_by_being_alive(told: str) -> None:
    with pytest.raises(ValueError, match="is not closed by being"):
        signal_life.closed(SignalStatus.PENDING, told, exits=False)


def test_an_entry_is_executed_by_a_fill_alone_and_an_exit_by_the_close_of_its_trade() -> None:
    assert signal_life.closed(SignalStatus.PENDING, "EXECUTED", exits=True) is SignalStatus.EXECUTED
    assert signal_life.closed(SignalStatus.VALIDATED, "EXECUTED", exits=False) is SignalStatus.EXECUTED
    with pytest.raises(ValueError, match="PENDING cannot be filled"):
        signal_life.closed(SignalStatus.PENDING, "EXECUTED", exits=False)
