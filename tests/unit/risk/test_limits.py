import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.risk.entries import MES, SPY, VIX, account
from theo.domain.errors import ConfigError
from theo.domain.instrument import MICROS
from theo.risk.approve import breaker_check
from theo.risk.limits import UNLIMITED, Limits, impossible
from theo.risk.rules.losses import loss_floor

NAMES = Limits.__struct_fields__


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "none", ""])
def test_what_is_no_limit_is_refused_with_its_name(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=name):
        Limits(**{name: value})  # type: ignore[arg-type]  # the wrong values are the test


@pytest.mark.parametrize("name", [n for n in NAMES if n.endswith("_percent_max")])
@pytest.mark.parametrize("value", [100.5, 0.00005, 1.00001])
def test_per_cent_that_cannot_be_reached_or_held_exactly_are_refused(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=name):
        Limits(**{name: value})  # type: ignore[arg-type]  # every per cent limit takes a number


def test_no_limit_must_be_said_in_words_and_none_is_not_a_word() -> None:
    assert Limits(leverage_max=UNLIMITED).leverage_max == "unlimited"
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"leverage_max": null}', type=Limits)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"leverage": 2}', type=Limits)


def test_one_mes_over_a_cap_of_10_000_gets_a_warning_and_a_fitting_cap_does_not() -> None:
    prices = {MES.id: 650_000, VIX.id: 1_500}
    tight = Limits(exposure_per_instrument_cash_max=10_000.0)
    (warning,) = impossible(tight, [MES, VIX], prices)
    assert "exposure_per_instrument_cash_max" in warning
    assert "10,000" in warning
    assert "32,500" in warning
    assert impossible(Limits(), [MES, SPY, VIX], {**prices, SPY.id: 65_000}) == []
    assert impossible(tight, [MES], {}) == []


def test_leverage_and_contract_steps_can_be_impossible_too() -> None:
    small = impossible(Limits(leverage_max=2.0), [MES], {MES.id: 650_000}, 10_000 * MICROS)
    assert [w.split(" ")[0] for w in small] == ["leverage_max"]
    stock = impossible(Limits(stock_leverage_max=1.0), [SPY], {SPY.id: 65_000}, 600 * MICROS)
    assert [w.split(" ")[0] for w in stock] == ["stock_leverage_max"]
    steps = impossible(Limits(futures_contracts_max=4), [msgspec.structs.replace(MES, contract_size=5)], {MES.id: 100})
    assert [w.split(" ")[0] for w in steps] == ["futures_contracts_max"]


CASH = st.integers(0, 10**13)
PERCENT = st.one_of(st.just(UNLIMITED), st.integers(1, 1_000_000).map(lambda n: n / 10_000))


@given(CASH, CASH, CASH, PERCENT, PERCENT, st.one_of(st.just(UNLIMITED), st.integers(1, 10**6).map(float)))
def test_the_loss_floor_is_where_the_breaker_trips(
    equity: int, start: int, high: int, daily: float | str, drawdown: float | str, cash: float | str
) -> None:
    limits = Limits(daily_loss_percent_max=daily, drawdown_percent_max=drawdown, daily_loss_cash_max=cash)
    floor = loss_floor(start, high, limits)
    for worth in (equity, floor, floor - 1):
        tripped = breaker_check(account(equity=worth, day_start_equity=start, high_water=high), limits) is not None
        assert tripped == (worth < floor)


def test_the_breaker_trips_when_the_loss_reaches_its_limit() -> None:
    for equity, rule in ((95_000 * MICROS, "daily_loss"), (95_000 * MICROS + 1, None)):
        refused = breaker_check(account(equity=equity), Limits())
        assert (refused and refused.rule) == rule
    deep = account(equity=75_000 * MICROS, day_start_equity=75_000 * MICROS)
    refused = breaker_check(deep, Limits())
    assert refused is not None
    assert (refused.rule, refused.value, refused.limit) == ("drawdown", 25_000.0, 25_000.0)
