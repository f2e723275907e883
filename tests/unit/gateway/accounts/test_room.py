"""The room of accounts through both ends of a link, and what the real ib_async makes of its answers."""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.gateway.hand_market import EUR, MES, SPY, HandMarket, Peer, codes, gateway, quoted, trade
from tests.unit.gateway.peers import IbAsync
from tests.unit.gateway.tables import at
from theo.domain.market_data import MINUTE, SECOND
from theo.gateway.accounts.ledger import Ledgers
from theo.gateway.accounts.room import AccountsRoom
from theo.gateway.wire.messages import account as wire

NOW = at("2026-11-24 10:00")
ONE = ("DU1",)
IB_ASYNC_TAGS = (
    "AccountType,NetLiquidation,TotalCashValue,SettledCash,AccruedCash,BuyingPower,EquityWithLoanValue,"
    "PreviousEquityWithLoanValue,GrossPositionValue,RegTEquity,RegTMargin,SMA,InitMarginReq,MaintMarginReq,AvailableFunds,"
    "ExcessLiquidity,Cushion,FullInitMarginReq,FullMaintMarginReq,FullAvailableFunds,FullExcessLiquidity,LookAheadNextChange,"
    "LookAheadInitMarginReq,LookAheadMaintMarginReq,LookAheadAvailableFunds,LookAheadExcessLiquidity,HighestSeverity,"
    "DayTradesRemaining,DayTradesRemainingT+1,DayTradesRemainingT+2,DayTradesRemainingT+3,DayTradesRemainingT+4,Leverage,"
    "$LEDGER:ALL"
)


class Bank:
    """A gateway whose accounts hold what a test books; SPY last traded at 600, MES at 6800."""

    def __init__(self, accounts: tuple[str, ...] = ONE, cash: int = 100_000) -> None:
        self.ledgers = Ledgers(accounts, cash)
        start = NOW - MINUTE
        self.market = HandMarket([trade(SPY, start, "600"), trade(MES, start, "6800"), *quoted(EUR, start, "1.0999", "1.1001")])
        self.simulator = gateway(AccountsRoom(self.ledgers), self.market, NOW, accounts=accounts)

    def buy(self, listing: Any, quantity: int, price: str, charges: int = 0, account: str = "DU1") -> None:  # noqa: ANN401 - a Listing
        self.ledgers.book(account, listing.instrument, quantity, listing.instrument.units(price), charges)
        self.ledgers.changed(account, listing.con_id)


def texts(heard: Iterable[Any]) -> dict[str, str]:
    """Values by key, in dollars or without a currency."""
    kinds = (wire.UpdateAccountValue, wire.AccountUpdateMulti)
    found = {m.key: m.value for m in heard if isinstance(m, kinds) and m.currency in {"USD", ""}}
    return found | {m.tag: m.value for m in heard if isinstance(m, wire.AccountSummary)}


def of(heard: Iterable[Any], kind: type[Any]) -> list[Any]:
    return [m for m in heard if isinstance(m, kind)]


def test_an_empty_account_is_its_cash() -> None:
    peer = Peer(Bank().simulator)
    heard = peer.ask(wire.ReqAccountUpdates(subscribe=True, account="DU1"))
    said = texts(heard)
    assert said["NetLiquidation"] == said["AvailableFunds"] == said["EquityWithLoanValue"] == "100000.00"
    assert (said["BuyingPower"], said["InitMarginReq"], said["AccountReady"]) == ("400000.00", "0.00", "true")
    assert heard[-2:] == [wire.UpdateAccountTime("10:00"), wire.AccountDownloadEnd("DU1")]


def test_values_of_stocks_futures_and_currencies_add_up() -> None:
    bank = Bank()
    bank.buy(SPY, 100, "590", 1_000_000)
    bank.buy(MES, -2, "6810", 1_240_000)
    bank.buy(EUR, 10_000, "1.10", 2_000_000)
    heard = Peer(bank.simulator).ask(wire.ReqAccountUpdates(subscribe=True, account="DU1"))
    said = texts(heard)
    assert said["TotalCashValue"] == "40995.76"  # 100000 - 59001 - 1.24 - 11002 + 10000 EUR at 1.10
    assert said["StockMarketValue"] == said["GrossPositionValue"] == "60000.00"
    assert said["FuturesPNL"] == "100.00"
    assert said["NetLiquidation"] == "101095.76"
    assert said["UnrealizedPnL"] == "1095.76"
    assert said["InitMarginReq"] == "34895.00"  # 30000 + 2 x 2310 + 2.5 % of 11000
    assert said["AvailableFunds"] == "66200.76"
    rows = {row.contract.symbol: row for row in of(heard, wire.UpdatePortfolio)}
    assert (rows["SPY"].market_value, rows["SPY"].average_cost, rows["SPY"].unrealized_pnl) == (60_000.0, 590.01, 999.0)
    assert (rows["MES"].position, rows["MES"].average_cost, rows["MES"].contract.primary_exchange) == (-2, 34049.38, "CME")


