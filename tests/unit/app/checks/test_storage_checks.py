"""What `theo doctor` says of ticks that wait for the database, and of the archive."""

from pathlib import Path

import pytest

from tests.unit.app.checks.test_doctor import levels
from tests.unit.app.conftest import Theo
from theo.adapters.files.archive_manifest import VERIFIED, Manifest
from theo.adapters.sql.market.spill import Spill
from theo.app.checks.check import Level
from theo.app.checks.storage import VERIFY_DAYS_MAX, storage_checks
from theo.app.home.layout import open_home
from theo.app.stored.keeping import SPILL_FOLDER
from theo.domain.market_data import DAY, Tick

ROWS = "ts,price,size\n2024-01-02T14:30:00.000Z,472.16,300\n2024-01-03T14:30:00.250Z,470.43,200\n"


@pytest.fixture
def archived(theo: Theo, tmp_path: Path) -> Path:
    """A home whose two days of ticks are in two files."""
    home = tmp_path / "home"
    file = tmp_path / "ticks.csv"
    file.write_text(ROWS)
    assert theo("--home", home, "import", "ticks", file, "--symbol", "SPY").code == 0
    assert theo("--home", home, "archive", "run").code == 0
    return home


def test_the_archive_is_counted_and_what_nobody_read_since_is_told(theo: Theo, archived: Path) -> None:
    assert levels(theo, archived)[1]["archive"] == ("OK", "2 files, the newest day is 2024-01-03; 2 not verified", "")
    assert theo("--home", archived, "archive", "verify").code == 0
    assert levels(theo, archived)[1]["archive"] == ("OK", "2 files, the newest day is 2024-01-03; none not verified", "")


def test_an_archive_that_is_never_read_is_a_warning_after_a_month(theo: Theo, archived: Path) -> None:
    written_at = Manifest(archived / "archive").files()[0].written_at
    (in_time,) = storage_checks(open_home(archived), written_at + VERIFY_DAYS_MAX * DAY)
    (late,) = storage_checks(open_home(archived), written_at + (VERIFY_DAYS_MAX + 1) * DAY)
    assert (in_time.level, late.level) == (Level.OK, Level.WARN)
    assert late.text.endswith("and none ever was")
    assert theo("--home", archived, "archive", "verify").code == 0
    verified = Manifest(archived / "archive").verified()
    (late,) = storage_checks(open_home(archived), verified.at + (VERIFY_DAYS_MAX + 1) * DAY)
    assert (late.level, "none not verified, and all of them were last read" in late.text) == (Level.WARN, True)
    (archived / "archive" / VERIFIED).write_text("torn")
    (unsure,) = storage_checks(open_home(archived), written_at)
    assert "2 not verified" in unsure.text


def test_a_fault_is_not_a_verification(theo: Theo, archived: Path) -> None:
    file = archived / "archive" / Manifest(archived / "archive").files()[1].path
    whole = file.read_bytes()
    file.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])  # the same size: only reading finds it
    assert theo("--home", archived, "archive", "verify").code == 1
    assert levels(theo, archived)[1]["archive"][:2] == ("OK", "2 files, the newest day is 2024-01-03; 2 not verified")
    file.unlink()
    code, found = levels(theo, archived)
    assert (code, found["archive"][0]) == (1, "FAIL")
    assert found["archive"][1].endswith("is missing or has another size")
    (archived / "archive" / "manifest.jsonl").write_text("{}\n")
    assert levels(theo, archived)[1]["archive"][0] == "FAIL"


def test_ticks_that_wait_are_told_by_run(theo: Theo, copied: Path) -> None:
    assert levels(theo, copied)[1]["archive"] == ("OK", "nothing is archived", "")
    spill = Spill(copied / "demo" / SPILL_FOLDER, lambda *_: None)
    spill.append([Tick(1, 1, 1, 0, 0, 500, 1, 0, 0, "ib")])
    code, found = levels(theo, copied)
    assert (code, found["ticks demo"][0]) == (0, "WARN")
    size = sum(file.stat().st_size for file in (copied / "demo" / SPILL_FOLDER).iterdir())
    assert found["ticks demo"][1] == f"{size} bytes of ticks wait on the disk for the market database"
    while spill.first() is not None:
        spill.stored()
    spill.close()
    assert "ticks demo" not in levels(theo, copied)[1]
