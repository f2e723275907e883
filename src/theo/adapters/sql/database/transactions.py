"""Transactions, and what their failures mean in our own errors (theo.domain.errors)."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, ProgrammingError

from theo.adapters.sql.database.dialect import failure_of
from theo.adapters.sql.database.meanings import WRITER, Failure
from theo.adapters.sql.database.place import shown
from theo.domain.errors import CorruptionError, HaltRequiredError, OutcomeUnknownError, TheoError

KNOWN_NOT_WRITTEN = (Failure.BUSY, Failure.FULL, Failure.READ_ONLY, Failure.CONSTRAINT, Failure.CLASHED)
PASSING: Final = frozenset({Failure.LOST, Failure.CLASHED})
REPEAT_WAITS_S: Final = (0.1, 0.5, 2.0)  # a server that fails over is away for longer: that is told
T = TypeVar("T")
_WHY = {
    Failure.BUSY: ("another process holds the write lock", "End the other process, or let it finish"),
    Failure.FULL: ("no space is left", "Free space on the disk, then start again"),
    Failure.READ_ONLY: ("it cannot be opened for writing", "Make the folder and its files writable for this user"),
    Failure.CONSTRAINT: ("a row contradicts one that is stored", "Another writer was here: run `theo journal verify`"),
    Failure.CLASHED: ("another transaction changed the same rows", "Try again"),
    Failure.LOST: ("the server cannot be reached", "See that it runs, and that THEO_DATABASE_URL names it and a user it knows"),
    Failure.IO: ("the disk failed", "Check the disk and the system's log, then start again"),
}


def _name(engine: Engine) -> str:
    return str(engine.url.database) if engine.dialect.name == "sqlite" else shown(engine.url)


def _said(error: DBAPIError) -> str:
    """The driver's words, the first line of them."""
    return str(error.orig).partition("\n")[0]


def translated(engine: Engine, error: DBAPIError, *, committing: bool = False) -> TheoError:
    """Our error for a driver's: nothing was written, nobody knows, or the file is damaged."""
    failure, where, detail = failure_of(engine.dialect.name, error), _name(engine), _said(error)
    if failure is Failure.NOT_OURS:
        return CorruptionError(f"is no database: {detail}", where=where, remedy="Move the file away, or restore a backup")
    if failure is Failure.CORRUPT:
        return CorruptionError(
            f"is damaged: {detail}",
            where=where,
            remedy="Stop, copy the folder, then run `theo journal verify` or restore a backup",
        )
    why, remedy = _WHY[failure]
    if committing and failure not in KNOWN_NOT_WRITTEN:
        return OutcomeUnknownError(f"nobody knows whether the commit was stored: {detail}", where=where, why=why, remedy=remedy)
    return HaltRequiredError(f"cannot be written: {detail}", where=where, why=why, remedy=remedy)


class Writer:
    """Transactions on one connection that is kept from one to the next: taking it from the pool is a third of a small append.

    For one thread. After a failure the connection is given up, and the next transaction begins on a new one.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction with the write lock from its start; committed at the end, rolled back when anything is raised.

        Raises HaltRequiredError when nothing was stored, OutcomeUnknownError when the commit's outcome is not known,
        CorruptionError for a damaged file.
        """
        stored = False
        try:
            connection = self._begun()
            try:
                yield connection
            except ProgrammingError:
                raise  # a statement that cannot be is our bug, not the disk's
            except DBAPIError as error:
                if failure_of(self._engine.dialect.name, error) not in KNOWN_NOT_WRITTEN:
                    connection.invalidate()  # a rollback on one that was cut would fail, and hide what is told here
                raise translated(self._engine, error) from error
            try:
                connection.commit()
            except DBAPIError as error:
                connection.invalidate()
                raise translated(self._engine, error, committing=True) from error
            stored = True
        finally:
            if not stored:
                self.close()

    def _begun(self) -> Connection:
        """A kept connection may have been cut since: then a new one begins, for in this transaction nothing was written yet."""
        kept = self._connection is not None
        try:
            return self._begin()
        except DBAPIError as error:
            self.close()
            if not kept or failure_of(self._engine.dialect.name, error) is not Failure.LOST:
                raise translated(self._engine, error) from error
        try:
            return self._begin()
        except DBAPIError as error:
            raise translated(self._engine, error) from error

    def _begin(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect().execution_options(**WRITER)
        self._connection.begin()
        return self._connection

    def close(self) -> None:
        """Give the connection back; what is not committed is rolled back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction as of a Writer, on a connection of its own."""
    writer = Writer(engine)
    try:
        with writer.writing() as connection:
            yield connection
    finally:
        writer.close()


def repeated(engine: Engine, work: Callable[[], T]) -> T:
    """Do it again when the connection was lost or another transaction clashed, a few times with a wait in between.

    For reads, and for writes that may be done twice: after a lost commit nobody knows whether the first was stored.
    """
    for wait in REPEAT_WAITS_S:
        try:
            return work()
        except TheoError as error:
            cause = error.__cause__
            if not isinstance(cause, DBAPIError) or failure_of(engine.dialect.name, cause) not in PASSING:
                raise
        time.sleep(wait)
    return work()


@contextmanager
def translating(engine: Engine) -> Iterator[None]:
    """For what cannot be in a transaction: its failures in our errors."""
    try:
        yield
    except DBAPIError as error:
        raise translated(engine, error) from error


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A consistent view. Keep it short: a long reader keeps the log from being folded into the file."""
    try:
        with engine.connect() as connection:
            yield connection
    except DBAPIError as error:
        raise _reading_error(engine, error) from error


def _reading_error(engine: Engine, error: DBAPIError) -> TheoError:
    failure = failure_of(engine.dialect.name, error)
    if failure in {Failure.CORRUPT, Failure.NOT_OURS}:
        return translated(engine, error)
    remedy = _WHY[failure][1] if failure is Failure.LOST else "Check the disk and the file's permissions"
    return HaltRequiredError(f"cannot be read: {_said(error)}", where=_name(engine), remedy=remedy)
