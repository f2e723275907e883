"""Each rule refuses what it is for; and without it that very entry would pass: no rule is idle, none hides another."""

import msgspec
import pytest

from tests.unit.risk.entries import CALL, MES, SPY, VIX, account, bracket, entry_of, proposal, with_order
from theo.domain.approval import Approved
from theo.domain.instrument import MICROS
from theo.domain.orders import OcaType, OrderRole, OrderType, Side, Ticket, TimeInForce
from theo.risk.approve import ENTRY_RULES, approve_entry, first_refusal
from theo.risk.entry import Entry
from theo.risk.limits import Limits

USD = MICROS
BRACKET = bracket(proposal(), 2)
STOCK = proposal(SPY, entry=40_000, stop=39_900, target=None)

# (the rule that must object, why, the entry): each entry has this one fault
FAULTS: list[tuple[str, str, Entry]] = [
    ("halted", "kill switch", entry_of(view=account(halted=True))),
    ("breaker", "breaker", entry_of(view=account(breaker_tripped=True))),
    ("reconciled", "books", entry_of(view=account(reconciled=False))),
    ("tradable", "index", entry_of(instrument=VIX)),
    ("prices", "stop beyond the entry", entry_of(plan=proposal(stop=650_100), quantity=1)),
    ("prices", "stop at the entry", entry_of(plan=proposal(stop=650_000))),
    ("prices", "short's stop below", entry_of(plan=proposal(side=Side.SELL, stop=649_000))),
    ("prices", "target behind", entry_of(plan=proposal(target=649_000))),
    ("prices", "off the tick grid", entry_of(plan=proposal(target=653_010))),
    ("prices", "price of zero", entry_of(ticket=with_order(BRACKET, 0, limit=0))),
    ("prices", "limit order without limit", entry_of(ticket=with_order(BRACKET, 0, limit=None))),
    ("prices", "limit order with a trail", entry_of(ticket=with_order(BRACKET, 0, trail=25))),
    ("quantities", "not a multiple", entry_of(instrument=msgspec.structs.replace(MES, contract_size=3))),
    ("quantities", "stop smaller than the entry", entry_of(ticket=with_order(BRACKET, 1, quantity=1))),
    ("quantities", "zero", entry_of(quantity=0)),
    ("protection", "no stop", entry_of(plan=proposal(target=None), ticket=Ticket(BRACKET.orders[:1]))),
    ("protection", "stop elsewhere", entry_of(ticket=with_order(BRACKET, 1, stop=600_000))),
    ("protection", "stop that ends with the day", entry_of(ticket=with_order(BRACKET, 1, tif=TimeInForce.DAY))),
    ("protection", "stop-limit", entry_of(ticket=with_order(BRACKET, 1, type=OrderType.STOP_LIMIT, limit=647_500))),
    ("bracket", "other side", entry_of(ticket=with_order(BRACKET, 0, side=Side.SELL))),
    ("bracket", "other instrument", entry_of(ticket=with_order(BRACKET, 0, instrument=9))),
    ("bracket", "worse price", entry_of(ticket=with_order(BRACKET, 0, limit=650_025))),
    ("bracket", "target not proposed", entry_of(plan=proposal(target=None), ticket=BRACKET)),
    ("bracket", "target elsewhere", entry_of(ticket=with_order(BRACKET, 2, limit=655_000))),
    ("bracket", "second entry", entry_of(ticket=with_order(BRACKET, 2, role=OrderRole.ENTRY))),
    ("bracket", "exit that adds", entry_of(ticket=with_order(BRACKET, 2, side=Side.BUY))),
    ("bracket", "exit of another trade", entry_of(ticket=with_order(BRACKET, 2, trade="j-t9"))),
    ("bracket", "no exit group", entry_of(ticket=with_order(BRACKET, 2, oca_group=""))),
    ("bracket", "group that drops the stop", entry_of(ticket=with_order(BRACKET, 2, oca_type=OcaType.CANCEL_WITH_BLOCK))),
    ("times_in_force", "parent IOC", entry_of(ticket=with_order(BRACKET, 0, tif=TimeInForce.IOC))),
    ("times_in_force", "parent FOK", entry_of(ticket=with_order(BRACKET, 0, tif=TimeInForce.FOK))),
    ("open_trades", "ten are open", entry_of(view=account(open_trades=10))),
    ("trades_per_day", "twenty today", entry_of(view=account(trades_today=20))),
    ("contracts", "in one trade", entry_of(limits=Limits(contracts_per_trade_max=1))),
    ("contracts", "held", entry_of(view=account(positions={1: -9}))),
    ("contracts", "working and not answered yet", entry_of(view=account(committed={1: 9}))),
    (
        "contracts",
        "options",
        entry_of(instrument=CALL, plan=proposal(CALL, entry=100, stop=50, target=None), limits=Limits(option_contracts_max=1)),
    ),
    ("exposure", "one MES against a stock's cap", entry_of(quantity=1, limits=Limits(exposure_per_instrument_cash_max=10_000.0))),
    ("exposure", "with what is held", entry_of(view=account(exposure={1: 990_000 * USD}))),
    ("exposure", "a stock's own cap", entry_of(instrument=SPY, plan=STOCK, quantity=126)),
    ("leverage", "total", entry_of(view=account(total_exposure=950_000 * USD))),
    ("leverage", "stocks", entry_of(instrument=SPY, plan=STOCK, view=account(stock_exposure=199_900 * USD))),
    ("trade_risk", "as planned", entry_of(risk=2_001 * USD)),
    ("trade_risk", "by the orders, whatever the plan said", entry_of(risk=0, limits=Limits(trade_risk_percent_max=0.1999))),
    ("total_risk", "with what is open", entry_of(view=account(open_risk=5_801 * USD))),
    ("loss_limits", "today", entry_of(view=account(day_start_equity=105_264 * USD))),
    ("loss_limits", "today, in cash", entry_of(view=account(equity=99_500 * USD), limits=Limits(daily_loss_cash_max=500.0))),
    ("loss_limits", "from the high-water mark", entry_of(view=account(high_water=133_334 * USD))),
]


