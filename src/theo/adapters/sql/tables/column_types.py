"""Column types that mean the same in both databases."""

from typing import Any

from sqlalchemy import BigInteger, Integer, Text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

ROW_ID = BigInteger().with_variant(Integer, "sqlite")
TEXT = Text().with_variant(Text(collation="C"), "postgresql")  # ordered by its bytes, whatever the server's language


class Moment(TypeDecorator[int]):
    """Microseconds UTC; on a server a timestamptz, which is the same number there."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Which of the two."""
        kind: TypeEngine[Any] = TIMESTAMP(timezone=True) if dialect.name == "postgresql" else BigInteger()
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        """As the driver takes it."""
        if value is None or dialect.name != "postgresql":
            return value
        from theo.adapters.sql.database.postgresql import Micros

        return Micros(value)
