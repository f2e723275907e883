"""The real command line on homes of its own: one short demo for all tests that only read."""

import io
import shutil
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import msgspec
import pytest

from theo.app.cli import main

DEMO_DAYS = 12


class Said(msgspec.Struct, frozen=True):
    """What a call of the command line answered."""

    code: int
    out: str
    err: str


Theo = Callable[..., Said]


@pytest.fixture(scope="session")
def theo() -> Theo:
    """Call the command line as its console script does: ``theo("--home", home, "status")``."""

    def call(*arguments: object) -> Said:
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setattr("sys.argv", ["theo", *map(str, arguments)])
            try:
                main()
                code: object = 0
            except SystemExit as end:
                code = 0 if end.code is None else end.code
        assert isinstance(code, int), code
        return Said(code, out.getvalue(), err.getvalue())

    return call


@pytest.fixture(scope="session")
def played(theo: Theo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which a demo was played to its end. For reading only."""
    home = tmp_path_factory.mktemp("played")
    said = theo("--home", home, "demo", "--days", DEMO_DAYS, "--speed", 0, "--plain")
    assert said.code == 0, said.err
    return home


@pytest.fixture
def copied(played: Path, tmp_path: Path) -> Path:
    """The same home, for writing."""
    return Path(shutil.copytree(played, tmp_path / "home"))
