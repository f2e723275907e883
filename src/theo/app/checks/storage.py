"""The checks of what lies beside the databases: ticks that wait for one, and the archive."""

from collections.abc import Iterator
from typing import Final

from theo.adapters.files.archive_manifest import ArchivedFile, Manifest
from theo.adapters.sql.market.spill import waiting_in
from theo.app.checks.check import Check, Level, file_check
from theo.app.home.journals import journal_folders, run_name
from theo.app.home.layout import Home
from theo.app.stored.keeping import SPILL_FOLDER
from theo.app.times import iso
from theo.domain.errors import TheoError
from theo.domain.market_data import DAY

ARCHIVE: Final = "archive"
VERIFY_DAYS_MAX: Final = 35  # once a month, and some days


def storage_checks(home: Home, now: int) -> Iterator[Check]:
    """One line for each run whose ticks wait, and one for the archive."""
    for folder in journal_folders(home):
        if waiting := waiting_in(folder / SPILL_FOLDER):
            text = f"{waiting:,} bytes of ticks wait on the disk for the market database"
            fix = "They are stored when the run goes on; while it runs, see why the database takes nothing"
            yield Check(f"ticks {run_name(home, folder)}", Level.WARN, text, fix)
    manifest = Manifest(home.archive)
    try:
        files = manifest.files()
    except TheoError as error:
        yield file_check(ARCHIVE, manifest.path, error)
        return
    yield _archive(manifest, files, now) if files else Check(ARCHIVE, Level.OK, "nothing is archived")


def _archive(manifest: Manifest, files: list[ArchivedFile], now: int) -> Check:
    """Names and sizes are compared here; the files themselves are read by `theo archive verify` alone."""
    verified = manifest.verified()
    unread = files[verified.files :]
    text = f"{len(files)} file{'s' * (len(files) > 1)}, the newest day is {iso(max(file.last for file in files))[:10]}; "
    text += f"{len(unread) or 'none'} not verified"
    amiss = [file.path for file in files if _size(manifest, file) != file.bytes]
    if amiss:
        text = f"{amiss[0]} is missing or has another size" + (f", and {len(amiss) - 1} more" if amiss[1:] else "")
        return Check(ARCHIVE, Level.FAIL, text, "Restore the archive's files from a backup, then `theo archive verify`")
    due = min([file.written_at for file in unread] + [verified.at] * bool(verified.at))
    if now - due > VERIFY_DAYS_MAX * DAY:
        text += f", and all of them were last read {iso(verified.at)[:10]}" if verified.at else ", and none ever was"
        return Check(ARCHIVE, Level.WARN, text, "Run `theo archive verify`, once a month")
    return Check(ARCHIVE, Level.OK, text)


def _size(manifest: Manifest, file: ArchivedFile) -> int:
    try:
        return (manifest.path.parent / file.path).stat().st_size
    except OSError:
        return -1
