"""Nothing that risk approves exceeds a limit, recomputed here in fractions from the orders themselves."""

from fractions import Fraction
from typing import Any

import msgspec
from hypothesis import assume, event, given
from hypothesis import strategies as st

from tests.unit.risk.entries import CALL, MES, SPY, account, bracket, proposal
from theo.domain.approval import Approved
from theo.domain.instrument import MICROS, Instrument, SecurityType
from theo.domain.orders import OrderRole, OrderType, Side, Ticket
from theo.domain.signals import Proposal
from theo.risk.account import AccountView
from theo.risk.approve import approve_entry
from theo.risk.limits import UNLIMITED, Limits
from theo.risk.sizing import Sized, Sizing, size

NO_BOUND = Fraction(10**40)
CASH_NAMES = {"stock_position_cash_max", "exposure_per_instrument_cash_max", "daily_loss_cash_max"}


def a_limit(name: str) -> st.SearchStrategy[Any]:
    if name.endswith("_percent_max"):
        number: st.SearchStrategy[Any] = st.integers(1, 1_000_000).map(lambda n: n / 10_000)
    elif name in CASH_NAMES:
        number = st.integers(1, 2_000_000).map(float)
    elif name.endswith("leverage_max"):
        number = st.integers(1, 400).map(lambda n: n / 20)
    else:
        number = st.integers(1, 30)
    return st.one_of(st.just(UNLIMITED), number)


LIMITS = st.builds(Limits, **{name: a_limit(name) for name in Limits.__struct_fields__})
USD = st.integers(0, 300_000).map(lambda n: n * MICROS)


@st.composite
def accounts(draw: st.DrawFn, instrument: Instrument) -> AccountView:
    here, rest = draw(st.sampled_from([0, 0, 40_000 * MICROS])), draw(USD)
    equity = draw(st.integers(1_000, 200_000)) * MICROS
    return account(
        equity=equity,
        day_start_equity=equity + draw(st.integers(-5_000, 5_000)) * MICROS,
        high_water=equity + draw(st.integers(0, 20_000)) * MICROS,
        open_trades=draw(st.integers(0, 6)),
        trades_today=draw(st.integers(0, 12)),
        open_risk=draw(st.integers(0, 3_000)) * MICROS,
        exposure={instrument.id: here},
        total_exposure=here + rest,
        stock_exposure=here + rest // 2,
        positions={instrument.id: draw(st.integers(-3, 3))},
        committed={instrument.id: draw(st.integers(0, 4))},
    )


@st.composite
def proposals(draw: st.DrawFn, instrument: Instrument) -> Proposal:
    side = draw(st.sampled_from(Side))
    entry = draw(st.integers(400, 30_000)) * instrument.tick
    stop = entry - side.sign * draw(st.integers(1, 399)) * instrument.tick
    target = draw(st.one_of(st.none(), st.integers(1, 300).map(lambda n: entry + side.sign * n * instrument.tick)))
    kind = draw(st.sampled_from([OrderType.MARKET, OrderType.LIMIT]))
    plan = proposal(instrument, side, type=kind, entry=entry, stop=stop, quantity=draw(st.sampled_from([0, 0, 1, 7, 500])))
    assume(target is None or target > 0)
    return msgspec.structs.replace(plan, target=target)


def cap(limit: float | str, of: Fraction = Fraction(1)) -> Fraction:
    """A limit as an exact number times something; no bound where the word says so."""
    return NO_BOUND if isinstance(limit, str) else Fraction(str(limit)) * of


