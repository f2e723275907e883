"""Indicators beside files that others published (THEO_TEST_DATA/reference), each to the digits that its file shows.

Not used, as there is no such indicator here: directional movement (``lean_spy_with_adx`` beyond its true ranges, ``test_adx``),
widths and centres of channels, and averages of opens (``test_ema``, ``test_custom``). ``quotes_bad`` is not among the
published quotes.
"""

import csv
import gzip
import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from math import isnan
from pathlib import Path
from typing import Any

import pytest

from tests.unit.market.indicator_runs import Prices, bars, value, values
from theo.domain.market_data import Bar

UNITS = 10_000  # price units in 1.0: every file shows at most four decimals


class Table:
    """A file's rows: bars in price units, and its columns of results (NaN where empty)."""

    def __init__(self, path: Path) -> None:
        raw = path.read_bytes()
        lines = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode().splitlines()
        self._rows = [{name.lower(): text for name, text in row.items()} for row in csv.DictReader(lines)]
        self.bars: list[Bar] = bars(self._prices(row) for row in self._rows)

    @staticmethod
    def _prices(row: dict[str, str]) -> Prices:
        high, low, close = (Decimal(row[name]) * UNITS for name in ("high", "low", "close"))
        return int(high), int(low), int(close)

    def column(self, name: str) -> list[float]:
        return [float(row[name.lower()] or "nan") for row in self._rows]


@pytest.fixture
def table(real_data: Path) -> Callable[[str], Table]:
    return lambda name: Table(real_data / "reference" / name)


def money(numbers: Sequence[float]) -> list[float]:
    return [number / UNITS for number in numbers]


def close_to(ours: Sequence[float], theirs: Sequence[float], tolerance: float) -> None:
    """The same rows are empty, and all others agree."""
    assert len(ours) == len(theirs)
    far = [
        (row, a, b)
        for row, (a, b) in enumerate(zip(ours, theirs, strict=True))
        if not (isnan(a) and isnan(b)) and not abs(a - b) <= tolerance
    ]
    assert far == []


def test_mean_of_true_ranges(table: Callable[[str], Table]) -> None:
    """The file's means were taken of prices with more digits than it shows."""
    file = table("lean_spy_atr.txt.gz")
    close_to(money(value("atr(14, smoothing=mean)", file.bars)), file.column("Average True Range 14"), 1e-5)


def test_wilders_average_differs_by_the_first_bar_alone(table: Callable[[str], Table]) -> None:
    """The file gives the first bar a true range, high - low; what that adds falls by 13/14 a bar, and nothing else differs."""
    file = table("lean_spy_atr_wilder.txt.gz")
    ours, theirs = money(value("atr(14)", file.bars)), file.column("Average True Range 14")
    assert isnan(ours[13])
    assert not isnan(theirs[13])
    first = ours[14] - theirs[14]
    assert 0.01 < abs(first) < 0.1
    expected = [theirs[row] + first * (13 / 14) ** (row - 14) for row in range(14, len(theirs))]
    close_to(ours[14:], expected, 2e-5)
    close_to(ours[150:], theirs[150:], 1e-5)


def test_normalised_range_is_of_the_same_average(table: Callable[[str], Table]) -> None:
    file = table("lean_spy_natr.txt.gz")
    normal = [100 * average / each.close for average, each in zip(value("atr(5)", file.bars), file.bars, strict=True)]
    close_to(normal, file.column("NATR_5"), 1e-9)


def test_true_range_and_its_smoothed_sum(table: Callable[[str], Table]) -> None:
    """The file shows two decimals; Wilder's smoothed sum of 14 is 14 times his average."""
    file = table("lean_spy_with_adx.txt.gz")
    close_to(money(value("true_range", file.bars)), file.column("TR"), 0.01)
    close_to([14 * average / UNITS for average in value("atr(14)", file.bars)], file.column("TR14"), 0.01)


