"""The reference strategy, decided here by numpy alone and filled by the exchange: its trades and its equity, exactly.

Specification, data generator and expected results lie beside the test data (THEO_TEST_DATA/../reference).
"""

import importlib.util
import json
import os
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
import pytest

from theo.domain.instrument import MICROS, Instrument, SecurityType
from theo.domain.market_data import MINUTE, Bar
from theo.domain.orders import OcaType, Order, OrderRole, OrderType, Side, Ticket, TimeInForce
from theo.domain.reports import OrderFilled
from theo.venue.exchange import Venue, VenueSettings
from theo.venue.fees import SCHEDULES

BARS = 10_000
DONCHIAN, ATR, CORRELATION, THRESHOLD, QUANTITY = 20, 14, 50, 0.85, 1000
START_MICROS = 1_000_000 * MICROS
STOCK = Instrument(
    id=1, symbol="A", token=1, security_type=SecurityType.STK, exchange="SIM", calendar="ALWAYS", price_decimals=4, tick=1
)


class Signal(NamedTuple):
    """What may be opened at the close of a bar: direction, stop and target in ticks."""

    side: Side
    stop: int
    target: int


@pytest.fixture(scope="module")
def folder() -> Path:
    data = os.environ.get("THEO_TEST_DATA")
    if not data:
        pytest.skip("THEO_TEST_DATA is not set")
    found = Path(data).resolve().parent / "reference"
    if not (found / "gen.py").is_file():
        pytest.skip(f"no reference strategy at {found}")
    return found


def _generator(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference_gen", folder / "gen.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _signals(raw: dict[str, np.ndarray]) -> dict[int, Signal]:
    """Every bar at whose close the rules of the specification hold, position or not."""
    window = np.lib.stride_tricks.sliding_window_view
    ticks = {name: np.rint(raw[name] * 10_000).astype(np.int64) for name in ("h", "l", "c", "h2", "l2", "c2")}
    high, low, close = ticks["h"], ticks["l"], ticks["c"]
    ranges = np.maximum(high[1:], close[:-1]) - np.minimum(low[1:], close[:-1])
    changes, changes2 = np.diff(raw["c"]), np.diff(raw["c2"])
    found = {}
    for t in range(CORRELATION + 1, len(close)):
        before = slice(t - DONCHIAN, t)
        up = close[t] > high[before].max() and ticks["c2"][t] < ticks["l2"][before].min()
        down = close[t] < low[before].min() and ticks["c2"][t] > ticks["h2"][before].max()
        if up or down:
            r = np.corrcoef(window(changes, CORRELATION)[t - CORRELATION], window(changes2, CORRELATION)[t - CORRELATION])[0, 1]
            if abs(r) > THRESHOLD:
                side = Side.BUY if up else Side.SELL
                total = int(ranges[t - ATR : t].sum())
                found[t] = Signal(
                    side, _level(int(close[t]), -2 * side.sign * total), _level(int(close[t]), 3 * side.sign * total)
                )
    return found


def _level(close: int, scaled: int) -> int:
    """floor(close + scaled / 14 + 0.5), in whole numbers."""
    return close + (2 * scaled + ATR) // (2 * ATR)


def _order(name: str, side: Side, kind: OrderType, **rest: object) -> Order:
    fixed = {"account": "", "instrument": 1, "quantity": QUANTITY, "tif": TimeInForce.GTC, "role": OrderRole.ENTRY, "trade": name}
    return Order(id=name, side=side, type=kind, **(fixed | rest))  # type: ignore[arg-type]  # parts of one order


def _bracket(t: int, signal: Signal) -> Ticket:
    tied = {"parent": f"{t}", "oca_group": f"{t}", "oca_type": OcaType.REDUCE_NON_BLOCK}
    leave = signal.side.opposite
    return Ticket(
        (
            _order(f"{t}", signal.side, OrderType.MARKET),
            _order(f"{t}-stop", leave, OrderType.STOP, stop=signal.stop, **tied),
            _order(f"{t}-target", leave, OrderType.LIMIT, limit=signal.target, **tied),
        )
    )


def test_trades_and_equity_are_those_of_the_reference(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text())[f"{BARS}"]
    raw = _generator(folder).bars(BARS)
    signals = _signals(raw)
    exchange = Venue({1: STOCK}, {}, {1: SCHEDULES["reference"]}, VenueSettings(limit_fills="touch"))
    prices = np.rint(np.stack([raw[name] for name in "ohlc"], axis=1) * 10_000).astype(np.int64).tolist()
    fills: list[tuple[int, OrderFilled]] = []
    for t, (opened, high, low, close) in enumerate(prices):
        said = exchange.on_bar(Bar(1, (t + 1) * MINUTE, "1min", t * MINUTE, (t + 1) * MINUTE, opened, high, low, close, 1))
        fills += [(t, report) for report in said if isinstance(report, OrderFilled)]
        flat = not exchange.books.positions.get(1)
        if flat and t in signals and t + 1 < BARS:
            exchange.place(_bracket(t, signals[t]), (t + 1) * MINUTE)
    trades = [
        [entered, left, float(signals[int(entry.order)].side.sign * QUANTITY), entry.price / 10_000, exit_.price / 10_000]
        for (entered, entry), (left, exit_) in zip(fills[::2], fills[1::2], strict=False)
    ]
    assert len(trades) == expected["trades"]
    assert trades[: len(expected["first_trades"])] == expected["first_trades"]
    marked = exchange.books.positions[1] * prices[-1][3] * STOCK.unit_value
    assert START_MICROS + exchange.books.cash + marked == round(expected["equity"] * MICROS)
