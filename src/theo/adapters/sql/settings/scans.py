"""Scan configurations: a document, its columns, and a history that is only ever added to, in one transaction a change."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from theo.adapters.sql.database.place import Place, place_of
from theo.adapters.sql.database.transactions import reading, repeated, writing
from theo.adapters.sql.schema.opening import Database, open_database
from theo.adapters.sql.settings.scan_rows import config_row, entry_rows, exit_rows, symbol_rows
from theo.adapters.sql.settings.stored_rows import PARTS
from theo.adapters.sql.tables.scan_records import chained
from theo.adapters.sql.tables.settings import signal_config_changes, signal_configs
from theo.domain.errors import ConflictError, UserError
from theo.domain.market_data import SECOND
from theo.ports.scans import Changing, Scan, ScanChange, ScanContent

SCANS_MAX: Final = 1_000  # each decides on each of its bars: more is another design


class SqlScans:
    """Implements ports.scans.ScanStore."""

    def __init__(self, home: Path | Place) -> None:
        place = place_of(home)
        self._engine = open_database(place, Database.SETTINGS)
        self._home = place.name

    def all(self) -> tuple[Scan, ...]:
        """See the port."""
        return tuple(_scan(row) for row in repeated(self._engine, self._rows))

    def named(self, name: str) -> Scan | None:
        """See the port."""
        return next((scan for scan in self.all() if scan.name == name), None)

    def _rows(self) -> Sequence[Row[tuple[object, ...]]]:
        wanted = select(signal_configs).where(signal_configs.c.home == self._home).order_by(signal_configs.c.name)
        with reading(self._engine) as connection:
            return connection.execute(wanted).all()

    def create(self, content: ScanContent, by: Changing) -> Scan:
        """See the port."""
        name = content.ruleset.name
        with writing(self._engine) as connection:
            self._refuse_taken(connection, name)
            made = Scan(
                id=self._next_id(connection),
                name=name,
                active=True,
                document=content.document,
                version=content.ruleset.version,
                number=1,
                created_at=by.at,
                updated_at=by.at,
                user_name=by.user_name,
            )
            self._log(connection, msgspec.structs.replace(made, number=0), "create", by, content.document)
            values = msgspec.structs.asdict(made) | config_row(content.ruleset)
            values["is_active"] = values.pop("active")
            connection.execute(insert(signal_configs).values(home=self._home, **values))
            self._write_parts(connection, made.id, content)
            return made

    def edit(self, read: Scan, content: ScanContent, by: Changing) -> Scan:
        """See the port."""
        with writing(self._engine) as connection:
            self._refuse_stale(connection, read)
            self._log(connection, read, "edit", by, content.document)
            values = config_row(content.ruleset) | {"document": content.document}
            self._change(connection, read, by, values)
            for part in PARTS:
                connection.execute(delete(part).where(part.c.home == self._home, part.c.config_id == read.id))
            self._write_parts(connection, read.id, content)
            return self._read(connection, read.id)

    def activate(self, read: Scan, by: Changing, *, active: bool) -> Scan:
        """See the port."""
        with writing(self._engine) as connection:
            self._refuse_stale(connection, read)
            if read.active == active:
                return read
            action = "enable" if active else "disable"
            self._log(connection, read, action, by, read.document)
            self._change(connection, read, by, {"is_active": active})
            return self._read(connection, read.id)

    def delete(self, read: Scan, by: Changing) -> None:
        """See the port."""
        with writing(self._engine) as connection:
            self._refuse_stale(connection, read)
            self._log(connection, read, "delete", by, None)
            for part in PARTS:
                connection.execute(delete(part).where(part.c.home == self._home, part.c.config_id == read.id))
            ours = (signal_configs.c.home == self._home, signal_configs.c.id == read.id)
            connection.execute(delete(signal_configs).where(*ours))

    def changes(self, name: str = "") -> tuple[ScanChange, ...]:
        """See the port."""
        table = signal_config_changes
        wanted = select(table).where(table.c.home == self._home, *([table.c.name == name] if name else []))
        ordered = wanted.order_by(table.c.config_id, table.c.number)

        def read() -> Sequence[Row[tuple[object, ...]]]:
            with reading(self._engine) as connection:
                return connection.execute(ordered).all()

        return tuple(_change(row) for row in repeated(self._engine, read))

    def _refuse_taken(self, connection: Connection, name: str) -> None:
        ours = signal_configs.c.home == self._home
        names = connection.execute(select(signal_configs.c.name).where(ours)).scalars().all()
        if name in names:
            raise ConflictError(f"there is a scan {name!r} already", remedy="Edit it, or choose another name")
        if len(names) >= SCANS_MAX:
            raise UserError(f"there are {len(names)} scans", why=f"at most {SCANS_MAX} are kept", remedy="Delete some")

    def _next_id(self, connection: Connection) -> int:
        """One more than every id that this home has ever given out: the history of a deleted one stays its own."""
        table = signal_config_changes
        highest = select(func.coalesce(func.max(table.c.config_id), 0)).where(table.c.home == self._home)
        return int(connection.execute(highest).scalar_one()) + 1

    def _refuse_stale(self, connection: Connection, read: Scan) -> None:
        table = signal_config_changes
        wanted = select(table).where(table.c.home == self._home, table.c.config_id == read.id)
        newest = connection.execute(wanted.order_by(table.c.number.desc()).limit(1)).first()
        if newest is None or newest.number != read.number:
            what = "is gone" if newest is None else f"was changed meanwhile: {newest.action} by {newest.user_name}"
            at = "" if newest is None else datetime.fromtimestamp(newest.at // SECOND, UTC).isoformat()
            when = "" if newest is None else f" at {at}, change {newest.number}"
            raise ConflictError(
                f"the scan {read.name!r} {what}{when}",
                why=f"change {read.number} was read",
                remedy="Look at it again, then change it",
            )

    def _log(self, connection: Connection, of: Scan, action: str, by: Changing, after: str | None) -> None:
        """The next change of what was read; of one that is being made, the first. It follows the last change of any."""
        made = {"at": by.at, "user_name": by.user_name, "reason": by.reason, "action": action}
        before = of.document if of.number else None
        which = {"config_id": of.id, "number": of.number + 1, "name": of.name}
        table = signal_config_changes
        newest = select(table.c.seq, table.c.hash).where(table.c.home == self._home).order_by(table.c.seq.desc()).limit(1)
        last = connection.execute(newest).first()
        values = chained(which | made | {"before": before, "after": after}, *(last or ()))
        connection.execute(insert(table).values(home=self._home, **values))

    def _change(self, connection: Connection, read: Scan, by: Changing, values: Mapping[str, object]) -> None:
        ours = (signal_configs.c.home == self._home, signal_configs.c.id == read.id)
        made = {"number": read.number + 1, "updated_at": max(by.at, read.created_at), "user_name": by.user_name}
        connection.execute(update(signal_configs).where(*ours).values(**values, **made))

    def _write_parts(self, connection: Connection, config_id: int, content: ScanContent) -> None:
        ruleset = content.ruleset
        rows_of = (symbol_rows(ruleset, content.tokens), entry_rows(ruleset), exit_rows(ruleset))
        for table, rows in zip(PARTS, rows_of, strict=True):
            for row in rows:
                connection.execute(insert(table).values(home=self._home, config_id=config_id, **row))

    def _read(self, connection: Connection, config_id: int) -> Scan:
        ours = (signal_configs.c.home == self._home, signal_configs.c.id == config_id)
        return _scan(connection.execute(select(signal_configs).where(*ours)).one())

    def close(self) -> None:
        """See the port."""
        self._engine.dispose()


def _scan(row: Row[tuple[object, ...]]) -> Scan:
    return Scan(
        id=row.id,
        name=row.name,
        active=row.is_active,
        document=row.document,
        version=row.version,
        number=row.number,
        created_at=row.created_at,
        updated_at=row.updated_at,
        user_name=row.user_name,
    )


def _change(row: Row[tuple[object, ...]]) -> ScanChange:
    return ScanChange(
        id=row.config_id,
        number=row.number,
        name=row.name,
        at=row.at,
        user_name=row.user_name,
        action=row.action,
        reason=row.reason,
        before=row.before,
        after=row.after,
    )
