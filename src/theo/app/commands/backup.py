"""`theo db backup|verify-backup|restore`: a backup is called one when it has been restored once and found whole."""

import secrets
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from theo.adapters.postgres.dump import drop_database
from theo.app.commands.aggregates import compare_bars, lines_of
from theo.app.exit_codes import EXIT_PROBLEM
from theo.app.home.auditing import note
from theo.app.home.backups import MANIFEST, database_of, make_backup, restore_backup
from theo.app.home.layout import Home, open_home
from theo.domain.errors import CorruptionError, HaltRequiredError, UserError

UNVERIFIED: Final = ".unverified"  # ends the name until it has been restored once


def run_backup(path: Path, into: Path, *, programs: Path | None) -> int:
    """Make a backup, restore it beside, check that, and only then give it its name."""
    home = open_home(path)
    if into.resolve().is_relative_to(home.path.resolve()):
        raise UserError(
            "lies in the home that is to be kept", where=str(into), remedy="Name a folder elsewhere, best on another disk"
        )
    folder = into / f"theo-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    made = folder.with_name(f"{folder.name}{UNVERIFIED}")
    manifest = make_backup(home, made, programs)
    _verified(home, made, programs)
    try:
        made.rename(folder)
    except OSError as error:
        raise HaltRequiredError("cannot be renamed", where=str(made), why=str(error.strerror), remedy="Check the disk") from error
    size = sum(file.bytes for file in manifest.files.values())
    digest = _digest(folder)
    note(home, "backup", folder.name, f"{len(manifest.files)} files, {size} bytes, manifest {digest}")
    print(f"{folder}: {len(manifest.files)} files, {size:,} bytes, restored once and found whole\nmanifest sha256 {digest}")
    return 0


def run_verify(path: Path, folder: Path, *, programs: Path | None) -> int:
    """Restore a backup beside it, check that, and remove it again. Exit code 1 when it is not whole."""
    _verified(open_home(path), folder, programs)
    print(f"{folder}: restored once and found whole\nmanifest sha256 {_digest(folder)}")
    return 0


def run_restore(path: Path, folder: Path, *, database: str, programs: Path | None) -> int:
    """Restore into a new home (and a new database), check it, say how to switch. Exit code 1 for other than was backed up."""
    to = Home(path, database)
    problems = restore_backup(folder, to, programs)
    if problems:
        print(f"{path}: restored, and not what was backed up:")
        print("\n".join(f"  {problem}" for problem in problems))
        return EXIT_PROBLEM
    note(to, "restore", folder.name, f"manifest {_digest(folder)}")
    print(f"{path}: restored, chains, anchors and tables are right\nuse it with --home {path}, or THEO_HOME={path}")
    if not database:
        return 0
    print("and THEO_DATABASE_URL, or [database] url in theo.toml, naming the new database")
    stale = [one for one in compare_bars(to) if one.differing]
    print(
        "\n".join(line for one in stale for line in lines_of(one)) or "the bars that the server has made are those of its ticks"
    )
    return EXIT_PROBLEM if stale else 0


def _verified(home: Home, folder: Path, programs: Path | None) -> None:
    """Raises CorruptionError when what comes back is not what was kept."""
    with tempfile.TemporaryDirectory(prefix="theo-trial-", dir=folder.parent) as beside:
        trial, server = "", home.server
        if server is not None:
            named = server.set(database=f"theo_trial_{secrets.token_hex(6)}")
            trial = database_of(Home(home.path, named.render_as_string(hide_password=False)))
        try:
            problems = restore_backup(folder, Home(Path(beside) / "home", trial), programs)
        finally:
            if trial:
                drop_database(trial)
    if problems:
        raise CorruptionError(f"is not whole: {'; '.join(problems)}", where=str(folder), remedy="Make another; look at the disk")


def _digest(folder: Path) -> str:
    import hashlib

    return hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
