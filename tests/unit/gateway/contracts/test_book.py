"""What is listed, and how it is found. Expiry days are compared with the exchanges' own calendars for 2026 and 2027."""

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.gateway.tables import tables
from theo.domain.errors import ConfigError, DataError
from theo.domain.instrument import SecurityType
from theo.gateway.contracts.book import Contracts
from theo.gateway.contracts.numbers import option_number
from theo.gateway.contracts.rows import parse_listings
from theo.gateway.desk import Listing
from theo.gateway.wire.messages.contract import Contract
from theo.market.last_trades import third_friday
from theo.venue.fees import schedule

TODAY = date(2026, 11, 20)
BOOK = Contracts(tables(), TODAY)


def named(**asked: object) -> list[str]:
    """Local symbols of what fits."""
    return [each.contract.local_symbol for each in BOOK.find(msgspec.convert(asked, Contract))]


def only(**asked: object) -> Listing:
    (found,) = BOOK.find(msgspec.convert(asked, Contract))
    return found


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"con_id": 756733}, ["SPY"]),
        ({"con_id": 756733, "exchange": "ARCA"}, ["SPY"]),
        ({"con_id": 756733, "exchange": "CME"}, []),
        ({"con_id": 756733, "sec_type": "FUT"}, []),
        ({"con_id": 4}, []),
        ({"symbol": "SPY", "sec_type": "STK", "exchange": "SMART", "currency": "USD"}, ["SPY"]),
        ({"symbol": "SPY", "sec_type": "STK", "exchange": "SMART", "primary_exchange": "ARCA"}, ["SPY"]),
        ({"symbol": "SPY", "sec_type": "STK", "exchange": "SMART/ARCA"}, ["SPY"]),
        ({"symbol": "SPY", "sec_type": "STK", "exchange": "SMART:NASDAQ"}, []),
        ({"symbol": "AAPL", "sec_type": "STK", "primary_exchange": "ISLAND"}, ["AAPL"]),
        ({"symbol": "SPY", "sec_type": "STK", "exchange": "SMART", "currency": "EUR"}, []),
        ({"symbol": "SPY", "sec_type": "ETF"}, []),
        ({"symbol": "NONE", "sec_type": "STK"}, []),
        ({"sec_id_type": "ISIN", "sec_id": "US0378331005"}, ["AAPL"]),
        ({"symbol": "VIX", "sec_type": "IND", "exchange": "CBOE"}, ["VIX"]),
        ({"symbol": "EUR", "sec_type": "CASH", "exchange": "IDEALPRO", "currency": "USD"}, ["EUR.USD"]),
        ({"local_symbol": "USD.JPY", "sec_type": "CASH"}, ["USD.JPY"]),
        ({"symbol": "MES", "sec_type": "FUT", "exchange": "CME"}, ["MESZ6", "MESH7", "MESM7", "MESU7"]),
        ({"symbol": "MES", "sec_type": "FUT", "exchange": "SMART"}, []),
        ({"symbol": "MES", "sec_type": "FUT", "last_trade_date_or_contract_month": "202612"}, ["MESZ6"]),
        ({"symbol": "MES", "sec_type": "FUT", "last_trade_date_or_contract_month": "20261218"}, ["MESZ6"]),
        ({"symbol": "MES", "sec_type": "FUT", "last_trade_date_or_contract_month": "20261217"}, []),
        ({"symbol": "ES", "sec_type": "FUT", "multiplier": "5"}, []),
        ({"local_symbol": "MESZ6", "exchange": "CME"}, ["MESZ6"]),
        ({"symbol": "MES", "sec_type": "FUT", "last_trade_date_or_contract_month": "202609"}, []),
        ({"local_symbol": "MESU6", "sec_type": "FUT"}, ["MESU6"]),
        ({"symbol": "VIX", "sec_type": "FUT", "trading_class": "VX", "last_trade_date_or_contract_month": "202612"}, ["VXZ6"]),
        ({"symbol": "MES", "sec_type": "CONTFUT"}, ["MESZ6"]),
        (
            {"symbol": "SPY", "sec_type": "OPT", "last_trade_date_or_contract_month": "20261218", "strike": 750, "right": "CALL"},
            ["SPY   261218C00750000"],
        ),
        (
            {"symbol": "SPY", "sec_type": "OPT", "last_trade_date_or_contract_month": "20281215", "strike": 750.0},
            ["SPY   281215C00750000", "SPY   281215P00750000"],
        ),
        (
            {"symbol": "SPX", "last_trade_date_or_contract_month": "20261217", "strike": 7500.0, "right": "P"},
            ["SPX   261218P07500000"],
        ),
    ],
)
def test_a_description_finds_what_fits(asked: dict[str, object], found: list[str]) -> None:
    assert named(**asked) == found