def test_extremes_of_closes(table: Callable[[str], Table]) -> None:
    for name, column, text in (("max", "MAX_5", "highest(5)"), ("min", "MIN_5", "lowest(5)")):
        file = table(f"lean_spy_{name}.txt.gz")
        closes = bars((each.close, each.close, each.close) for each in file.bars)
        close_to(money(value(text, closes)), file.column(column), 1e-9)


def test_channel(table: Callable[[str], Table]) -> None:
    """The file begins with shorter windows, where there is no value here; its last row is of a day that had not ended."""
    file = table("lean_spy_with_don50.txt.gz")
    ours = values("donchian(50)", file.bars)
    assert all(isnan(edge) for edge in ours["upper"][:49] + ours["lower"][:49])
    for mine, theirs in (("upper", "Donchian Channels 50 Top"), ("lower", "Donchian Channels 50 Bottom")):
        close_to(money(ours[mine])[49:-1], file.column(theirs)[49:-1], 1e-9)


def test_fractals_are_known_when_the_file_knows_them(table: Callable[[str], Table]) -> None:
    """1: a high that the ten bars on each side do not reach became known with this bar; -1: such a low; 2: both."""
    file = table("lean_spy_pivot_pnt_hl.txt.gz")
    ours = values("fractal(10)", file.bars)
    code = {(True, True): 0.0, (False, True): 1.0, (True, False): -1.0, (False, False): 2.0}
    assert [code[isnan(high), isnan(low)] for high, low in zip(ours["high"], ours["low"], strict=True)] == file.column("PPHL")


def asserted(real_data: Path, group: str, call: str) -> list[dict[str, Any]]:
    """What a test of another library demands of one call."""
    found = json.loads((real_data / "reference" / "si_expected.json").read_text())["asserts"][group]
    return [each for each in found if each["call"] == call]


OUTPUTS = {
    ("test_tr", "indicators.get_tr(quotes)"): {"tr": ("true_range", "value")},
    ("test_atr", "indicators.get_atr(quotes, 14)"): {"atr": ("atr(14)", "value")},
    ("test_ema", "indicators.get_ema(quotes, 20)"): {"ema": ("ema(20)", "value")},
    ("test_donchian", "indicators.get_donchian(quotes, 20)"): {
        "upper_band": ("donchian(20)", "upper"),
        "lower_band": ("donchian(20)", "lower"),
    },
    ("test_fractal", "indicators.get_fractal(quotes)"): {
        "fractal_bear": ("fractal(2)", "high"),
        "fractal_bull": ("fractal(2)", "low"),
    },
    ("test_fractal", "indicators.get_fractal(quotes, 4, 4, EndType.HIGH_LOW)"): {
        "fractal_bear": ("fractal(4)", "high"),
        "fractal_bull": ("fractal(4)", "low"),
    },
}


def placed(text: str, output: str, of: Sequence[Bar]) -> list[float]:
    """Values at the rows where that library shows them: channels a bar later, fractals at the bar that is one."""
    ours = money(values(text, of)[output])
    if text.startswith("donchian"):
        return [float("nan"), *ours[:-1]]
    if text.startswith("fractal"):
        k = int(text[-2])
        return ours[k:] + [float("nan")] * k
    return ours


@pytest.mark.parametrize(("group", "call"), OUTPUTS)
def test_values_that_another_library_demands(real_data: Path, table: Callable[[str], Table], group: str, call: str) -> None:
    file = table("si_quotes_default_spy_2017_2018.csv")
    demanded = asserted(real_data, group, call)
    checked = 0
    for field, (text, output) in OUTPUTS[group, call].items():
        ours = placed(text, output, file.bars)
        for each in demanded:
            if each.get("field") == field:
                here = ours[each["index"]]
                shown = None if isnan(here) else round(here, each.get("round", 10))
                assert shown == each["value"], each
                checked += 1
            elif each.get("count", "").startswith(f"list(filter(lambda x: x.{field}"):
                assert len([number for number in ours if not isnan(number)]) == each["value"], each
                checked += 1
    assert checked >= 3
