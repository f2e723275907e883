"""What doctor says of stored data: missing bars by session, and settlements far from the last trade."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.app.conftest import Theo
from theo.adapters.instruments.catalogue import catalogue
from theo.adapters.sql.market.store import SqlMarketStore
from theo.domain.market_data import SECOND, Bar, Tick, TickFlag, TickKind

HEADER = "start,open,high,low,close,volume"
DAYS = ("2019-01-04", "2019-01-07", "2019-01-08")  # a weekend between them
QUARTERS = 26  # of regular hours
SETTLED = 1_546_635_600_000_000  # 2019-01-04T21:00:00Z


def found(theo: Theo, home: Path, name: str) -> list[tuple[str, str]]:
    said = theo("--home", home, "doctor", "--json")
    return [(c["level"], c["text"]) for c in json.loads(said.out) if c["name"] == name]


def import_bars(theo: Theo, home: Path, left_out: set[tuple[str, int]]) -> None:
    rows = [HEADER]
    for day in DAYS:
        opens = datetime.fromisoformat(f"{day}T09:30:00-05:00")
        starts = [opens + n * timedelta(minutes=15) for n in range(QUARTERS) if (day, n) not in left_out]
        rows += [f"{start.isoformat()},100,101,99,100,9" for start in starts]
    (home / "bars.csv").write_text("\n".join(rows) + "\n")
    said = theo("--home", home, "import", "bars", home / "bars.csv", "--symbol", "SPY", "--timeframe", "15min")
    assert said.code == 0, said.err


@pytest.mark.parametrize(
    ("left_out", "level", "told"),
    [
        (set(), "OK", "78 bars in RTH hours, none missing within a session"),
        (
            {(DAYS[0], 25), (DAYS[1], 3), (DAYS[1], 4)},
            "WARN",
            "75 bars in RTH hours, 3 missing in 2 sessions; the most at once 2, from 2019-01-07 10:15 New York",
        ),
    ],
)
def test_missing_bars_are_counted_by_session(
    theo: Theo, tmp_path: Path, left_out: set[tuple[str, int]], level: str, told: str
) -> None:
    import_bars(theo, tmp_path, left_out)
    assert found(theo, tmp_path, "bars SPY 15min") == [(level, f"import:bars.csv: {told}")]


def test_nothing_stored_is_said(theo: Theo, tmp_path: Path) -> None:
    assert found(theo, tmp_path, "stored data") == [("OK", "none yet")]


def tick(seconds: int, kind: TickKind, price: int, flags: int = 0) -> Tick:
    at = SETTLED + seconds * SECOND
    return Tick(catalogue()["ES"].instrument.id, at, at, 0, int(kind), price, 1, flags, 0, "feed")


@pytest.mark.parametrize(("settlement", "differs"), [(253_000, False), (254_000, True)])
def test_a_settlement_is_compared_with_the_last_usable_trade(
    theo: Theo,
    tmp_path: Path,
    settlement: int,
    differs: bool,  # noqa: FBT001 - a parameter of pytest
) -> None:
    """ES has ticks of 0.25: 10 points are 40 of them."""
    store = SqlMarketStore(tmp_path)
    store.put_instruments([catalogue()["ES"].instrument])
    last, bad = tick(-2, TickKind.TRADE, 253_000), tick(-1, TickKind.TRADE, 400_000, int(TickFlag.OUTLIER))
    store.put_ticks([last, bad, tick(0, TickKind.SETTLEMENT, settlement), tick(1, TickKind.TRADE, 900_000)])
    store.close()
    expected = [("WARN", "2019-01-04 16:00 New York: 2,540.00, the last trade before it was 2,530.00, 40 ticks apart")]
    assert found(theo, tmp_path, "settlement ES") == (expected if differs else [])


def test_bars_of_an_instrument_that_nobody_knows_are_told(theo: Theo, tmp_path: Path) -> None:
    store = SqlMarketStore(tmp_path)
    store.put_bars([Bar(4_711, 900 * SECOND, "15min", 0, 900 * SECOND, 1, 1, 1, 1, 1, "mine")])
    store.close()
    assert found(theo, tmp_path, "stored data") == [("WARN", "instrument 4711, whose bars are stored, is not known")]
