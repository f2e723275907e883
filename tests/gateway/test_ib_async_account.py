"""The unmodified ib_async over TCP: what trading cost and earned, by hand; prices in time by hand.

SPY is quoted 599.90 / 600.10, MES 6799.75 / 6800.25. A share costs 0.005 with at least 1.00 an order, a sell the regulators'
fees on top; a MES contract 0.62 a side; a currency 0.2 basis points with at least 2.00.
"""

import pytest
from ib_async import IB, Contract, Forex, Future, MarketOrder, Order, Stock, Trade

from tests.gateway.stand import HandStand, qualified
from tests.unit.gateway.hand_market import EUR, MES, SPY
from theo.gateway.desk import Listing

SEC_FEE, TAF = 0.0000206, 0.000195  # of the value, a share: on sells


class Books:
    """One client that trades at the market."""

    def __init__(self, stand: HandStand, ib: IB) -> None:
        self.stand, self.ib = stand, ib

    async def deal(self, asked: Contract, listing: Listing, order: Order, price: str) -> Trade:
        """Place it, and let a trade at a price let it be filled."""
        trade = self.ib.placeOrder(await qualified(self.ib, asked), order)
        await self.stand.passes()
        await self.stand.trades(price, listing)
        assert trade.orderStatus.status == "Filled"
        return trade

    async def values(self) -> dict[str, float]:
        """The account's amounts in dollars; a summary is told anew every three minutes."""
        await self.stand.passes(181)
        told = [value for value in await self.ib.accountSummaryAsync() if value.currency == "USD"]
        return {value.tag: float(value.value) for value in told if value.value[-1:].isdigit()}


@pytest.fixture
async def books(stand: HandStand) -> Books:
    return Books(stand, await stand.connect())


def spy() -> Contract:
    return Stock("SPY", "SMART", "USD")


def mes() -> Contract:
    return Future("MES", "202612", "CME")


def commission(trade: Trade) -> float:
    assert all(fill.commissionReport.execId == fill.execution.execId for fill in trade.fills)
    assert {fill.commissionReport.currency for fill in trade.fills} == {"USD"}
    return sum(fill.commissionReport.commission for fill in trade.fills)


async def test_commissions_are_the_schedules(books: Books) -> None:
    small = await books.deal(spy(), SPY, MarketOrder("BUY", 5), "600")
    large = await books.deal(spy(), SPY, MarketOrder("BUY", 1000), "600")
    sold = await books.deal(spy(), SPY, MarketOrder("SELL", 100), "600")
    future = await books.deal(mes(), MES, MarketOrder("BUY", 3), "6800")
    assert [commission(each) for each in (small, large, future)] == pytest.approx([1.0, 5.0, 3 * 0.62])
    assert commission(sold) == pytest.approx(1.0 + 100 * 599.9 * SEC_FEE + 100 * TAF, abs=0.005)
    currency = books.ib.placeOrder(await qualified(books.ib, Forex("EURUSD")), MarketOrder("BUY", 200_000))
    await books.stand.passes()
    await books.stand.quotes("1.0999", "1.1001", EUR)
    assert commission(currency) == pytest.approx(200_000 * 1.1001 * 0.00002, abs=0.005)


async def test_a_position_has_its_average_cost_with_charges(books: Books) -> None:
    await books.deal(spy(), SPY, MarketOrder("BUY", 100), "600")
    await books.stand.quotes("609.9", "610.1")
    await books.deal(spy(), SPY, MarketOrder("BUY", 300), "610")
    (position,) = books.ib.positions()
    paid = 100 * 600.1 + 1.0 + 300 * 610.1 + 1.5
    assert position.position == 400
    assert position.avgCost == pytest.approx(paid / 400)
    (item,) = books.ib.portfolio()
    assert item.position == 400
    assert item.averageCost == pytest.approx(paid / 400)


async def test_a_futures_average_cost_has_its_multiplier(books: Books) -> None:
    await books.deal(mes(), MES, MarketOrder("BUY", 2), "6800")
    (position,) = books.ib.positions()
    assert position.avgCost == pytest.approx(5 * 6800.25 + 0.62)


