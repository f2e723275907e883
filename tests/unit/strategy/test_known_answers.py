"""The correlation strategy on real data and on the reference bars, against published counts and trades."""

import importlib.util
import json
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest

from tests.unit.strategy.markets import SPY, VIX, Market, bound
from theo.domain.instrument import Instrument, SecurityType
from theo.domain.market_data import MINUTE, Bar
from theo.domain.signals import Evaluation, Proposal
from theo.strategy.explain import contradictions
from theo.strategy.loading import load_ruleset
from theo.strategy.ruleset import RuleSet

MICROSECONDS_IN_NS = 1_000


def shipped(name: str) -> RuleSet:
    text = files("theo.strategy").joinpath(f"rulesets/{name}").read_text(encoding="utf-8")
    return load_ruleset(text, name)


def stored_bars(folder: Path, name: str, instrument: Instrument) -> list[Bar]:
    import duckdb

    sql = "select epoch_us(ts_start), epoch_us(ts_end), open, high, low, close, volume from read_parquet(?) order by 1"
    rows = duckdb.connect().execute(sql, [str(folder / name)]).fetchall()
    units = instrument.units_nearest
    return [
        Bar(instrument.id, end, "15min", start, end, units(o), units(h), units(low), units(c), int(v or 0))
        for start, end, o, h, low, c, v in rows
    ]


def test_spy_and_vix_break_and_signal_as_counted(real_data: Path) -> None:
    spy = msgspec.structs.replace(SPY, price_decimals=4)  # the file has prices between whole cents
    bars = stored_bars(real_data, "spy_15m_ohlcv_2019.parquet", spy) + stored_bars(real_data, "vix_15m_ohlcv_2019.parquet", VIX)
    ruleset, market = shipped("spy-vix.toml"), Market(spy, VIX)
    strategy = bound(ruleset, market)
    seen = market.play(strategy, sorted(bars, key=lambda b: b.end), spy)
    words = strategy.conditions()
    up, down = (1 << at for at, said in enumerate(words) if " breaks " in said)
    assert sum(bool(one.truths & up) for one in seen) == 35
    assert sum(bool(one.truths & down) for one in seen) == 24
    assert sum(isinstance(one.action, Proposal) for one in seen) == 34
    assert [contradictions(ruleset, one) for one in seen] == [[]] * len(seen)


Trade = tuple[int, int, float, float, float]
REFERENCE_BARS = 10_000
UNITS = 10_000  # price units in 1.0


def reference_bars(folder: Path, a: Instrument, b: Instrument) -> list[tuple[Bar, Bar]]:
    spec = importlib.util.spec_from_file_location("gen", folder / "gen.py")
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    raw = generator.bars(REFERENCE_BARS)
    columns = [[round(x * UNITS) for x in raw[key].tolist()] for key in ("o", "h", "l", "c", "o2", "h2", "l2", "c2")]
    starts = [ns // MICROSECONDS_IN_NS for ns in raw["ts"].tolist()]
    rows = zip(starts, *columns, strict=True)
    return [(minute(a, t, o, h, low, c), minute(b, t, o2, h2, l2, c2)) for t, o, h, low, c, o2, h2, l2, c2 in rows]


def minute(instrument: Instrument, start: int, o: int, h: int, low: int, c: int) -> Bar:
    return Bar(instrument.id, start + MINUTE, "1min", start, start + MINUTE, o, h, low, c, 1)


def exit_price(bar: Bar, side: int, stop: int, target: int) -> int | None:
    """Stop first; a gap through either fills at the open."""
    if side > 0:
        if bar.low <= stop:
            return min(stop, bar.open)
        return max(target, bar.open) if bar.high >= target else None
    if bar.high >= stop:
        return max(stop, bar.open)
    return min(target, bar.open) if bar.low <= target else None


def traded(pairs: list[tuple[Bar, Bar]], market: Market, ruleset: RuleSet) -> tuple[list[Trade], list[Evaluation]]:
    strategy = bound(ruleset, market)
    trades: list[Trade] = []
    seen: list[Evaluation] = []
    pending: Proposal | None = None
    side = entry = entry_bar = stop = target = 0
    for at, (first, second) in enumerate(pairs):
        if pending is not None:
            assert pending.target is not None
            side, entry, entry_bar, stop, target = pending.side.sign, first.open, at, pending.stop, pending.target
            assert pending.quantity == 1_000
            pending = None
        price = exit_price(first, side, stop, target) if side else None
        if price is not None:
            trades.append((entry_bar, at, side * 1000.0, entry / UNITS, price / UNITS))
            side = 0
        market.book.on_bar(first)
        market.book.on_bar(second)
        seen.append(strategy.evaluate(first.end, side * 1_000))
        action = seen[-1].action
        pending = action if isinstance(action, Proposal) and not side else None
    return trades, seen


def test_the_reference_rule_set_makes_the_reference_trades(real_data: Path) -> None:
    folder = real_data.parent / "reference"
    if not folder.is_dir():
        pytest.skip("the reference bars are not beside the real data")
    a, b = (
        Instrument(id=at, symbol=symbol, token=at, security_type=SecurityType.STK, exchange="X", calendar="C", price_decimals=4)
        for at, symbol in ((91, "REF-A"), (92, "REF-B"))
    )
    expected = json.loads((folder / "expected.json").read_text())[str(REFERENCE_BARS)]
    ruleset = shipped("reference-r2.toml")
    trades, seen = traded(reference_bars(folder, a, b), Market(a, b), ruleset)
    assert len(trades) == expected["trades"]
    assert [list(trade) for trade in trades[: len(expected["first_trades"])]] == expected["first_trades"]
    assert [contradictions(ruleset, one) for one in seen[:500]] == [[]] * 500
