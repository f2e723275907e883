"""The journal's encoding: a step (what came in, what followed) and a batch of market data as bytes, and back.

Payloads of the trading stream are JSON, readable by anyone for years; market data is packed (MessagePack). Stored payloads are
never rewritten: a changed struct gets a new version and an upcaster here.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from theo.domain.errors import CorruptionError
from theo.domain.facts import FACTS_VERSION, Fact
from theo.domain.inputs import Input
from theo.domain.journal import Record
from theo.domain.market_data import Bar, Tick

STEP: Final = "step"
DATA: Final = "data"
DATA_VERSION = 1


class Step(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One record of the trading stream. ``consumed`` is how many items of the data stream had been taken when it was decided.

    ``input`` is None when the last consumed item was the input.
    """

    at: int
    consumed: int
    input: Input | None
    facts: list[Fact]


class Batch(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Market data in arrival order; ``first`` numbers its first item, from 1."""

    first: int
    items: list[Tick | Bar]


encode_step = msgspec.json.Encoder().encode
encode_batch = msgspec.msgpack.Encoder().encode
_step_decoder = msgspec.json.Decoder(Step)
_batch_decoder = msgspec.msgpack.Decoder(Batch)

# (type, version) -> decoder of that version's payload. Old entries stay for ever.
_STEPS: dict[int, Callable[[bytes], Step]] = {FACTS_VERSION: _step_decoder.decode}


def decode_step(record: Record) -> Step:
    """The step of a trading record; raises CorruptionError for a payload that cannot be one."""
    decode = _STEPS.get(record.version)
    if record.type != STEP or decode is None:
        raise CorruptionError(
            f"record of type {record.type} version {record.version} is not known",
            where=f"{record.stream} {record.seq}",
            remedy="It was written by a newer version: upgrade",
        )
    try:
        return decode(record.payload)
    except msgspec.DecodeError as error:
        raise CorruptionError(str(error), where=f"{record.stream} {record.seq}", remedy="Run `theo journal verify`") from error


def decode_batch(record: Record) -> Batch:
    """The market data of a data record; raises CorruptionError."""
    if record.type != DATA or record.version != DATA_VERSION:
        raise CorruptionError(
            f"record of type {record.type} version {record.version} is not known",
            where=f"{record.stream} {record.seq}",
            remedy="It was written by a newer version: upgrade",
        )
    try:
        return _batch_decoder.decode(record.payload)
    except msgspec.DecodeError as error:
        raise CorruptionError(str(error), where=f"{record.stream} {record.seq}", remedy="Run `theo journal verify`") from error


def decode_facts(record: Record) -> tuple[Fact, ...]:
    """The facts of any record: none of a data record."""
    return tuple(decode_step(record).facts) if record.type == STEP else ()
