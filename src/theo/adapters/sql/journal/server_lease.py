"""One writer a stream on a server: a lock of the session, held from the claim to the end of the connection, whatever ends it.

A connection that is cut loses its locks while its process lives on: another may then claim the stream, under a higher epoch, and
the first one's next append is refused by it.
"""

import contextlib
from collections.abc import Sequence

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from theo.adapters.sql.database.place import Place
from theo.domain.errors import HaltRequiredError

_TAKE = text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))")
_GIVE_UP = text("SELECT pg_advisory_unlock_all()")
_HOLDER = text(
    "SELECT coalesce(a.client_addr::text, 'local') || ' process ' || l.pid "
    "FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid) "
    "WHERE l.locktype = 'advisory' AND l.granted "
    "AND ((l.classid::bigint << 32) | l.objid::bigint) = hashtextextended(:name, 0)"
)


class ServerLease:
    """The locks of the claimed streams, on a connection of their own."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._held: list[str] = []
        self._connection: Connection | None = None

    def take(self, streams: Sequence[str]) -> None:
        """Lock all streams or none. Raises HaltRequiredError while another holds one, or when the server cannot be reached."""
        try:
            self._take([stream for stream in streams if stream not in self._held])
        except DBAPIError as error:
            self.release()
            raise HaltRequiredError(
                "the streams cannot be claimed", where=self._place.shown, why=str(error.orig), remedy="See that the server runs"
            ) from error

    def _take(self, streams: Sequence[str]) -> None:
        connection = self._connect()
        taken = []
        for stream in streams:
            name = self._name(stream)
            if connection.execute(_TAKE, {"name": name}).scalar_one():
                taken.append(stream)
                continue
            holder = connection.execute(_HOLDER, {"name": name}).scalar()
            for each in taken:
                connection.execute(text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))"), {"name": self._name(each)})
            raise HaltRequiredError(
                f"another process writes the stream {stream}",
                where=self._place.shown,
                why=f"it is {holder} of the server" if holder else "who it is cannot be seen",
                remedy="Stop that one first, or use another --home",
            )
        self._held += taken

    def _connect(self) -> Connection:
        """Outside any pool: its end is the end of the locks."""
        if self._connection is None:
            from theo.adapters.sql.database import postgresql

            assert self._place.server is not None
            self._connection = postgresql.lone_connection(self._place.server)
        return self._connection

    def _name(self, stream: str) -> str:
        return f"{self._place.name}/{stream}"

    def release(self) -> None:
        """Give up everything, at once: the server notices the end of a connection a little later."""
        if self._connection is not None:
            with contextlib.suppress(DBAPIError):  # a connection that was cut holds nothing
                self._connection.execute(_GIVE_UP)
            self._connection.close()
            self._connection.engine.dispose()
        self._connection, self._held = None, []
