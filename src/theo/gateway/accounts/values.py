"""An account's values by the names that IB gives them, as texts."""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from theo.domain.market_data import SECOND
from theo.gateway.accounts.ledger import BASE_CURRENCY, Ledgers, money
from theo.gateway.accounts.valuation import Worth, rate, worth, worth_in
from theo.gateway.desk import Desk

CENT = Decimal("0.01")
LEDGER = "$LEDGER"
NO_LIMIT = "-1"  # of day trades that remain: the account is no small one


class Value(NamedTuple):
    """A value of an account; the currency is empty for what is no amount."""

    key: str
    text: str
    currency: str = BASE_CURRENCY


def cents(micros: int) -> str:
    """An amount as IB writes it."""
    return str(money(micros).quantize(CENT))


def ratio(part: int, whole: int, digits: str) -> str:
    """A share with so many decimals; 0 of nothing."""
    return str((Decimal(part) / whole if whole else Decimal(0)).quantize(Decimal(digits)))


def account_values(desk: Desk, ledgers: Ledgers, account: str) -> list[Value]:
    """Everything that is said of an account."""
    now = worth(desk, ledgers, account)
    head = [
        Value("AccountCode", account, ""),
        Value("AccountOrGroup", account),
        Value("AccountReady", "true", ""),
        Value("AccountType", "INDIVIDUAL", ""),
    ]
    tail = [
        Value("Cushion", ratio(now.excess, now.net_liquidation, "0.000001"), ""),
        Value("Currency", BASE_CURRENCY),
        Value("Leverage", ratio(now.gross, now.net_liquidation, "0.01"), ""),
        Value("LookAheadNextChange", str(desk.now // SECOND), ""),
        Value("HighestSeverity", "0", ""),
        *(Value(f"DayTradesRemaining{day}", NO_LIMIT, "") for day in ("", "T+1", "T+2", "T+3", "T+4")),
    ]
    return head + [Value(key, cents(amount)) for key, amount in _amounts(now)] + tail


def _amounts(now: Worth) -> Iterator[tuple[str, int]]:
    yield "NetLiquidation", now.net_liquidation
    yield "TotalCashValue", now.cash
    yield "SettledCash", now.cash
    yield "AccruedCash", 0
    yield "AccruedDividend", 0
    yield "Billable", 0
    yield "BuyingPower", now.buying_power
    yield "EquityWithLoanValue", now.equity
    yield "PreviousEquityWithLoanValue", now.equity - now.daily
    yield "PreviousDayEquityWithLoanValue", now.equity - now.daily
    yield "GrossPositionValue", now.gross
    yield "RegTEquity", now.equity
    yield "RegTMargin", now.margin.initial
    yield "SMA", now.available
    for horizon in ("", "Full", "LookAhead"):
        yield f"{horizon}InitMarginReq", now.margin.initial
        yield f"{horizon}MaintMarginReq", now.margin.maintenance
        yield f"{horizon}AvailableFunds", now.available
        yield f"{horizon}ExcessLiquidity", now.excess


def ledger_values(desk: Desk, ledgers: Ledgers, account: str, currency: str) -> list[Value]:
    """The ledger of one currency; ``BASE`` is all of them in US dollars.

    Its keys are no account's: TWS tells them by currency only (recorded values of a paper account with two currencies).
    """
    if currency == "BASE":
        now, exchange = worth(desk, ledgers, account), Decimal(1)
    else:
        now, exchange = worth_in(desk, ledgers, account, currency), rate(desk, currency)
    texts = [Value(key, cents(amount), currency) for key, amount in _ledger_amounts(now)]
    names = [Value(key, currency, currency) for key in ("Currency", "RealCurrency")]
    return [*names, *texts, Value("ExchangeRate", f"{exchange:.2f}", currency)]


def every_ledger(desk: Desk, ledgers: Ledgers, account: str) -> list[Value]:
    """The ledgers of all currencies together, then of each."""
    currencies = ("BASE", *sorted(ledgers.accounts[account].cash))
    return [value for currency in currencies for value in ledger_values(desk, ledgers, account, currency)]


def _ledger_amounts(now: Worth) -> Iterator[tuple[str, int]]:
    yield "AccruedCash", 0
    yield "CashBalance", now.cash
    yield "FuturesPNL", now.futures
    yield "NetLiquidationByCurrency", now.net_liquidation
    yield "OptionMarketValue", now.options
    yield "RealizedPnL", now.realized
    yield "StockMarketValue", now.stocks
    yield "TotalCashBalance", now.cash
    yield "UnrealizedPnL", now.unrealized


def summary_values(desk: Desk, ledgers: Ledgers, account: str, tags: list[str]) -> list[Value]:
    """The values that a summary asks for by their tags: a value's key, ``All``, or ``$LEDGER`` with ``:ALL`` or a currency."""
    known = {value.key: value for value in account_values(desk, ledgers, account) if value.key != "AccountCode"}
    found: list[Value] = []
    for tag in tags:
        if tag == "All":
            found += known.values()
        elif tag.partition(":")[0] == LEDGER:
            asked = tag.partition(":")[2] or "BASE"
            one = asked != "ALL"
            found += ledger_values(desk, ledgers, account, asked) if one else every_ledger(desk, ledgers, account)
        elif tag in known:
            found.append(known[tag])
    return found


def unknown_tags(desk: Desk, ledgers: Ledgers, account: str, tags: list[str]) -> list[str]:
    """What of a summary's tags means nothing."""
    known = {"All", LEDGER} | {value.key for value in account_values(desk, ledgers, account)}
    return [tag for tag in tags if tag.partition(":")[0] not in known]
