"""The shipped reference rule set through the whole core: trades and equity, exactly those that other engines reached."""

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from benchmarks import reference_data as reference
from benchmarks.reference_loop import Trade, fused
from tests.golden.records import facts_of
from theo.domain.facts import Filled
from theo.domain.instrument import MICROS
from theo.domain.journal import Record
from theo.domain.market_data import MINUTE
from theo.drive.backtest import LookAhead, backtest, merged
from theo.engine.account import equity
from theo.research.ahead import columns_ahead

OTHER_SEED = 20_261


@pytest.fixture(scope="module")
def generator(real_data: Path) -> ModuleType:
    found = reference.generator(real_data)
    if found is None:
        pytest.skip(f"no reference strategy beside {real_data}")
    return found


@pytest.fixture(scope="module")
def seeded(generator: ModuleType) -> dict[str, Any]:
    longest: dict[str, Any] = generator.bars(100_000)
    return longest


def through_the_core(raw: dict[str, Any], look: LookAhead | None = None) -> tuple[list[Trade], int, str]:
    """The trades as the reference counts them, read from the journal; the final equity in micros; the journal's last hash."""
    primary, partner = reference.bars(raw)
    records: list[Record] = []
    done = backtest(reference.plan(len(primary)), merged([primary, partner]), records.extend, ahead=look)
    fills = [fact for fact in facts_of(records) if isinstance(fact, Filled)]
    entries, exits = fills[::2], fills[1::2]
    assert all(entry.trade == left.trade for entry, left in zip(entries, exits, strict=False))
    trades = [
        (_bar(entry), _bar(left), entry.side.sign * entry.quantity, entry.price, left.price)
        for entry, left in zip(entries, exits, strict=False)
    ]
    return trades, equity(done.core.state, done.core.world), records[-1].hash.hex()


def _bar(fill: Filled) -> int:
    return (fill.timestamp - reference.BEGINS) // MINUTE


@pytest.mark.parametrize("count", [10_000, 100_000])
def test_trades_and_equity_are_those_of_the_reference(real_data: Path, seeded: dict[str, Any], count: int) -> None:
    expected = json.loads((real_data.resolve().parent / "reference" / "expected.json").read_text())[str(count)]
    trades, worth, _ = through_the_core({name: column[:count] for name, column in seeded.items()}, columns_ahead)
    assert len(trades) == expected["trades"]
    first = [[e, x, quantity, round(p * 10_000), round(q * 10_000)] for e, x, quantity, p, q in expected["first_trades"]]
    assert [list(trade) for trade in trades[: len(first)]] == first
    assert worth == round(expected["equity"] * MICROS)


def test_another_seed_trades_as_the_plain_loop(generator: ModuleType) -> None:
    raw = generator.bars(20_000, seed=OTHER_SEED)
    trades, worth, last = through_the_core(raw)
    assert through_the_core(raw, columns_ahead) == (trades, worth, last)
    expected, equity_end = fused(reference.columns(raw))
    assert len(expected) > 100
    assert trades == expected
    assert worth == round(equity_end * MICROS)