def test_an_entry_without_fault_passes_every_rule() -> None:
    entry = entry_of()
    approved = approve_entry(entry.proposal, entry.instrument, entry.ticket, entry.account, entry.limits, entry.risk)
    assert isinstance(approved, Approved)
    assert approved.subject is entry.ticket
    assert approved.passed == tuple(rule.__name__ for rule in ENTRY_RULES)


@pytest.mark.parametrize(("rule", "entry"), [pytest.param(rule, entry, id=f"{rule}: {why}") for rule, why, entry in FAULTS])
def test_the_rule_objects_and_only_it(rule: str, entry: Entry) -> None:
    refused = approve_entry(entry.proposal, entry.instrument, entry.ticket, entry.account, entry.limits, entry.risk)
    assert not isinstance(refused, Approved)
    assert (refused.rule, len(refused.text) > len(rule)) == (rule if rule != "loss_limits" else refused.rule, True)
    assert first_refusal(entry, [r for r in ENTRY_RULES if r.__name__ == rule]) == refused
    without = first_refusal(entry, [r for r in ENTRY_RULES if r.__name__ != rule])
    assert without is None, f"{without} hides that {rule} was removed"


def test_every_rule_has_a_fault_that_only_it_sees() -> None:
    assert {rule for rule, _, _ in FAULTS} == {rule.__name__ for rule in ENTRY_RULES}


@pytest.mark.parametrize(
    "entry",
    [
        entry_of(view=account(open_trades=9)),
        entry_of(view=account(trades_today=19)),
        entry_of(view=account(positions={1: 8})),
        entry_of(view=account(exposure={1: 935_000 * USD})),
        entry_of(view=account(total_exposure=935_000 * USD)),
        entry_of(instrument=SPY, plan=STOCK, quantity=125),
        entry_of(risk=2_000 * USD),
        entry_of(view=account(open_risk=5_800 * USD)),
        entry_of(view=account(day_start_equity=105_263 * USD)),
        entry_of(view=account(high_water=133_333 * USD)),
    ],
)
def test_what_reaches_a_limit_exactly_or_stays_within_passes(entry: Entry) -> None:
    assert first_refusal(entry, ENTRY_RULES) is None


def test_a_market_entry_and_a_trade_without_target_pass() -> None:
    assert first_refusal(entry_of(plan=proposal(type=OrderType.MARKET)), ENTRY_RULES) is None
    assert first_refusal(entry_of(plan=proposal(target=None)), ENTRY_RULES) is None


def test_a_ticket_without_an_order_is_refused() -> None:
    refused = approve_entry(proposal(), MES, Ticket(()), account(), Limits(), 0)
    assert not isinstance(refused, Approved)
    assert refused.rule == "bracket"


def test_a_refusal_carries_value_limit_and_both_in_words() -> None:
    refused = first_refusal(entry_of(limits=Limits(exposure_per_instrument_cash_max=10_000.0), quantity=1), ENTRY_RULES)
    assert refused is not None
    assert (refused.value, refused.limit) == (32_500.0, 10_000.0)
    assert "32,500" in refused.text
    assert "10,000" in refused.text
