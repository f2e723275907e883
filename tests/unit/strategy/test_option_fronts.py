"""Names of listed options, the instruments that stand for a chosen one, and how long a choice holds."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.strategy.markets import MES, SPY, VIX
from theo.domain.errors import ConfigError, DataError
from theo.domain.option_contract import FRONT_IDS_FROM, OptionContract, is_front, option_contract
from theo.domain.orders import Side
from theo.strategy.option_choice import CategorySplit, Chosen, choose, points_in_the_money, still_fits
from theo.strategy.option_front import fronts_wanted, option_front
from theo.strategy.scan_terms import EXPIRIES, OPTION_CATEGORIES, ScanTerms

CATEGORIES = [each for each in OPTION_CATEGORIES if each != "FUT"]


@given(
    st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=6),
    st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    st.sampled_from(["CALL", "PUT"]),
    st.integers(1, 99_999_999),
)
def test_a_name_reads_as_it_was_written(trading_class: str, expiry: date, right: str, thousandths: int) -> None:
    contract = OptionContract(trading_class, expiry, right, Decimal(thousandths).scaleb(-3))
    assert option_contract(contract.name) == contract
    assert len(contract.name) == 21


def test_a_name_is_that_of_the_clearing_corporation() -> None:
    """OCC's own example of its symbology: a call on Apple."""
    assert option_contract("AAPL  101016C00345000") == OptionContract("AAPL", date(2010, 10, 16), "CALL", Decimal(345))


@pytest.mark.parametrize(
    "name", ["", "MESZ6", "SPY 261218X00600000", "SPY   261318C00600000", "SPY   261218C600", "spy   261218C00600000"]
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(DataError, match="no name of an option"):
        option_contract(name)


def test_each_front_has_an_id_and_a_symbol_of_its_own() -> None:
    made = [
        option_front(under, right, category, expiry).instrument
        for under in (SPY, VIX)
        for right in ("CALL", "PUT")
        for category in CATEGORIES
        for expiry in EXPIRIES
    ]
    assert len({one.id for one in made}) == len({one.symbol for one in made}) == len(made) == 32
    assert all(is_front(one) and one.id >= FRONT_IDS_FROM for one in made)
    assert not is_front(SPY)
    with pytest.raises(ConfigError, match="no options on MES are traded"):
        option_front(MES, "CALL", "ITM", "weekly")


@pytest.mark.parametrize(
    ("sides", "bought"),
    [("both", {Side.BUY: "CALL", Side.SELL: "PUT"}), ("long", {Side.BUY: "CALL"}), ("short", {Side.SELL: "PUT"})],
)
def test_a_long_signal_wants_a_call_and_a_short_one_a_put(sides: str, bought: dict[Side, str]) -> None:
    terms = ScanTerms(placeholder="OPTION", option_category="OTM", expiry="monthly")
    assert fronts_wanted("SPY", terms, sides) == {side: f"SPY-{right}-OTM-monthly" for side, right in bought.items()}
    assert not fronts_wanted("SPY", ScanTerms(placeholder="OPTION", option_category="FUT", expiry="monthly"), sides)
    assert not fronts_wanted("SPY", ScanTerms(), sides)


@given(
    st.sampled_from(["CALL", "PUT"]),
    st.sampled_from(CATEGORIES),
    st.integers(300, 700),
    st.integers(-40, 40),
    st.sampled_from([1, 5, 25]),
)
def test_what_is_chosen_fits_and_goes_on_fitting_within_its_slack(
    right: str, category: str, price: int, moved: int, step: int
) -> None:
    split = CategorySplit(Decimal(100), Decimal(200))
    strikes = [Decimal(strike) for strike in range(step, 1_200, step)]
    day = date(2026, 12, 18)
    chosen = choose(right, category, "weekly", Decimal(price), [day], strikes, next_session=day, split=split)
    assert isinstance(chosen, Chosen)
    assert still_fits(right, category, Decimal(price), chosen.strike, split)
    now = Decimal(price + moved)
    away = points_in_the_money(right, now, chosen.strike) * (1 if category in {"ITM", "DITM"} else -1)
    deep = category in {"DITM", "DOTM"}
    assert still_fits(right, category, now, chosen.strike, split) is (away > 175 if deep else 75 <= away <= 225)