async def test_profit_is_position_by_mark_less_cost_by_multiplier(books: Books) -> None:
    pnl = books.ib.reqPnL("DU1234567")
    single = books.ib.reqPnLSingle("DU1234567", "", (await qualified(books.ib, mes())).conId)
    await books.deal(mes(), MES, MarketOrder("SELL", 3), "6800")
    expected = 0.0
    for price in ("6790.0", "6812.5"):
        await books.stand.quotes(price, f"{float(price) + 0.5}", MES)
        await books.stand.trades(price, MES)
        await books.stand.passes(2)
        expected = -3 * (float(price) - 6799.75) * 5 - 3 * 0.62
        assert pnl.unrealizedPnL == pytest.approx(expected)
        assert single.position == -3
        assert single.unrealizedPnL == pytest.approx(expected)
        assert single.value == pytest.approx(-3 * float(price) * 5)
        assert (await books.values())["NetLiquidation"] == pytest.approx(1_000_000 + expected)
    assert pnl.dailyPnL == pytest.approx(expected)


async def test_closing_realizes_what_was_earned(books: Books) -> None:
    pnl = books.ib.reqPnL("DU1234567")
    await books.deal(mes(), MES, MarketOrder("BUY", 2), "6800")
    await books.stand.quotes("6850.0", "6850.5", MES)
    closed = await books.deal(mes(), MES, MarketOrder("SELL", 2), "6850")
    earned = 2 * 5 * (6850.0 - 6800.25) - 4 * 0.62
    assert sum(fill.commissionReport.realizedPNL for fill in closed.fills) == pytest.approx(earned)
    await books.stand.passes(2)
    assert pnl.realizedPnL == pytest.approx(earned)
    assert pnl.unrealizedPnL == 0
    assert books.ib.positions() == []
    values = await books.values()
    assert values["NetLiquidation"] == values["TotalCashValue"] == pytest.approx(1_000_000 + earned)


async def test_shares_are_paid_in_cash_and_bind_margin(books: Books) -> None:
    await books.deal(spy(), SPY, MarketOrder("BUY", 1000), "600")
    values = await books.values()
    cash = 1_000_000 - 1000 * 600.1 - 5.0
    assert values["TotalCashValue"] == pytest.approx(cash)
    assert values["GrossPositionValue"] == pytest.approx(600_000)
    assert values["NetLiquidation"] == pytest.approx(cash + 600_000)
    assert values["InitMarginReq"] == pytest.approx(300_000)  # half of it, by Regulation T
    assert values["AvailableFunds"] == pytest.approx(values["EquityWithLoanValue"] - values["InitMarginReq"])


async def test_what_if_says_what_the_order_then_does(books: Books) -> None:
    contract = await qualified(books.ib, mes())
    before = await books.values()
    state = await books.ib.whatIfOrderAsync(contract, MarketOrder("BUY", 4))
    assert not isinstance(state, list)
    trade = await books.deal(mes(), MES, MarketOrder("BUY", 4), "6800.25")
    after = await books.values()
    assert float(state.initMarginBefore) == before["InitMarginReq"]
    assert float(state.initMarginAfter) == pytest.approx(after["InitMarginReq"])
    assert float(state.maintMarginAfter) == pytest.approx(after["MaintMarginReq"])
    assert state.commission == pytest.approx(commission(trade))
    assert float(state.equityWithLoanAfter) == pytest.approx(after["EquityWithLoanValue"], abs=4 * 0.25 * 5)


async def test_a_currency_is_exchanged(books: Books) -> None:
    trade = books.ib.placeOrder(await qualified(books.ib, Forex("EURUSD")), MarketOrder("BUY", 20_000))
    await books.stand.passes()
    await books.stand.quotes("1.0999", "1.1001", EUR)
    assert trade.filled() == 20_000
    await books.stand.passes(200)  # the account is told again every three minutes
    cash = sorted((v.currency, float(v.value)) for v in books.ib.accountValues() if v.tag == "CashBalance")
    dollars = 1_000_000 - 20_000 * 1.1001 - 2.0
    assert cash == [("BASE", pytest.approx(dollars + 20_000 * 1.1)), ("EUR", 20_000), ("USD", pytest.approx(dollars))]
    worth = [v.value for v in books.ib.accountValues() if (v.tag, v.currency) == ("NetLiquidationByCurrency", "BASE")]
    assert worth == [v.value for v in books.ib.accountValues() if v.tag == "NetLiquidation"]
