"""The one directory under which everything lives, and what is where in it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from theo.domain.errors import UserError

if TYPE_CHECKING:
    from theo.adapters.sql.place import Place

ANCHORS_VARIABLE: Final = "THEO_ANCHORS"  # a folder elsewhere for the anchors' second files


class Home(msgspec.Struct, frozen=True):
    """Paths of one data directory."""

    path: Path

    @property
    def store(self) -> Path:
        """journal.db, market.db and inbox.db of the platform's own runs."""
        return self.path

    @property
    def demo(self) -> Path:
        """The demo's own home: it never mixes with a user's data."""
        return self.path / "demo"

    @property
    def runs(self) -> Path:
        """One folder per kept backtest or paper run, each with its own journal."""
        return self.path / "runs"

    @property
    def sessions(self) -> Path:
        """Session tables, built once."""
        return self.path / "sessions"

    @property
    def contracts(self) -> Path:
        """What IB has named of its contracts, for a day."""
        return self.path / "contracts" / "ib.json"

    def roll_calendar(self, symbol: str) -> Path:
        """The rolls of an instrument's stored bars."""
        return self.path / "rolls" / f"{symbol}.csv"

    @property
    def configuration(self) -> Path:
        """The user's configuration file."""
        return self.path / "theo.toml"

    @property
    def instruments(self) -> Path:
        """The user's own instruments."""
        return self.path / "instruments.toml"

    def place(self, folder: Path) -> "Place":
        """Where the databases of one of this home's folders are."""
        from theo.adapters.sql.place import Place

        elsewhere = os.environ.get(ANCHORS_VARIABLE, "")
        return Place(folder, anchors=Path(elsewhere) if elsewhere else None)


def open_home(path: Path) -> Home:
    """The home, made if it does not exist. Raises UserError when it cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"the data directory cannot be made: {error}", where=str(path), remedy="Name another with --home or THEO_HOME"
        ) from error
    return Home(path)