def test_positions_name_no_exchange_for_futures_and_a_closed_one_comes_as_zero() -> None:
    bank = Bank()
    bank.buy(MES, 1, "6800", 620_000)
    peer = Peer(bank.simulator)
    row, end = of(peer.ask(wire.ReqPositions()), wire.Position), wire.PositionEnd()
    assert (row[0].contract.exchange, row[0].avg_cost, row[0].position) == ("", 34000.62, 1)
    assert end == wire.PositionEnd()
    bank.buy(MES, -1, "6801")
    assert [(m.position, m.avg_cost) for m in of(peer.wait(NOW + 1), wire.Position)] == [(0, 0.0)]
    peer.ask(wire.CancelPositions())
    bank.buy(MES, 1, "6801")
    assert not of(peer.wait(NOW + 2), wire.Position)
    assert not of(peer.ask(wire.ReqPositionsMulti(4, "DU1", "model")), wire.PositionMulti)


def test_positions_name_the_primary_exchange_of_stocks_and_none_of_currencies() -> None:
    bank = Bank()
    bank.buy(SPY, 10, "600")
    bank.buy(EUR, 20_000, "1.1")
    rows = {row.contract.symbol: row.contract for row in of(Peer(bank.simulator).ask(wire.ReqPositions()), wire.Position)}
    assert [(rows[name].exchange, rows[name].primary_exchange) for name in ("SPY", "EUR")] == [("ARCA", ""), ("", "")]


def test_an_account_is_told_again_when_a_position_changes_and_every_three_minutes() -> None:
    bank = Bank()
    peer = Peer(bank.simulator)
    peer.ask(wire.ReqAccountUpdates(subscribe=True, account=""))
    bank.buy(SPY, 10, "600")
    heard = peer.wait(NOW + SECOND)
    assert texts(heard)["StockMarketValue"] == "6000.00"
    assert "BuyingPower" in texts(heard)
    assert "NetLiquidation" not in texts(heard)  # unchanged
    bank.market.add(trade(SPY, NOW + 2 * SECOND, "601"))
    assert not of(peer.wait(NOW + 2 * MINUTE), wire.UpdateAccountValue)
    assert texts(peer.wait(NOW + 3 * MINUTE))["NetLiquidation"] == "100010.00"
    peer.ask(wire.ReqAccountUpdates(subscribe=False, account=""))
    bank.buy(SPY, 10, "600")
    assert peer.wait(NOW + 10 * MINUTE) == []


def test_one_account_is_watched_at_a_time() -> None:
    peer = Peer(Bank(("DU1", "DU2")).simulator)
    peer.ask(wire.ReqAccountUpdates(subscribe=True, account="DU1"))
    assert codes(peer.ask(wire.ReqAccountUpdates(subscribe=True, account="DU2"))) == [2100]
    assert codes(peer.ask(wire.ReqAccountUpdates(subscribe=True, account="U9"))) == [321]


def test_a_summary_has_every_tag_that_ib_async_asks_for_and_two_are_the_most() -> None:
    peer = Peer(Bank(("DU1", "DU2")).simulator)
    heard = peer.ask(wire.ReqAccountSummary(1, "All", IB_ASYNC_TAGS))
    counts = Counter((m.account, m.tag) for m in of(heard, wire.AccountSummary))
    tags = IB_ASYNC_TAGS.split(",")[:-1]
    assert all(counts[account, tag] >= 1 for account in ("DU1", "DU2") for tag in tags)
    assert counts["DU1", "ExchangeRate"] == 2  # of the base currency and of dollars
    assert heard[-1] == wire.AccountSummaryEnd(1)
    assert codes(peer.ask(wire.ReqAccountSummary(2, "All", "NetLiquidation"))) == []
    assert codes(peer.ask(wire.ReqAccountSummary(3, "All", "NetLiquidation"))) == [322]
    peer.ask(wire.CancelAccountSummary(1))
    assert codes(peer.ask(wire.ReqAccountSummary(3, "All", "NetLiquidation"))) == []


