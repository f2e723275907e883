"""The reference strategy as a plan, and its seeded bars from the generator beside the test data."""

import importlib.util
from collections.abc import Iterator
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import numpy as np

from benchmarks.reference_loop import TICK, Columns
from theo.adapters.calendars.tables import always_open, zone_offsets
from theo.domain.instrument import MICROS, Instrument, SecurityType
from theo.domain.keys import Key, Mode
from theo.domain.market_data import DAY, MINUTE, Bar
from theo.drive.assembly import Plan
from theo.risk.limits import UNLIMITED, Limits
from theo.strategy.loading import load_ruleset
from theo.venue.exchange import VenueSettings

FIRST_DAY = date(2020, 1, 1)
BEGINS = (FIRST_DAY - date(1970, 1, 1)).days * DAY
CASH = 1_000_000 * MICROS


def instrument(number: int, symbol: str) -> Instrument:
    """A stock on a grid of 0.0001, on a market that never closes."""
    kind = SecurityType.STK
    return Instrument(
        id=number, symbol=symbol, token=number, security_type=kind, exchange="SIM", calendar="ALWAYS", price_decimals=4, tick=1
    )


A, B = instrument(1001, "REF-A"), instrument(1002, "REF-B")


def generator(data: Path) -> ModuleType | None:
    """The generator's module, ``data``/../reference/gen.py; None where it is absent."""
    path = data.resolve().parent / "reference" / "gen.py"
    if not path.is_file():
        return None
    spec = importlib.util.spec_from_file_location("reference_gen", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def columns(raw: dict[str, np.ndarray]) -> Columns:
    """The generator's arrays in whole ticks."""
    return Columns(*(np.rint(raw[k] * TICK).astype(np.int64).tolist() for k in ("o", "h", "l", "c", "h2", "l2", "c2")))


def bars(raw: dict[str, np.ndarray]) -> tuple[list[Bar], list[Bar]]:
    """Both instruments' one-minute bars."""
    return list(_bars(A, raw, "")), list(_bars(B, raw, "2"))


def _bars(of: Instrument, raw: dict[str, np.ndarray], suffix: str) -> Iterator[Bar]:
    prices = np.rint(np.stack([raw[name + suffix] for name in "ohlc"], axis=1) * TICK).astype(np.int64)
    for n, (opened, high, low, close) in enumerate(prices.tolist()):
        start = BEGINS + n * MINUTE
        yield Bar(of.id, start + MINUTE, "1min", start, start + MINUTE, opened, high, low, close, 1)


def plan(count: int) -> Plan:
    """A backtest of the shipped rule set over ``count`` bars, without limits: the reference has none."""
    last = FIRST_DAY + timedelta(minutes=count) + timedelta(days=30)
    text = files("theo.strategy").joinpath("rulesets/reference-r2.toml").read_text(encoding="utf-8")
    first = FIRST_DAY - timedelta(days=7)
    return Plan(
        key=Key(account="SIM", mode=Mode.BACKTEST, run="reference"),
        journal="ref",
        build="test",
        cash=CASH,
        instruments={i.symbol: i for i in (A, B)},
        fees={"REF-A": "reference", "REF-B": "reference"},
        tables={"ALWAYS": always_open(first, last)},
        offsets=zone_offsets("America/New_York", first, last),
        rulesets=[(load_ruleset(text, "reference-r2.toml"), text)],
        limits=Limits(**dict.fromkeys(Limits.__struct_fields__, UNLIMITED)),
        venue=VenueSettings(limit_fills="touch"),
    )
