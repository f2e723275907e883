"""Wrong files and rule sets through the command line: exit code 2, one sentence that names the place, nothing half-imported."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.unit.app.conftest import Said, Theo

ROWS = 30
Rows = list[tuple[str, ...]]
HEADER = ("start", "open", "high", "low", "close", "volume")


def good_rows() -> Rows:
    """A morning and more of bars, in UTC."""
    times = [f"2019-01-04T{14 + (30 + 15 * n) // 60:02d}:{(30 + 15 * n) % 60:02d}:00Z" for n in range(ROWS)]
    return [(at, f"{250 + n}.00", f"{251 + n}.00", f"{249 + n}.00", f"{250 + n}.50", "100") for n, at in enumerate(times)]


def written(path: Path, rows: Rows, header: tuple[str, ...] = HEADER) -> Path:
    path.write_text("\n".join(",".join(row) for row in [header, *rows]) + "\n", encoding="utf-8")
    return path


def with_cell(row: int, column: str, value: str) -> Callable[[Rows], Rows]:
    def changed(rows: Rows) -> Rows:
        cells = list(rows[row])
        cells[HEADER.index(column)] = value
        return [*rows[:row], tuple(cells), *rows[row + 1 :]]

    return changed


def swapped(rows: Rows) -> Rows:
    return [*rows[:9], rows[10], rows[9], *rows[11:]]


def repeated(rows: Rows) -> Rows:
    return [*rows[:20], rows[19], *rows[20:]]


def zoneless(rows: Rows) -> Rows:
    return [(row[0].removesuffix("Z"), *row[1:]) for row in rows]


def import_spy(theo: Theo, home: Path, file: Path) -> Said:
    return theo("--home", home, "import", "bars", file, "--symbol", "SPY", "--timeframe", "15min", "--source", "mine")


def is_one_sentence(said: Said) -> bool:
    return said.code == 2 and said.out == "" and said.err.startswith("error: ") and said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (swapped, "row 11"),
        (repeated, "rows 20 and 21"),
        (zoneless, "zone"),
        (with_cell(25, "low", "-3.00"), "row 26"),
        (with_cell(25, "close", "nan"), "row 26"),
        (with_cell(25, "open", "0"), "row 26"),
        (with_cell(25, "high", "1.00"), "row 26"),
        (with_cell(25, "close", ""), "row 26"),
        (with_cell(25, "close", "inf"), "row 26"),
        (with_cell(25, "close", "many"), "row 26"),
        (with_cell(25, "volume", "-1"), "row 26"),
    ],
    ids=["unsorted", "duplicate", "no zone", "negative", "NaN", "zero", "high below low", "empty", "infinite", "text", "volume"],
)
def test_a_wrong_row_leaves_the_store_as_it_was(theo: Theo, tmp_path: Path, wrong: Callable[[Rows], Rows], told: str) -> None:
    """Twenty good bars of the same source are there already; the file would replace and extend them."""
    home, file = tmp_path / "home", tmp_path / "spy.csv"
    assert import_spy(theo, home, written(file, good_rows()[:20])).code == 0
    before = theo("--home", home, "import", "list", "--json").out

    said = import_spy(theo, home, written(file, wrong(good_rows())))
    assert is_one_sentence(said), said.err
    assert str(file) in said.err
    assert told in said.err
    assert theo("--home", home, "import", "list", "--json").out == before
    assert json.loads(before)[0]["bars"] == 20


def parquet(path: Path, rows: Rows) -> bytes:
    """The rows as a Parquet file of several row groups; its bytes."""
    import duckdb

    source = written(path.with_suffix(".csv"), rows)
    options = "FORMAT parquet, ROW_GROUP_SIZE 2048"
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"COPY (SELECT * FROM read_csv('{source}')) TO '{path}' ({options})")  # noqa: S608 - the test's own
    return path.read_bytes()


@pytest.mark.parametrize("part", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_parquet_file(theo: Theo, tmp_path: Path, part: float) -> None:
    home, file = tmp_path / "home", tmp_path / "spy.parquet"
    whole = parquet(file, good_rows())
    assert import_spy(theo, tmp_path / "other", file).code == 0, "the whole file is good"
    file.write_bytes(whole[: int(len(whole) * part)])
    said = import_spy(theo, home, file)
    assert is_one_sentence(said), said.err
    assert str(file) in said.err
    assert json.loads(theo("--home", home, "import", "list", "--json").out) == []


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (("start", "open", "high", "low", "final", "volume"), "close"),
        (("begin", "open", "high", "low", "close", "volume"), "time"),
        (("start", "open", "high", "lowest", "close", "volume"), "low"),
    ],
)
def test_wrong_columns(theo: Theo, tmp_path: Path, header: tuple[str, ...], told: str) -> None:
    said = import_spy(theo, tmp_path / "home", written(tmp_path / "spy.csv", good_rows(), header))
    assert is_one_sentence(said), said.err
    assert told in said.err


def test_no_file_and_no_table(theo: Theo, tmp_path: Path) -> None:
    assert is_one_sentence(import_spy(theo, tmp_path / "home", tmp_path / "none.csv"))
    (tmp_path / "noise.parquet").write_bytes(bytes(range(256)) * 40)
    assert is_one_sentence(import_spy(theo, tmp_path / "home", tmp_path / "noise.parquet"))


RULESET = """
name = "mine"
strategy = "rules"
timeframe = "15min"
target = "none"