@pytest.mark.parametrize(
    "asked",
    [
        wire.ReqAccountSummary(1, "Nobody", "NetLiquidation"),
        wire.ReqAccountSummary(1, "All", "Happiness"),
        wire.ReqAccountUpdatesMulti(1, "U9", "", ledger_and_nlv=False),
        wire.ReqPositionsMulti(1, "U9", ""),
        wire.ReqPnL(1, "U9", ""),
        wire.ReqPnLSingle(1, "U9", "", SPY.con_id),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_request(asked: Any) -> None:  # noqa: ANN401 - one of many requests
    (error,) = Peer(Bank().simulator).ask(asked)
    assert (error.req_id, error.code) == (1, 321)


def test_values_by_request_hold_the_ledger_too() -> None:
    bank = Bank()
    bank.buy(EUR, 100, "1.1")
    heard = Peer(bank.simulator).ask(wire.ReqAccountUpdatesMulti(5, "DU1", "", ledger_and_nlv=True))
    said = {(m.key, m.currency): m.value for m in of(heard, wire.AccountUpdateMulti)}
    assert (said["CashBalance", "EUR"], said["ExchangeRate", "EUR"], said["CashBalance", "BASE"]) == (
        "100.00",
        "1.10",
        "100000.00",
    )
    assert said["NetLiquidation", "USD"] == "100000.00"
    assert heard[-1] == wire.AccountUpdateMultiEnd(5)


def test_profit_and_loss_comes_once_a_second_while_it_changes() -> None:
    bank = Bank()
    bank.buy(SPY, 10, "600", 1_000_000)
    peer = Peer(bank.simulator)
    assert peer.ask(wire.ReqPnL(7, "DU1", "")) == [wire.PnL(7, -1.0, -1.0, 0.0)]
    single = peer.ask(wire.ReqPnLSingle(8, "DU1", "", SPY.con_id))
    assert single == [wire.PnLSingle(8, Decimal(10), -1.0, -1.0, 0.0, 6000.0)]
    assert peer.wait(NOW + 5 * SECOND) == []
    bank.market.add(*[trade(SPY, NOW + 6 * SECOND + n, f"60{n % 10}") for n in range(1, 9)])
    heard = peer.wait(NOW + 8 * SECOND)
    assert of(heard, wire.PnL) == [wire.PnL(7, 79.0, 79.0, 0.0)]
    peer.ask(wire.CancelPnL(7), wire.CancelPnLSingle(8))
    bank.market.add(trade(SPY, NOW + 9 * SECOND, "700"))
    assert peer.wait(NOW + 20 * SECOND) == []


def test_the_day_ends_at_midnight_of_the_login() -> None:
    bank = Bank()
    bank.buy(SPY, 10, "590")
    bank.buy(SPY, -5, "600")
    peer = Peer(bank.simulator)
    assert peer.ask(wire.ReqPnL(7, "DU1", "")) == [wire.PnL(7, 100.0, 50.0, 50.0)]
    (news,) = peer.wait(at("2026-11-25 00:00") + 2 * SECOND)
    assert news == wire.PnL(7, 0.0, 50.0, 0.0)


def test_what_is_gone_is_not_written_to() -> None:
    bank = Bank()
    peer = Peer(bank.simulator)
    peer.ask(wire.ReqPositions(), wire.ReqPnL(1, "", ""), wire.ReqAccountUpdates(subscribe=True, account=""))
    bank.simulator.disconnected(peer.client)
    bank.buy(SPY, 1, "600")
    assert peer.wait(NOW + 10 * MINUTE) == []


@pytest.mark.parametrize("version", [157, 170, 178])
def test_ib_async_reads_every_answer(version: int) -> None:
    bank = Bank()
    bank.buy(SPY, 10, "590", 333_333)
    peer = Peer(bank.simulator, version=version)
    requests = (
        wire.ReqPositions(),
        wire.ReqAccountUpdates(subscribe=True, account="DU1"),
        wire.ReqAccountUpdatesMulti(1, "DU1", "", ledger_and_nlv=False),
        wire.ReqAccountSummary(2, "All", IB_ASYNC_TAGS),
        wire.ReqPnL(3, "DU1", ""),
        wire.ReqPnLSingle(4, "DU1", "", SPY.con_id),
        wire.ReqPositionsMulti(5, "DU1", ""),
    )
    heard = peer.ask(*requests)
    calls = Counter(call[0] for m in heard for call in IbAsync(version).heard(peer.client.link.encode(m)))
    assert calls["position"] == calls["positionEnd"] == calls["updatePortfolio"] == calls["accountDownloadEnd"] == 1
    assert calls["pnl"] == calls["pnlSingle"] == calls["positionMulti"] == calls["accountSummaryEnd"] == 1
    assert calls["updateAccountValue"] > 40
