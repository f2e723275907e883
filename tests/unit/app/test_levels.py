"""`theo levels` on a home of real bars."""

import json
import sqlite3
from pathlib import Path

import pytest

from tests.unit.app.conftest import Theo


@pytest.fixture
def imported(theo: Theo, tmp_path: Path) -> Path:
    """Forty 15-minute bars of SPY, up and down between 250.01 and 250.07."""
    rows = ["time,open,high,low,close,volume"]
    for n in range(40):
        at = 14 * 60 + 30 + 15 * n
        close = 250 + (1 + abs(n % 12 - 6)) / 100
        day, minutes = 2 + n // 26, at - (n // 26) * 26 * 15
        rows.append(f"2019-01-{day:02}T{minutes // 60:02}:{minutes % 60:02}:00Z,{close},{close},{close},{close},100")
    (tmp_path / "spy.csv").write_text("\n".join(rows))
    home = tmp_path / "home"
    said = theo(
        "--home", home, "import", "bars", tmp_path / "spy.csv", "--symbol", "SPY", "--timeframe", "15min", "--label", "start"
    )
    assert said.code == 0, said.err
    return home


def test_levels_are_computed_shown_and_verified(theo: Theo, imported: Path) -> None:
    assert "40 rows are new, 0 changed" in theo("--home", imported, "levels", "compute").out
    assert "nothing to do" in theo("--home", imported, "levels", "compute", "SPY").out
    assert "40 rows compared, all equal" in theo("--home", imported, "levels", "verify").out
    assert "nothing to do" in theo("--home", imported, "levels", "compute", "--from", "20190101").out
    shown = json.loads(theo("--home", imported, "levels", "show", "SPY", "--bars", 1, "--json").out)
    assert shown[0]["symbol"] == "SPY"
    assert shown[0]["levels"]["sl_status"] in {True, False}
    listed = theo("--home", imported, "levels", "show", "SPY")
    assert len(listed.out.splitlines()) == 11
    (newest,) = json.loads(theo("--home", imported, "levels", "new", "--count", 1, "--json").out)
    assert newest["level"] in {"SH", "SL"}
    assert newest["bar"] < newest["known"]
    assert len(theo("--home", imported, "levels", "new", "SPY", "--count", 2).out.splitlines()) == 2


def test_a_level_that_was_tampered_with_is_found_and_mended(theo: Theo, imported: Path) -> None:
    theo("--home", imported, "levels", "compute")
    with sqlite3.connect(imported / "market.db") as raw:
        raw.execute("UPDATE levels SET atr = atr + 1 WHERE start_at = (SELECT max(start_at) FROM levels)")
    raw.close()
    said = theo("--home", imported, "levels", "verify")
    assert said.code == 1
    assert "1 differ" in said.out
    assert "atr is" in said.out
    assert "1 changed" in theo("--home", imported, "levels", "compute", "--from", "20190101").out
    assert theo("--home", imported, "levels", "verify").code == 0


def test_bars_that_wait_for_their_levels_are_no_difference(theo: Theo, imported: Path) -> None:
    said = theo("--home", imported, "levels", "verify")
    assert said.code == 0
    assert "40 bars wait" in said.out


def test_the_owners_query_on_a_file(theo: Theo, imported: Path) -> None:
    theo("--home", imported, "levels", "compute")
    with sqlite3.connect(imported / "market.db") as raw:
        rows = raw.execute(
            "SELECT id, symbol, created, close, sh_price, sl_price, sh_status, sl_status FROM tbl_ohlc_fifteen_output"
        ).fetchall()
        assert raw.execute("SELECT count(*) FROM generated_signals").fetchone() == (0,)
    raw.close()
    assert rows[0] == (1, "SPY", "2019-01-02 14:30:00", 250.07, None, None, None, None)
    assert len(rows) == 40


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("compute", "MES"), "no bars of MES are stored"),
        (("show", "SPY", "--timeframe", "7min"), "levels of 7min"),
        (("compute", "--from", "yesterday"), "is no date"),
    ],
)
def test_what_cannot_be_is_refused_with_what_there_is(theo: Theo, imported: Path, arguments: tuple[str, ...], told: str) -> None:
    said = theo("--home", imported, "levels", *arguments)
    assert said.code == 2
    assert told in said.err
