"""A change of a scan configuration as a record: the rows of ``signal_config_changes`` are the records of one stream, ``scans``.

A record's payload is not stored: it is made of its row, so that nothing is said twice. The way it is made never changes.
"""

from typing import Any, Final

import msgspec
from sqlalchemy import Row

from theo.domain.journal import GENESIS, Record, chain_hash

STREAM: Final = "scans"
VERSION: Final = 1
NO_EPOCH: Final = 0  # there is no one writer


class _Payload(msgspec.Struct, frozen=True):
    id: int
    number: int
    name: str
    user: str
    reason: str
    before: str | None
    after: str | None


_encode: Final = msgspec.json.Encoder().encode


def record_of(row: Row[Any]) -> Record:
    """What is stored, as it is, right or wrong: ``previous`` and ``hash`` are the row's own."""
    payload = _encode(_Payload(row.config_id, row.number, row.name, row.user_name, row.reason, row.before, row.after))
    return Record(STREAM, row.seq, NO_EPOCH, row.at, row.action, VERSION, payload, row.previous, row.hash)


def chained(values: dict[str, Any], seq: int = 0, previous: bytes = GENESIS) -> dict[str, Any]:
    """The columns of a change with those that make it follow the change ``seq``, whose hash is ``previous``; 0 is none."""
    named = ("config_id", "number", "name", "user_name", "reason", "before", "after")
    payload = _encode(_Payload(*(values[name] for name in named)))
    digest = chain_hash(STREAM, seq + 1, NO_EPOCH, values["at"], values["action"], VERSION, payload, previous)
    return values | {"seq": seq + 1, "previous": previous, "hash": digest}
