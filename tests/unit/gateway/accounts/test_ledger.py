"""The ledger against its definition in fractions, against figures of a real account, and margin against the rules' examples."""

from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.gateway.hand_market import EUR, MES, SPY, listed
from theo.domain.instrument import MICROS
from theo.domain.orders import Side
from theo.gateway.accounts.ledger import Ledgers, money, share
from theo.gateway.accounts.margin import Margin, Underlying, requirement
from theo.venue.fees import charges, schedule

ACCOUNT = "DU1"
ES = listed("ES", "FUT", last_trade_date_or_contract_month="202612")
trades = st.lists(
    st.tuples(
        st.integers(-50, 50).filter(bool),
        st.integers(1, 10_000).map(lambda ticks: 100 * ticks),
        st.integers(0, 9_999_999),
    ),
    max_size=30,
)


def test_the_average_cost_of_a_future_is_that_of_a_real_account() -> None:
    """Recorded from a gateway: one ES bought at 6302.25 has an average cost of 315114.75."""
    ledgers, es = Ledgers([ACCOUNT], 1), ES.instrument
    price = es.units("6302.25")
    ledgers.book(ACCOUNT, es, 1, price, charges(es, Side.BUY, 1, price, schedule("futures_es")))
    assert ledgers.accounts[ACCOUNT].holdings[es.token].average_cost() == Decimal("315114.75")


def test_a_round_trip_realizes_its_profit_less_both_charges() -> None:
    ledgers, spy = Ledgers([ACCOUNT], 10_000), SPY.instrument
    assert ledgers.book(ACCOUNT, spy, 10, spy.units("500"), 1_000_000) is None
    assert ledgers.book(ACCOUNT, spy, -4, spy.units("510"), 500_000) == 40 * MICROS - 500_000 - 400_000
    held = ledgers.accounts[ACCOUNT].holdings[spy.token]
    assert (held.quantity, held.average_cost()) == (6, Decimal("500.1"))
    assert ledgers.accounts[ACCOUNT].cash == {"USD": (10_000 - 5_000 + 2_040) * MICROS - 1_500_000}


def test_a_short_is_cheaper_by_its_charges_and_a_reversal_opens_the_rest() -> None:
    ledgers, spy = Ledgers([ACCOUNT], 0), SPY.instrument
    ledgers.book(ACCOUNT, spy, -10, spy.units("100"), 1_000_000)
    assert ledgers.accounts[ACCOUNT].holdings[spy.token].average_cost() == Decimal("99.9")
    realized = ledgers.book(ACCOUNT, spy, 15, spy.units("90"), 1_500_000)
    held = ledgers.accounts[ACCOUNT].holdings[spy.token]
    assert realized == 100 * MICROS - 1_000_000 - 1_000_000
    assert (held.quantity, held.average_cost()) == (5, Decimal("90.1"))


def test_a_currency_is_exchanged_and_shown_as_a_position() -> None:
    ledgers, eur = Ledgers([ACCOUNT], 100_000), EUR.instrument
    ledgers.book(ACCOUNT, eur, 20_000, eur.units("1.1"), 2_000_000)
    books = ledgers.accounts[ACCOUNT]
    assert books.cash == {"USD": 77_998 * MICROS, "EUR": 20_000 * MICROS}
    assert books.holdings[eur.token].average_cost() == Decimal("1.1001")


@given(trades, st.booleans())
def test_cash_and_cost_add_up_to_the_last_micro(made: list[tuple[int, int, int]], is_future: bool) -> None:  # noqa: FBT001 - Hypothesis draws it
    """Worth at any price = what was paid in and got back: nothing is lost in shares of costs, whatever the averages are."""
    instrument = (MES if is_future else SPY).instrument
    ledgers, last, paid, realized = Ledgers([ACCOUNT], 0), 12_300, 0, 0
    for quantity, price, cost in made:
        realized += ledgers.book(ACCOUNT, instrument, quantity, price, cost) or 0
        paid += quantity * price * instrument.unit_value + cost
    held = ledgers.accounts[ACCOUNT].holdings.get(instrument.token)
    if held is None:
        return
    value = held.quantity * last * instrument.unit_value
    cash = ledgers.accounts[ACCOUNT].cash["USD"]
    worth = cash + (value - held.cost if is_future else value)
    assert worth == value - paid
    assert realized + value - held.basis == value - paid
    assert held.realized == realized
    assert value - held.day_basis == value - paid
    assert held.quantity or (held.cost, held.fees) == (0, 0)


