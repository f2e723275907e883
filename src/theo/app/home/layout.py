"""The one directory under which everything lives, and what is where in it; its tables may be on a server."""

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from theo.adapters.sql.database.traces import file_of, mark_of
from theo.domain.errors import ConfigError, UserError

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from theo.adapters.sql.database.place import Place

VARIABLES: Final = ("THEO_DATABASE_URL", "THEO__DATABASE__URL")  # the second is what every other key of the file has
DATABASES: Final = ("journal", "market", "inbox", "settings", "audit")
READ_VARIABLE: Final = "THEO_DATABASE_READ_URL"  # a replica of the server
ANCHORS_VARIABLE: Final = "THEO_ANCHORS"  # a folder elsewhere for the anchors' second files


class Home(msgspec.Struct, frozen=True):
    """Paths of one data directory. ``address`` is of another database than the configured one, "" for files; see ``server``."""

    path: Path
    address: str | None = None

    def __repr__(self) -> str:
        return f"Home({self.path})"  # an address may hold a password

    @property
    def store(self) -> Path:
        """journal.db, market.db and inbox.db of the platform's own runs, and settings.db."""
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

    @property
    def archive(self) -> Path:
        """Old ticks in Parquet files, with their manifest."""
        return self.path / "archive"

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

    @property
    def server(self) -> "URL | None":
        """The server that holds the tables; None: SQLite files in the folders. Raises ConfigError for a wrong address."""
        text, where = self._address()
        if not text:
            return None
        from theo.adapters.sql.database.address import server_address

        return server_address(text, where)

    def _address(self) -> tuple[str, str]:
        """As it was written, and where. Read without the rest of the configuration: `theo stop` does not depend on that."""
        if self.address is not None:
            return self.address, "--database"
        for variable in VARIABLES:
            if os.environ.get(variable):
                return os.environ[variable], variable
        if not self.configuration.exists():
            return "", ""
        try:
            table = tomllib.loads(self.configuration.read_text(encoding="utf-8")).get("database", {})
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"cannot be read: {error}", where=str(self.configuration), remedy="Correct the line that the message names"
            ) from error
        url = table.get("url", "") if isinstance(table, dict) else ""
        return (url if isinstance(url, str) else "?"), f"{self.configuration} [database] url"

    def place(self, folder: Path) -> "Place":
        """Where the databases of one of this home's folders are: files in it, or tables on the server.

        Raises ConfigError for a wrong address, UserError where the folder's databases are not where they would be looked for:
        going on with empty ones would be to forget open positions.
        """
        server = self.server
        for database in DATABASES:
            here, there = file_of(folder, database).exists(), mark_of(folder, database).exists()
            if server is not None and here and not there:
                raise _elsewhere(file_of(folder, database), "is a file, and a server is configured")
            if server is None and there:
                raise _elsewhere(mark_of(folder, database), "says that it is on a server, and none is configured")
        return self._place(folder, settled=True)

    @property
    def reads(self) -> "URL | None":
        """The server that long reading of market data goes to; None: the one that is written. Raises ConfigError."""
        text = os.environ.get(READ_VARIABLE, "")
        if not text:
            return None
        from theo.adapters.sql.database.address import server_address

        if self.server is None:
            raise ConfigError(
                "names a replica, and no server is configured",
                where=READ_VARIABLE,
                remedy="Set THEO_DATABASE_URL too, or neither",
            )
        return server_address(text, READ_VARIABLE)

    def reading_place(self) -> "Place":
        """Where stored market data is read from in bulk, and nothing is written. Raises what ``place`` raises."""
        return msgspec.structs.replace(self.place(self.store), reads=self.reads)

    def place_to_fill(self, folder: Path) -> "Place":
        """Where they are to be: a target that is being filled, and that nobody takes for the home's before it is whole."""
        return self._place(folder, settled=False)

    def _place(self, folder: Path, *, settled: bool) -> "Place":
        from theo.adapters.sql.database.place import Place

        server, elsewhere = self.server, os.environ.get(ANCHORS_VARIABLE, "")
        anchors = Path(elsewhere) if elsewhere else None
        if server is None:
            return Place(folder, anchors=anchors, settled=settled)
        from theo.app.home.name import home_name

        own = home_name(self.path)
        part = "own" if folder == self.store else folder.relative_to(self.path).as_posix()
        return Place(
            folder,
            server,
            f"{own.name}/{part}",
            anchors=anchors,
            identity=own.identity,
            shares=folder == self.store,
            settled=settled,
        )


def _elsewhere(path: Path, what: str) -> UserError:
    remedy = "Change THEO_DATABASE_URL or [database] url, or move the home: `theo db copy`"
    return UserError(what, where=str(path), remedy=remedy)


def open_home(path: Path) -> Home:
    """The home, made if it does not exist. Raises UserError when it cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"the data directory cannot be made: {error}", where=str(path), remedy="Name another with --home or THEO_HOME"
        ) from error
    return Home(path)
