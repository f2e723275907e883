import json
from pathlib import Path

import pytest

from tests.unit.app.conftest import Theo

BARS = """start,open,high,low,close,volume
2019-01-04T09:30:00-05:00,100.00,101.00,99.50,100.50,10
2019-01-04T09:45:00-05:00,100.50,100.75,100.25,100.25,20
"""
TICKS = """time,price,size
2019-01-04T14:30:00Z,100.00,5
2019-01-04T14:30:01Z,100.25,6
"""


def bars_file(folder: Path, text: str = BARS) -> Path:
    path = folder / "spy.csv"
    path.write_text(text)
    return path


def test_imported_bars_are_listed_as_they_are_in_the_file(theo: Theo, tmp_path: Path) -> None:
    file = bars_file(tmp_path)
    said = theo("--home", tmp_path, "import", "bars", file, "--symbol", "SPY", "--timeframe", "15min", "--json")
    assert said.code == 0, said.err
    report = json.loads(said.out)
    assert (report["symbol"], report["rows"], report["replaced"]) == ("SPY", 2, 0)
    assert (report["first"], report["last"]) == ("2019-01-04T14:30:00Z", "2019-01-04T14:45:00Z")
    (row,) = json.loads(theo("--home", tmp_path, "import", "list", "--json").out)
    assert row == {
        "symbol": "SPY",
        "timeframe": "15min",
        "source": "import:spy.csv",
        "bars": 2,
        "first": "2019-01-04T14:30:00Z",
        "last": "2019-01-04T14:45:00Z",
    }


def test_the_same_file_again_replaces_and_says_so(theo: Theo, tmp_path: Path) -> None:
    call = ("--home", tmp_path, "import", "bars", bars_file(tmp_path), "--symbol", "SPY", "--timeframe", "15min")
    assert "replaced" not in theo(*call).out
    assert "2 replaced what the same source held there" in theo(*call).out
    assert (
        "SPY     15min      import:spy.csv     2  2019-01-04 09:30  2019-01-04 09:45"
        in theo("--home", tmp_path, "import", "list").out
    )


def test_ticks(theo: Theo, tmp_path: Path) -> None:
    file = tmp_path / "ticks.csv"
    file.write_text(TICKS)
    said = theo("--home", tmp_path, "import", "ticks", file, "--symbol", "SPY", "--source", "mine")
    assert said.code == 0, said.err
    assert said.out == "2 ticks of SPY, 2019-01-04 09:30 to 2019-01-04 09:30 New York\nstored as mine\n"
    (row,) = json.loads(theo("--home", tmp_path, "import", "list", "--json").out)
    assert (row["symbol"], row["timeframe"]) == ("SPY", "ticks")
    assert (row["first"], row["last"]) == ("2019-01-04T14:30:00Z", "2019-01-04T14:30:01Z")


def test_a_split_brings_older_bars_to_the_new_scale(theo: Theo, tmp_path: Path) -> None:
    later = BARS + "2019-01-07T09:30:00-05:00,25.00,25.25,24.75,25.00,40\n"
    call = ("--home", tmp_path, "import", "bars", bars_file(tmp_path, later), "--symbol", "SPY", "--timeframe", "15min")
    assert theo(*call, "--split", "2019-01-07:4:1").code == 0
    from theo.adapters.sql.market.store import SqlMarketStore
    from theo.ports.market_store import BarRange

    store = SqlMarketStore(tmp_path)
    spy = next(i for i in store.instruments() if i.symbol == "SPY")
    closes = [spy.decimal(bar.close) for bar in store.bars(BarRange(instrument=spy.id, timeframe="15min"))]
    store.close()
    assert [float(close) for close in closes] == [100.5 / 4, round(100.25 / 4, 4), 25.0]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--symbol", "NONE", "--timeframe", "15min"), "symbol 'NONE' is not known"),
        (("--symbol", "SPY", "--timeframe", "7min"), "timeframe '7min' is not known"),
        (("--symbol", "SPY", "--timeframe", "15min", "--zone", "Mars/Base"), "'Mars/Base' is no time zone"),
        (("--symbol", "SPY", "--timeframe", "15min", "--split", "2019:4"), "DATE:NEW:OLD"),
        (("--symbol", "SPY", "--timeframe", "15min", "--column", "close"), "OURS=THEIRS"),
        (("--symbol", "SPY", "--timeframe", "15min", "--column", "close=Clse"), "Clse"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_two(theo: Theo, tmp_path: Path, options: tuple[str, ...], told: str) -> None:
    said = theo("--home", tmp_path, "import", "bars", bars_file(tmp_path), *options)
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert said.err.startswith("error: ")
    assert told in said.err


def test_a_wrong_row_imports_nothing(theo: Theo, tmp_path: Path) -> None:
    file = bars_file(tmp_path, BARS.replace("99.50", "-1"))
    said = theo("--home", tmp_path, "import", "bars", file, "--symbol", "SPY", "--timeframe", "15min")
    assert said.code == 2
    assert "spy.csv" in said.err
    assert json.loads(theo("--home", tmp_path, "import", "list", "--json").out) == []