@given(st.integers(-(10**15), 10**15), st.integers(0, 1000), st.integers(1, 1000))
def test_a_share_is_the_nearest_and_the_whole_is_exact(total: int, part: int, whole: int) -> None:
    assert abs(share(total, part, whole) - Fraction(total * part, whole)) <= Fraction(1, 2)
    assert share(total, whole, whole) == total


def test_the_day_begins_at_what_positions_are_worth_and_forgets_what_was_closed() -> None:
    ledgers, spy, mes = Ledgers([ACCOUNT], 0), SPY.instrument, MES.instrument
    ledgers.book(ACCOUNT, spy, 1, spy.units("100"), 0)
    ledgers.book(ACCOUNT, mes, 1, mes.units("100"), 0)
    ledgers.book(ACCOUNT, mes, -1, mes.units("101"), 0)
    worth = {(ACCOUNT, spy.token): 107 * MICROS, (ACCOUNT, mes.token): 0}
    ledgers.begin_day(worth)
    books = ledgers.accounts[ACCOUNT]
    assert set(books.holdings) == {spy.token}
    assert (books.holdings[spy.token].realized, books.holdings[spy.token].day_basis) == (0, 107 * MICROS)


def test_accounts_go_on_through_json() -> None:
    ledgers, spy = Ledgers([ACCOUNT], 5), SPY.instrument
    ledgers.book(ACCOUNT, spy, 3, spy.units("100.01"), 7)
    again = Ledgers([ACCOUNT], 0)
    again.restore(msgspec.json.decode(msgspec.json.encode(ledgers.state())))
    assert again.accounts == ledgers.accounts
    assert money(again.accounts[ACCOUNT].cash["USD"]) == Decimal("-295.030007")


def dollars(margin: Margin) -> tuple[float, float]:
    return margin.initial / MICROS, margin.maintenance / MICROS


def test_margin_of_stocks_is_half_and_a_quarter() -> None:
    price = SPY.instrument.units("600")
    assert dollars(requirement(SPY, 100, price)) == (30_000, 15_000)
    assert dollars(requirement(SPY, -100, price)) == (30_000, 18_000)


def test_margin_of_futures_is_by_contract() -> None:
    one = requirement(MES, 1, MES.instrument.units("6800"))
    assert requirement(MES, -3, MES.instrument.units("10")) == Margin(3 * one.initial, 3 * one.maintenance)
    assert one.initial > one.maintenance > 0


@pytest.mark.parametrize(
    ("right", "strike", "spot", "premium", "needed"),
    [
        # FINRA rule 4210(f)(2)(E): 100 x (premium + 20 % of the stock - what it is out of the money)
        ("C", 650, 660, "12", 1_200 + 13_200),
        ("C", 700, 660, "2", 200 + 13_200 - 4_000),
        ("C", 800, 660, "0.05", 5 + 6_600),  # never less than the premium and 10 % of the stock
        ("P", 650, 660, "5", 500 + 13_200 - 1_000),
        ("P", 500, 660, "0.05", 5 + 5_000),  # of the strike, for a put
    ],
)
def test_margin_of_a_short_option_follows_the_rule(right: str, strike: int, spot: int, premium: str, needed: int) -> None:
    option = listed("SPY", "OPT", strike=float(strike), right=right, last_trade_date_or_contract_month="20261218")
    price = option.instrument.units(premium)
    under = Underlying(spot * MICROS, is_index=False)
    assert dollars(requirement(option, -1, price, under)) == (needed, needed)
    assert requirement(option, 1, price, under) == Margin()