[symbols]
primary = "{primary}"
partners = ["{partner}"]

[entry]
long = [{{ left = "correlation", op = ">", right = 0.7 }}]

[stop]
percent = 1.0
"""


def ruleset(folder: Path, text: str = RULESET, primary: str = "SPY", partner: str = "VIX") -> Path:
    path = folder / "mine.toml"
    path.write_text(text.format(primary=primary, partner=partner), encoding="utf-8")
    return path


def import_pair(theo: Theo, folder: Path) -> Path:
    home, file = folder / "home", written(folder / "bars.csv", good_rows())
    for symbol in ("SPY", "VIX"):
        assert theo("--home", home, "import", "bars", file, "--symbol", symbol, "--timeframe", "15min").code == 0
    return home


@pytest.mark.parametrize("command", ["backtest", "paper"])
def test_a_raw_positive_correlation_with_vix_is_warned_of_and_the_sign_explained(
    theo: Theo, tmp_path: Path, command: str
) -> None:
    said = theo("--home", import_pair(theo, tmp_path), command, ruleset(tmp_path), "--json")
    assert said.code == 0, said.err
    assert said.err.startswith("warning: mine: VIX correlation is above 0.7 can hardly come true")
    assert "SPY and VIX move against each other, so their correlation is negative" in said.err
    assert "at most -0.7" in said.err
    assert json.loads(said.out) == []


def test_a_relation_that_fits_warns_of_nothing(theo: Theo, tmp_path: Path) -> None:
    text = RULESET.replace('">", right = 0.7', '"<", right = -0.7')
    assert theo("--home", import_pair(theo, tmp_path), "backtest", ruleset(tmp_path, text)).err == ""


def test_an_order_for_vix_is_refused_with_its_reason(theo: Theo, tmp_path: Path) -> None:
    text = RULESET.replace('">", right = 0.7', '"<", right = -0.7')
    said = theo("--home", import_pair(theo, tmp_path), "backtest", ruleset(tmp_path, text, primary="VIX", partner="SPY"))
    assert is_one_sentence(said), said.err
    assert "VIX cannot be traded (an index is quoted by last only)" in said.err


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (("percent = 1.0", "percent = 1.0\nprecent = 2.0"), "stop.precent"),
        (('name = "mine"', 'name = "mine"\nleverage = 9'), "leverage"),
        (("right = 0.7", "right = 0.7, wrong = 1"), "wrong"),
        (('strategy = "rules"', 'strategy = "magic"'), "magic"),
        (('name = "mine"', 'name = "mine'), "TOML"),
    ],
    ids=["key of a table", "key of the file", "key of a condition", "choice", "no TOML"],
)
def test_a_wrong_rule_set_is_named_with_file_and_key(theo: Theo, tmp_path: Path, wrong: tuple[str, str], told: str) -> None:
    path = ruleset(tmp_path, RULESET.replace(*wrong))
    said = theo("--home", tmp_path / "home", "backtest", path)
    assert said.code == 2
    assert said.err.startswith("error: ")
    assert str(path) in said.err
    assert told in said.err
    assert "Traceback" not in said.err


def test_the_good_rows_are_good(theo: Theo, tmp_path: Path) -> None:
    rows = good_rows()
    assert all(one[0] < other[0] for one, other in pairwise(rows))
    assert import_spy(theo, tmp_path / "home", written(tmp_path / "spy.csv", rows)).code == 0


@pytest.mark.parametrize("name", ["mine.py:Mine", "mine.py"])
@pytest.mark.parametrize("command", ["backtest", "paper"])
def test_a_class_alone_is_no_rule_set(theo: Theo, tmp_path: Path, command: str, name: str) -> None:
    (tmp_path / "mine.py").write_text("class Mine: ...", encoding="utf-8")
    said = theo("--home", tmp_path / "home", command, tmp_path / name)
    assert is_one_sentence(said), said
    assert 'strategy = "python"' in said.err
