import csv
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from scipy import stats

from tests.api.conftest import Served
from tests.api.home import QUARTER, starts
from theo.market.standard_levels import LevelSettings

DATA = "/api/market-data"
SPY = f"{DATA}/bars?symbol=SPY&timeframe=15min"


def rows(served: Served, symbol: str) -> list[dict[str, str]]:
    """The file that was imported, as its own reader tells it."""
    with (served.home.parent / f"{symbol.lower()}.csv").open() as file:
        return list(csv.DictReader(file))


def all_pages(served: Served, path: str, what: str) -> list[list[Any]]:
    """Every page of a question."""
    pages, cursor = [], ""
    while True:
        answered = served.get(path + (f"&cursor={cursor}" if cursor else ""))
        assert answered.status == 200, answered.body
        pages.append(answered.body[what])
        cursor = answered.body["next"]
        if cursor is None:
            return pages


def test_bars_page_by_page_are_those_of_the_file(served: Served) -> None:
    pages = all_pages(served, f"{SPY}&limit=50", "bars")
    assert {len(page) for page in pages[:-1]} == {50}
    found = [bar for page in pages for bar in page]
    expected = rows(served, "SPY")
    assert [datetime.fromisoformat(bar["start"]) for bar in found] == starts()
    assert len(found) == len(expected) == len(starts())
    for bar, row in zip(found, expected, strict=True):
        for name in ("open", "high", "low", "close"):
            assert Decimal(bar[name]) == Decimal(row[name])
        assert (bar["volume"], bar["source"]) == (int(row["volume"]), "import:spy.csv")
        assert datetime.fromisoformat(bar["end"]) - datetime.fromisoformat(bar["start"]) == QUARTER


def test_a_range_holds_what_starts_in_it(served: Served) -> None:
    first, last = starts()[30], starts()[40]
    asked = f"{SPY}&from={quote(first.isoformat())}&to={quote(last.isoformat())}&limit=4"
    found = [bar["start"] for page in all_pages(served, asked, "bars") for bar in page]
    assert [datetime.fromisoformat(start) for start in found] == starts()[30:40]


def test_the_newest_bars_before_a_time(served: Served) -> None:
    until = starts()[100]
    answered = served.get(f"{SPY}&newest=true&limit=7&to={quote(until.isoformat())}")
    assert [datetime.fromisoformat(bar["start"]) for bar in answered.body["bars"]] == starts()[93:100]
    assert answered.body["next"] is None


def test_a_cursor_of_another_question_is_refused(served: Served) -> None:
    cursor = served.get(f"{SPY}&limit=5").body["next"]
    assert served.get(f"{SPY}&limit=9&cursor={cursor}").status == 200  # the size of a page may change
    refused = served.get(f"{DATA}/bars?symbol=VIX&timeframe=15min&cursor={cursor}")
    assert (refused.status, refused.body["where"]) == (422, "cursor")


@pytest.mark.parametrize(
    ("path", "status", "where"),
    [
        ("/bars?symbol=SPYY&timeframe=15min", 404, "symbol"),
        ("/bars?symbol=SPY&timeframe=7min", 422, ""),
        ("/bars?symbol=SPY&timeframe=15min&limit=0", 422, "query.limit"),
        ("/bars?symbol=SPY&timeframe=15min&from=2019-01-07", 422, "query.from"),
        ("/bars?symbol=SPY&timeframe=15min&from=20190107", 422, "query.from"),
        ("/bars?symbol=SPY&timeframe=15min&form=2019-01-07T00:00:00Z", 422, "query.form"),
        ("/bars?symbol=SPY&timeframe=15min&from=2019-01-08T00:00:00Z&to=2019-01-07T00:00:00Z", 422, "query.to"),
        ("/bars?symbol=SPY&timeframe=15min&cursor=nonsense", 422, "cursor"),
        ("/bars?symbol=SPY&timeframe=15min&newest=true&from=2019-01-07T00:00:00Z", 422, "query.newest"),
        ("/correlation?symbols=SPY&timeframe=15min", 422, "query.symbols"),
        ("/correlation?symbols=SPY,VIX&timeframe=15min&window=10&minimum=30", 422, ""),
        ("/levels?symbol=SPY&timeframe=15min&name=atr", 422, "query.name"),
        ("/levels?symbol=ES&timeframe=15min", 404, "symbol"),
    ],
)
def test_what_cannot_be_asked_is_said_with_its_place(served: Served, path: str, status: int, where: str) -> None:
    answered = served.get(DATA + path)
    assert (answered.status, answered.body["where"]) == (status, where)
    assert answered.headers["content-type"] == "application/problem+json"
    assert answered.body["detail"]