def test_expired_futures_are_found_when_asked_for() -> None:
    asked = {"symbol": "MES", "sec_type": "FUT", "include_expired": True}
    assert named(**asked)[:5] == ["MESZ5", "MESH6", "MESM6", "MESU6", "MESZ6"]


def test_last_days_are_those_of_the_exchanges() -> None:
    """CME's ES calendar of 2026 (June's third Friday is a holiday), Cboe's VX calendar, SPX options that stop the day before."""
    last_days = {
        each.contract.local_symbol: each.contract.last_trade_date_or_contract_month
        for each in BOOK.listings()
        if each.contract.sec_type == "FUT"
    }
    expected = {
        "ESM6": "20260618",
        "ESU6": "20260918",
        "ESZ6": "20261218",
        "ESH7": "20270319",
        "VXV6": "20261021",
        "VXX6": "20261118",
        "VXZ6": "20261216",
        "VXF7": "20270120",
    }
    assert expected.items() <= last_days.items()
    spx = only(symbol="SPX", trading_class="SPX", last_trade_date_or_contract_month="202612", strike=7000.0, right="C")
    assert spx.contract.last_trade_date_or_contract_month == "20261217"
    assert BOOK.facts(spx.con_id).real_expiration == "20261218"


def test_a_continuous_future_bears_the_number_of_its_front_contract() -> None:
    front = only(local_symbol="MESZ6", sec_type="FUT")
    continuous = only(symbol="MES", sec_type="CONTFUT")
    assert continuous.con_id == front.con_id
    assert continuous.instrument.security_type is SecurityType.CONTFUT
    assert only(con_id=front.con_id) == front
    assert only(con_id=front.con_id, sec_type="CONTFUT") == continuous


def test_numbers_are_distinct_and_stay_when_the_day_changes() -> None:
    listings = BOOK.listings()
    numbers = [each.con_id for each in listings]
    assert numbers == sorted(set(numbers))
    assert max(numbers) < 2**31
    later = Contracts(tables(), date(2027, 1, 4))
    mine = {each.contract.local_symbol: each.con_id for each in listings}
    shared = [each for each in later.listings() if each.contract.local_symbol in mine]
    assert len(shared) > 3_000
    assert all(mine[each.contract.local_symbol] == each.con_id for each in shared)


def test_every_listing_is_whole() -> None:
    for each in BOOK.listings():
        assert each.instrument.id == each.instrument.token == each.contract.con_id
        assert each.min_tick == pytest.approx(float(each.instrument.decimal(each.instrument.tick)))
        assert len(each.market_rule_ids) == len(each.valid_exchanges)
        assert not each.underlying or BOOK.listing(each.underlying) is not None
        schedule(each.fees)


@given(st.integers(2000, 2100), st.integers(1, 12))
def test_the_third_friday_is_a_friday_of_the_third_week(year: int, month: int) -> None:
    day = third_friday(year, month)
    assert (day.weekday(), (day.day - 1) // 7) == (4, 2)


def test_an_option_beyond_the_numbers_is_refused() -> None:
    with pytest.raises(DataError, match="no contract number"):
        option_number(1, date(2032, 1, 1), 100, "C")


def test_a_missing_session_table_is_named() -> None:
    without = {name: table for name, table in tables().items() if name != "CFE"}
    with pytest.raises(ConfigError, match="CFE"):
        Contracts(without, TODAY)


def test_a_broken_listings_file_is_refused_with_its_place() -> None:
    with pytest.raises(ConfigError, match=r"listings cannot be read"):
        parse_listings("[[spot]]\nsymbol = 1\n")
