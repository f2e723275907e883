"""Commands on their way to the trader, polled by it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, Select, Update, delete, func, insert, select, update

from theo.adapters.sql.database.place import Place, place_of
from theo.adapters.sql.database.transactions import reading, repeated, writing
from theo.adapters.sql.schema.opening import Database, open_database
from theo.adapters.sql.tables.inbox import commands
from theo.domain.asked import Asked, MarginTold
from theo.domain.errors import DataError, RefusedError
from theo.domain.inputs import Command
from theo.domain.market_data import DAY
from theo.ports.store import CommandOutcome

PENDING_MAX: Final = 1_000  # a trader that is alive answers within seconds; more means that nobody reads
REPEAT_WINDOW: Final = DAY
KEPT: Final = 7 * DAY  # outcomes, from when they were asked for; the journal keeps them for ever


class _Result(msgspec.Struct, frozen=True):
    """The part of an outcome that has no column of its own."""

    orders: tuple[str, ...] = ()
    rule: str = ""
    margins: tuple[MarginTold, ...] = ()


_encode = msgspec.json.Encoder().encode
_read_payload = msgspec.json.Decoder(Asked).decode
_read_result = msgspec.json.Decoder(_Result).decode


class SqlInbox:
    """Implements ports.store.CommandInbox. Several processes post, the trader reads."""

    def __init__(self, home: Path | Place) -> None:
        place = place_of(home)
        self._engine = open_database(place, Database.INBOX)
        self._home = place.name
        self._ours = commands.c.home == place.name

    def post(self, command: Command) -> CommandOutcome | None:
        """See the port. One that was posted already is known by its id."""
        return repeated(self._engine, lambda: self._post(command))

    def _post(self, command: Command) -> CommandOutcome | None:
        with writing(self._engine) as connection:
            known = self._known(connection, command)
            if known is not None:
                return _outcome(known)
            self._make_room(connection, command)
            connection.execute(
                insert(commands).values(
                    home=self._home,
                    id=command.id,
                    at=command.at,
                    actor=command.actor,
                    name=command.name,
                    reason=command.reason,
                    subject=command.subject,
                    payload=_payload(command),
                )
            )
        return None

    def has(self, command: Command) -> bool:
        """See the port."""

        def asked() -> bool:
            with reading(self._engine) as connection:
                return self._known(connection, command) is not None

        return repeated(self._engine, asked)

    def _known(self, connection: Connection, command: Command) -> Row[tuple[object, ...]] | None:
        """The command of this id, unless it is too old to be repeated. Raises DataError where it is another one."""
        known = connection.execute(select(commands).where(self._ours, commands.c.id == command.id)).first()
        if known is None or command.at - known.at >= REPEAT_WINDOW:
            return None
        asked = (command.name, command.subject, command.actor, _payload(command))
        if (known.name, known.subject, known.actor, known.payload) != asked:
            raise DataError(
                f"command id {command.id} was used for {known.name} {known.subject}".rstrip(),
                why="one id means one command for 24 hours",
                remedy="Send the command again with a new id",
            )
        return known

    def pending(self, limit: int = 100) -> tuple[Command, ...]:
        """See the port."""
        wanted = select(commands).where(self._ours, commands.c.done_at.is_(None)).order_by(commands.c.number).limit(limit)
        found = []
        for row in repeated(self._engine, lambda: self._rows(wanted)):
            try:
                found.append(_command(row))
            except msgspec.DecodeError as error:  # not of our writing: nobody may carry it out, and it holds up nothing
                text = f"what is asked cannot be read: {error}"
                self.done(row.id, CommandOutcome(row.at, accepted=False, text=text, rule="payload"))
        return tuple(found)

    def _rows(self, wanted: Select[*tuple[Any, ...]]) -> Sequence[Row[tuple[object, ...]]]:
        with reading(self._engine) as connection:
            return connection.execute(wanted).all()

    def done(self, command_id: str, outcome: CommandOutcome) -> None:
        """See the port."""
        change = update(commands).where(self._ours, commands.c.id == command_id, commands.c.done_at.is_(None))
        result = _encode(_Result(outcome.orders, outcome.rule, outcome.margins)).decode()
        values = change.values(done_at=outcome.at, accepted=outcome.accepted, outcome=outcome.text, result=result)
        repeated(self._engine, lambda: self._change(values))

    def _change(self, change: Update) -> None:
        with writing(self._engine) as connection:
            connection.execute(change)

    def outcome(self, command_id: str) -> CommandOutcome | None:
        """See the port."""
        wanted = select(commands).where(self._ours, commands.c.id == command_id)
        rows = repeated(self._engine, lambda: self._rows(wanted))
        return _outcome(rows[0]) if rows else None

    def _make_room(self, connection: Connection, command: Command) -> None:
        """Drop what is too old to be asked for, and this id's earlier use; refuse when too many wait.

        An outcome's own time is the trader's, years ago where it plays recorded data: age is counted from the asking.
        """
        done, old = commands.c.done_at.is_not(None), commands.c.at < command.at - KEPT
        connection.execute(delete(commands).where(self._ours, done, old))
        connection.execute(delete(commands).where(self._ours, commands.c.id == command.id))
        waiting = connection.execute(select(func.count()).where(self._ours, commands.c.done_at.is_(None))).scalar_one()
        if waiting >= PENDING_MAX:
            raise RefusedError(
                f"{waiting} commands wait",
                why="no trader reads them",
                remedy="Start the trader, or use `theo stop`, which needs none",
            )

    def close(self) -> None:
        """See the port."""
        self._engine.dispose()


def _command(row: Row[tuple[object, ...]]) -> Command:
    return Command(
        at=row.at,
        id=row.id,
        actor=row.actor,
        name=row.name,
        reason=row.reason,
        subject=row.subject,
        payload=_read_payload(row.payload) if row.payload else None,
    )


def _payload(command: Command) -> str:
    return "" if command.payload is None else _encode(command.payload).decode()


def _outcome(row: Row[tuple[object, ...]]) -> CommandOutcome | None:
    if row.done_at is None:
        return None
    result = _read_result(row.result) if row.result else _Result()
    return CommandOutcome(row.done_at, row.accepted, row.outcome, result.orders, result.rule, result.margins)