def check(approved: Approved[Ticket], planned: int, instrument: Instrument, view: AccountView, limits: Limits, cost: int) -> None:
    """Every limit, from the approved orders and the planned entry (a market order has no price of its own), in USD."""
    entry, *others = approved.subject.orders
    (stop,) = [o for o in others if o.role is OrderRole.STOP]
    assert stop.side is entry.side.opposite
    assert stop.quantity == entry.quantity > 0
    assert stop.stop is not None
    assert entry.limit is None or entry.side.sign * (entry.limit - planned) <= 0
    point = Fraction(instrument.multiplier, 10**instrument.price_decimals)
    equity = Fraction(view.equity, MICROS)
    loss = entry.quantity * (abs(planned - stop.stop) * point + Fraction(cost, MICROS))
    assert loss <= cap(limits.trade_risk_percent_max, equity / 100)
    assert Fraction(view.open_risk, MICROS) + loss <= cap(limits.total_risk_percent_max, equity / 100)
    worth = entry.quantity * planned * point
    here = Fraction(view.exposure[instrument.id], MICROS) + worth
    assert here <= cap(limits.exposure_per_instrument_cash_max)
    assert Fraction(view.total_exposure, MICROS) + worth <= cap(limits.leverage_max, equity)
    if instrument.security_type is SecurityType.ETF:
        assert here <= cap(limits.stock_position_cash_max)
        assert Fraction(view.stock_exposure, MICROS) + worth <= cap(limits.stock_leverage_max, equity)
    if instrument.security_type is not SecurityType.ETF:
        held = max(abs(view.positions[instrument.id]), view.committed[instrument.id]) + entry.quantity
        futures = instrument.security_type is SecurityType.FUT
        assert held <= cap(limits.futures_contracts_max if futures else limits.option_contracts_max)
        assert entry.quantity <= cap(limits.contracts_per_trade_max)
    assert view.open_trades + 1 <= cap(limits.open_trades_max)
    assert view.trades_today + 1 <= cap(limits.trades_per_day_max)
    start, high = Fraction(view.day_start_equity, MICROS), Fraction(view.high_water, MICROS)
    assert start - equity < min(cap(limits.daily_loss_percent_max, start / 100), cap(limits.daily_loss_cash_max))
    assert high - equity < cap(limits.drawdown_percent_max, high / 100)


@given(st.data(), st.sampled_from([MES, SPY, CALL]), LIMITS, st.integers(0, 5_000_000), st.integers(1, 2_000))
def test_nothing_approved_exceeds_a_limit_however_many_were_asked_for(
    data: st.DataObject, instrument: Instrument, limits: Limits, cost: int, quantity: int
) -> None:
    view, plan = data.draw(accounts(instrument)), data.draw(proposals(instrument))
    risk = quantity * (abs(plan.entry - plan.stop) * instrument.unit_value + cost)
    verdict = approve_entry(plan, instrument, bracket(plan, quantity), view, limits, risk)
    if isinstance(verdict, Approved):
        check(verdict, plan.entry, instrument, view, limits, cost)
    event("approved" if isinstance(verdict, Approved) else verdict.rule)


@given(st.data(), st.sampled_from([MES, SPY, CALL]), LIMITS, st.integers(0, 5_000_000), st.integers(1, 200))
def test_what_was_sized_passes_every_rule_on_size_and_risks_no_more_than_was_wished(
    data: st.DataObject, instrument: Instrument, limits: Limits, cost: int, percent_tenths: int
) -> None:
    view, plan = data.draw(accounts(instrument)), data.draw(proposals(instrument))
    sized = size(plan, instrument, view, limits, Sizing(risk_percent=percent_tenths / 10), cost)
    if not isinstance(sized, Sized):
        return
    if not plan.quantity:
        assert Fraction(sized.risk) <= Fraction(view.equity) * percent_tenths / 1_000
    verdict = approve_entry(plan, instrument, bracket(plan, sized.quantity), view, limits, sized.risk)
    if isinstance(verdict, Approved):
        check(verdict, plan.entry, instrument, view, limits, cost)
    else:  # sizing does not count trades and losses
        assert verdict.rule in {"open_trades", "trades_per_day", "daily_loss", "drawdown"}
    event("approved" if isinstance(verdict, Approved) else verdict.rule)
