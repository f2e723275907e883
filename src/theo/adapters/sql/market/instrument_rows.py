"""instruments: what can be traded or watched, as rows."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, select

from theo.adapters.sql.database.dialect import upsert_rows
from theo.adapters.sql.database.meanings import Value
from theo.adapters.sql.tables.market import instruments as table
from theo.domain.errors import DataError
from theo.domain.instrument import Instrument, SecurityType

_aliases = msgspec.json.Decoder(dict[str, str])


def put_instruments(connection: Connection, instruments: Sequence[Instrument]) -> None:
    """Insert or update. Raises DataError when the price unit of a stored instrument would change."""
    known = {row.id: row.price_decimals for row in connection.execute(select(table.c.id, table.c.price_decimals))}
    for instrument in instruments:
        decimals = known.get(instrument.id, instrument.price_decimals)
        if decimals != instrument.price_decimals:
            raise DataError(
                f"price_decimals of {instrument.symbol} would change from {decimals} to {instrument.price_decimals}",
                why="every stored price of it is in units of the first",
                remedy="Keep the old value, or give the instrument a new id",
            )
    upsert_rows(connection, table, [_row(instrument) for instrument in instruments])


def read_instruments(connection: Connection) -> tuple[Instrument, ...]:
    """All, by id."""
    return tuple(
        Instrument(
            id=r.id,
            symbol=r.symbol,
            token=r.token,
            security_type=SecurityType(r.security_type),
            exchange=r.exchange,
            calendar=r.calendar,
            currency=r.currency,
            multiplier=r.multiplier,
            price_decimals=r.price_decimals,
            tick=r.tick,
            contract_size=r.contract_size,
            expiry=r.expiry,
            strike=r.strike,
            right=r.option_right,
            aliases=_aliases.decode(r.aliases),
        )
        for r in connection.execute(select(table).order_by(table.c.id))
    )


def _row(i: Instrument) -> tuple[Value, ...]:
    identity = (i.id, i.symbol, i.token, str(i.security_type), i.exchange, i.calendar, i.currency)
    terms = (i.multiplier, i.price_decimals, i.tick, i.contract_size, i.expiry, i.strike, i.right)
    return (*identity, *terms, msgspec.json.encode(i.aliases, order="deterministic").decode())
