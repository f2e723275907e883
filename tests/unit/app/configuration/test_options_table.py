"""`[options.SYMBOL]`: points of each right, bounds of a quote, and what contradicts itself."""

from decimal import Decimal
from pathlib import Path

import pytest

from theo.app.configuration.file import configured
from theo.domain.errors import ConfigError
from theo.domain.market_data import SECOND
from theo.strategy.option_choice import CategorySplit
from theo.strategy.option_front import OptionBounds


def read(folder: Path, text: str) -> Path:
    (folder / "theo.toml").write_text(text, encoding="utf-8")
    return folder / "theo.toml"


def test_a_right_has_its_own_points_where_it_names_them(tmp_path: Path) -> None:
    text = """
[options.SPY]
near = 5
far = 20
put = { far = 25.5 }
spread_percent_max = 4.0
size_min = 3
quote_seconds_max = 20
entry_seconds_max = 30
"""
    terms = configured(read(tmp_path, text)).options["SPY"]
    assert terms.splits == {
        "CALL": CategorySplit(Decimal(5), Decimal(20)),
        "PUT": CategorySplit(Decimal(5), Decimal("25.5")),
    }
    assert terms.bounds == OptionBounds(spread_percent_max=4.0, size_min=3, quote_max=20 * SECOND, entry_wait=30 * SECOND)


def test_an_empty_table_is_the_usual_one(tmp_path: Path) -> None:
    terms = configured(read(tmp_path, "[options.SPX]\n")).options["SPX"]
    assert set(terms.splits.values()) == {CategorySplit()}
    assert terms.bounds == OptionBounds()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("near = 20\nfar = 5", "near = 20 and far = 5, of a CALL"),
        ("put = { near = 200 }", "near = 200 and far = 200, of a PUT"),
        ("near = -1", "options.SPY.near"),
        ("put = { nearer = 3 }", "options.SPY.put"),
        ("size_min = 0", "options.SPY.size_min"),
        ("spread_percent_max = 0", "options.SPY.spread_percent_max"),
        ("quote_seconds_max = 0", "options.SPY.quote_seconds_max"),
        ("strikes = 3", "unknown key options.SPY.strikes"),
    ],
)
def test_what_cannot_be_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        configured(read(tmp_path, f"[options.SPY]\n{text}\n"))
