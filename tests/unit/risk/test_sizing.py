"""Sizing against DOMAIN's formula in exact fractions, and against every limit."""

from fractions import Fraction
from math import floor

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.risk.entries import CALL, MES, SPY, account, proposal
from theo.domain.approval import Refused
from theo.domain.errors import ConfigError
from theo.domain.instrument import MICROS
from theo.risk.limits import UNLIMITED, Limits
from theo.risk.sizing import Sized, Sizing, size, size_with_costs

FREE = Limits(**dict.fromkeys(Limits.__struct_fields__, UNLIMITED))


@given(
    equity=st.integers(1, 10**13),
    steps=st.integers(1, 1_000_000),
    distance=st.integers(1, 100_000),
    cost=st.integers(0, 10**7),
    contract_size=st.integers(1, 100),
)
def test_without_limits_the_size_is_the_formula(equity: int, steps: int, distance: int, cost: int, contract_size: int) -> None:
    instrument = msgspec.structs.replace(MES, contract_size=contract_size)
    plan = proposal(stop=650_000 - distance)
    wish = Sizing(risk_percent=steps / 10_000, quantity_max=10**18)
    sized = size(plan, instrument, account(equity=equity), FREE, wish, cost)
    per_unit = Fraction(distance, 100) * 5 * MICROS + cost
    risked = Fraction(equity) * Fraction(steps, 1_000_000)
    expected = floor(risked / per_unit / contract_size) * contract_size
    assert (sized.quantity if isinstance(sized, Sized) else 0) == expected
    if isinstance(sized, Sized):
        assert sized.risk == expected * per_unit <= risked
        assert sized.bound_by == "risk_percent"


@pytest.mark.parametrize(("equity", "quantity"), [(100_000 * MICROS, 10), (100_000 * MICROS - 1, 9)])
def test_a_millionth_short_is_one_contract_fewer(equity: int, quantity: int) -> None:
    sized = size(proposal(), MES, account(equity=equity), FREE, Sizing(), 0)
    assert isinstance(sized, Sized)
    assert sized.quantity == quantity


@pytest.mark.parametrize(
    ("limits", "view", "bound_by", "quantity"),
    [
        (Limits(), account(), "risk_percent", 9),
        (Limits(trade_risk_percent_max=0.5), account(), "trade_risk_percent_max", 4),
        (Limits(), account(open_risk=5_700 * MICROS), "total_risk_percent_max", 2),
        (Limits(futures_contracts_max=7), account(positions={1: -3}), "futures_contracts_max", 4),
        (Limits(futures_contracts_max=7), account(committed={1: 5}), "futures_contracts_max", 2),
        (Limits(contracts_per_trade_max=6), account(), "contracts_per_trade_max", 6),
        (Limits(exposure_per_instrument_cash_max=100_000.0), account(), "exposure_per_instrument_cash_max", 3),
        (Limits(leverage_max=2.0), account(total_exposure=100_000 * MICROS), "leverage_max", 3),
    ],
)
def test_the_limit_that_binds_lowers_the_size_and_is_named(limits: Limits, view: object, bound_by: str, quantity: int) -> None:
    sized = size(proposal(), MES, view, limits, Sizing(), 5 * MICROS)  # type: ignore[arg-type]  # an AccountView of the table
    assert isinstance(sized, Sized)
    assert (sized.bound_by, sized.quantity) == (bound_by, quantity)
    assert bound_by in sized.text
    assert bound_by == "risk_percent" or "risk_percent would allow 9" in sized.text


def test_stocks_have_caps_of_their_own() -> None:
    plan = proposal(SPY, entry=40_000, stop=39_900, target=None)
    sized = size(plan, SPY, account(), Limits(), Sizing(), 0)
    assert isinstance(sized, Sized)
    assert (sized.bound_by, sized.quantity) == ("stock_position_cash_max", 125)
    sized = size(plan, SPY, account(stock_exposure=180_000 * MICROS), Limits(), Sizing(), 0)
    assert isinstance(sized, Sized)
    assert (sized.bound_by, sized.quantity) == ("stock_leverage_max", 50)


def test_an_options_multiplier_never_enters_the_quantity() -> None:
    sized = size(proposal(CALL, entry=1_000, stop=500, target=None), CALL, account(), Limits(), Sizing(), 0)
    assert isinstance(sized, Sized)
    assert (sized.quantity, sized.risk) == (2, 1_000 * MICROS)  # 5.00 x 100 = 500 USD a contract


def test_an_asked_quantity_is_kept_or_lowered_never_raised() -> None:
    for asked, quantity, bound_by in ((3, 3, "asked"), (12, 5, "quantity_max"), (1, 1, "asked")):
        sized = size(proposal(quantity=asked), MES, account(), Limits(), Sizing(quantity_max=5), 0)
        assert isinstance(sized, Sized)
        assert (sized.quantity, sized.bound_by) == (quantity, bound_by)


def test_minimum_charges_are_shared_by_the_whole_order() -> None:
    """5 USD an order and 0.01 USD a share: 1,000 USD at 1.00 a share leave room for 985, not for 1,000 / 6.01 = 166."""
    plan = proposal(SPY, entry=1_000, stop=900, target=None)
    sized = size_with_costs(plan, SPY, account(), FREE, Sizing(), lambda n: 5 * MICROS + n * MICROS // 100)
    assert isinstance(sized, Sized)
    assert (sized.quantity, sized.risk) == (985, 985 * MICROS + 5 * MICROS + 9_850_000)


@pytest.mark.parametrize(
    ("plan", "view", "rule"),
    [
        (proposal(stop=650_000), account(), "stop_distance"),
        (proposal(stop=600_000), account(), "risk_percent"),
        (proposal(), account(open_risk=6_000 * MICROS), "total_risk_percent_max"),
        (proposal(), account(open_risk=9_000 * MICROS), "total_risk_percent_max"),
        (proposal(), account(total_exposure=10**13), "leverage_max"),
        (proposal(), account(equity=0), "risk_percent"),
        (proposal(), account(equity=-MICROS), "leverage_max"),
    ],
)
def test_zero_is_a_refusal_with_its_reason(plan: object, view: object, rule: str) -> None:
    refused = size(plan, MES, view, Limits(), Sizing(), 0)  # type: ignore[arg-type]  # a Proposal and an AccountView
    assert isinstance(refused, Refused)
    assert refused.rule == rule
    assert refused.value < max(1.0, refused.limit)
    assert "MES" in refused.text


@pytest.mark.parametrize("wish", [{"risk_percent": 0.0}, {"risk_percent": 101.0}, {"risk_percent": 0.00001}, {"quantity_max": 0}])
def test_a_wish_that_can_never_be_sized_is_refused(wish: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        Sizing(**wish)  # type: ignore[arg-type]  # numbers of the table