def test_a_misspelt_symbol_is_answered_with_the_likely_one(served: Served) -> None:
    assert served.get(f"{DATA}/bars?symbol=SPYY&timeframe=15min").body["remedy"] == "Did you mean 'SPY'?"


@pytest.mark.parametrize(("method", "window"), [("pearson", 50), ("spearman", 40), ("kendall", 30)])
def test_the_matrix_is_what_scipy_finds_in_the_file(served: Served, method: str, window: int) -> None:
    at = starts()[200] + timedelta(minutes=15)
    path = f"{DATA}/correlation?symbols=SPY,VIX&timeframe=15min&method={method}&window={window}&at={quote(at.isoformat())}"
    (cell,) = served.get(path).body["cells"]
    assert datetime.fromisoformat(cell["end"]) == at
    closes = [np.array([float(row["close"]) for row in rows(served, symbol)[:201]]) for symbol in ("SPY", "VIX")]
    follows = np.diff([start.timestamp() for start in starts()[:201]]) == QUARTER.total_seconds()
    x, y = (np.diff(np.log(column))[follows][-window:] for column in closes)
    oracle = {"pearson": stats.pearsonr, "spearman": stats.spearmanr, "kendall": stats.kendalltau}[method]
    assert cell["value"] == pytest.approx(oracle(x, y).statistic, abs=1e-9)


def test_each_series_and_instrument_is_told(served: Served) -> None:
    series = {one["symbol"]: one for one in served.get(f"{DATA}/status").body["series"]}
    assert set(series) == {"SPY", "VIX"}
    assert [datetime.fromisoformat(series["SPY"][name]) for name in ("first", "last")] == [starts()[0], starts()[-1]]
    found = {one["symbol"]: one for one in served.get(f"{DATA}/instruments").body["instruments"]}
    assert Decimal(found["SPY"]["tick"]) == Decimal("0.01")
    assert not found["VIX"]["tradable"]


def test_levels_page_by_page_are_the_channel_of_the_file(served: Served) -> None:
    pages = all_pages(served, f"{DATA}/levels?symbol=SPY&timeframe=15min&limit=100", "levels")
    found = [row for page in pages for row in page]
    assert [datetime.fromisoformat(row["start"]) for row in found] == starts()
    highs = [Decimal(row["high"]) for row in rows(served, "SPY")]
    for number, row in enumerate(found):
        told = row["prices"]["donchian_high"]
        assert (None if told is None else Decimal(told)) == (max(highs[number - 19 : number + 1]) if number >= 19 else None)


@pytest.mark.parametrize("of_frame", ["", "&timeframe=15min"])
def test_what_became_known_is_told_page_by_page_newest_first_as_the_file_has_it(served: Served, of_frame: str) -> None:
    pages = all_pages(served, f"{DATA}/levels/new?symbol=SPY&limit=3{of_frame}", "levels")
    assert len(pages) > 3
    told = [row for page in pages for row in page]
    assert [row["known_at"] for row in told] == sorted((row["known_at"] for row in told), reverse=True)
    k = LevelSettings().k
    expected = set()
    bars = rows(served, "SPY")
    for level, column, sign in (("SH", "high", 1), ("SL", "low", -1)):
        values = [sign * Decimal(row[column]) for row in bars]
        for at in range(k, len(values) - k):
            if values[at] > max(*values[at - k : at], *values[at + 1 : at + k + 1]):
                expected.add((level, Decimal(bars[at][column]), starts()[at], starts()[at + k] + QUARTER))
    times = [[datetime.fromisoformat(row[name]) for name in ("bar", "known_at")] for row in told]
    found = [(row["level"], Decimal(row["price"]), *at) for row, at in zip(told, times, strict=True)]
    assert len(found) == len(set(found))
    assert set(found) == expected
    assert {(row["timeframe"], row["source"][:6]) for row in told} == {("15min", "import")}


def test_levels_of_what_has_none_are_an_empty_page(served: Served) -> None:
    assert served.get(f"{DATA}/levels/new?symbol=SPY&timeframe=1d").body == {"symbol": "SPY", "levels": [], "next": None}
    assert served.get(f"{DATA}/levels/new?symbol=SPYY").body["where"] == "symbol"
