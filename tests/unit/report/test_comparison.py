"""Two runs of one scan, reckoned by a person: slippage, fees and results of what both took, and why only one took the rest."""

import pytest

from tests.unit.report.journal import BEGIN, INSTRUMENTS, MES, closed, filled, intended, started
from theo.domain.approval import Refused
from theo.domain.facts import Decided, Fact, SignalClosed, SignalRaised
from theo.domain.instrument import MICROS
from theo.domain.keys import Key
from theo.domain.market_data import MINUTE
from theo.domain.orders import OrderType, Side
from theo.domain.signals import Proposal
from theo.report.comparison import Comparison, Played, compare, totals
from theo.report.deals import RUNNING

END = BEGIN + 15 * MINUTE


def looked(number: int, *, config: str = "demo", verdict: str = "long entry") -> Decided:
    """A look at the end of the bar of this number."""
    return Decided(config, END + number * MINUTE, verdict, (), 0)


def raised(journal: str, number: int, *, side: Side = Side.BUY, config: str = "demo", version: str = "v1") -> list[Fact]:
    """The look at a bar, and its signal."""
    action = Proposal(instrument=MES.id, side=side, type=OrderType.MARKET, entry=650_000, stop=648_000)
    key = Key(run=journal, config=config, config_version=version)
    return [looked(number, config=config), SignalRaised(f"{journal}-s{number}", key, END + number * MINUTE, action)]


def traded(journal: str, number: int, entry: int, leave: int, *, side: Side = Side.BUY, quantity: int = 2) -> list[Fact]:
    """A signal that becomes a trade and is closed by its stop."""
    trade = intended(number, side=side, quantity=quantity, journal=journal)
    fills = [filled(trade, side, quantity, entry, at=END + number), filled(trade, side.opposite, quantity, leave, at=END + 9)]
    return [*raised(journal, number, side=side), trade, *fills, closed(trade, fills, "stop", at=END + 9)]


def of(*parts: list[Fact]) -> Played:
    """A run."""
    return Played([started(), *(fact for part in parts for fact in part)], INSTRUMENTS)


def both(first: Played, second: Played) -> Comparison:
    return compare(first, second)


@pytest.mark.parametrize(
    ("side", "first", "second", "ticks"),
    [
        (Side.BUY, (650_050, 651_000), (650_000, 651_025), (2.0, 1.0)),
        (Side.SELL, (649_950, 649_000), (650_000, 648_975), (2.0, 1.0)),
        (Side.BUY, (650_000, 651_000), (650_000, 651_000), (0.0, 0.0)),
        (Side.SELL, (650_025, 649_000), (650_000, 649_050), (-1.0, -2.0)),
    ],
)
def test_slippage_is_how_much_worse_the_first_was_filled(
    side: Side, first: tuple[int, int], second: tuple[int, int], ticks: tuple[float, float]
) -> None:
    found = both(of(traded("a", 1, *first, side=side)), of(traded("b", 1, *second, side=side)))
    (pair,) = found.pairs
    assert (pair.entry_ticks, pair.exit_ticks) == ticks
    assert pair.slippage == round(sum(ticks) * 0.25 * 5 * 2 * MICROS)  # ticks of a quarter point, 5 USD a point, two contracts
    assert pair.first.net - pair.second.net == -pair.slippage  # with the same fees
    assert (pair.config, pair.symbol, pair.side, pair.end) == ("demo", "MES", side, END + MINUTE)
    assert not found.singles


def test_sizes_that_differ_compare_what_both_traded() -> None:
    found = both(of(traded("a", 1, 650_025, 651_000, quantity=3)), of(traded("b", 1, 650_000, 651_000, quantity=1)))
    (pair,) = found.pairs
    assert (pair.first.quantity, pair.second.quantity) == (3, 1)
    assert pair.slippage == round(0.25 * 5 * MICROS)


def test_a_trade_that_runs_has_no_exit_yet() -> None:
    trade = intended(1, journal="b")
    running: list[Fact] = [*raised("b", 1), trade, filled(trade, Side.BUY, 2, 650_000, at=END)]
    (pair,) = both(of(traded("a", 1, 650_025, 651_000)), of(running)).pairs
    assert (pair.exit_ticks, pair.second.status, pair.second.exit) == (None, RUNNING, None)
    assert pair.slippage == round(0.25 * 5 * 2 * MICROS)


def test_what_only_one_took_says_why() -> None:
    refused = [
        *raised("b", 1),
        SignalClosed("b-s1", "FAILED", "stale", Refused("data_trust", 1.0, 0.0, "MES 15min is STALE")),
        *raised("b", 2),
        intended(2, journal="b"),
        looked(3, verdict="no setup"),
        looked(5),
    ]
    first = of(*(traded("a", number, 650_000, 651_000) for number in (1, 2, 3, 4, 6)))
    found = both(first, of(refused))
    assert [(one.rule, one.why) for one in found.singles] == [
        ("data_trust", "MES 15min is STALE"),
        ("no_fill", "its entry was not filled"),
        ("no_signal", "no signal: no setup"),
        ("no_look", "it did not look at that bar"),
        ("away", "it had ended"),
    ]
    assert all(one.first for one in found.singles)
    turned = both(of(refused), first)
    assert [(one.rule, one.first) for one in turned.singles] == [(one.rule, False) for one in found.singles]
    (other,) = both(of(traded("a", 1, 650_000, 651_000)), of([looked(1, config="else")])).singles
    assert other.rule == "not_run"


def test_signals_that_neither_took_are_counted_and_versions_that_differ_are_named() -> None:
    first = of(raised("a", 1), raised("a", 2, version="v2"))
    found = both(first, of(raised("b", 1)))
    assert (found.refused, found.pairs, found.singles, found.versions) == (1, [], [], ["demo"])


def test_trades_by_hand_are_left_out_and_counted() -> None:
    trade = intended(7, journal="a", config="manual")
    hand: list[Fact] = [trade, filled(trade, Side.BUY, 2, 650_000, at=END)]
    found = both(of(traded("a", 1, 650_000, 651_000), hand), of(traded("b", 1, 650_000, 651_000)))
    assert (found.others, len(found.pairs)) == ((1, 0), 1)


def test_totals_add_up_to_both_runs() -> None:
    found = both(
        of(traded("a", 1, 650_025, 651_000), traded("a", 2, 650_000, 650_500)), of(traded("b", 1, 650_000, 651_000), [looked(2)])
    )
    assert {name: (ours, theirs) for name, ours, theirs in totals(found)} == {
        "charges": (1_240_000, 1_240_000),
        "net": (97_500_000 - 1_240_000, 100_000_000 - 1_240_000),
        "net alone": (50_000_000 - 1_240_000, 0),
    }
