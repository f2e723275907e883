"""The journal's encoding: steps (what came in, what followed) and batches of market data as bytes, and back.

One record holds the consecutive steps of one group commit: they become durable together, so one hash stands for them all. A
step with an effect ends its record.

Payloads of the trading stream are JSON, readable by anyone for years; market data is packed (MessagePack). Stored payloads are
never rewritten: a changed struct gets a new version and an upcaster here.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from operator import itemgetter, or_
from typing import Any, Final, TypeVar, get_args

import msgspec

from theo.domain.errors import CorruptionError
from theo.domain.facts import FACTS_VERSION, Decided, Fact
from theo.domain.inputs import Input
from theo.domain.journal import Record
from theo.domain.market_data import MarketData

T = TypeVar("T")
STEPS: Final = "steps"
DATA: Final = "data"
DATA_VERSION = 1


class Step(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One input and its facts. ``consumed`` is how many items of the data stream had been taken when it was decided.

    ``input`` is None when the last consumed item was the input.
    """

    at: int
    consumed: int
    input: Input | None
    facts: list[Fact]


class DecidedText(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="decided"):
    """``Decided`` for who stores it again: its numbers as the JSON text that the record holds."""

    config: str
    end: int
    verdict: str
    numbers: msgspec.Raw
    truths: int


class Batch(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Market data in arrival order; ``first`` numbers its first item, from 1."""

    first: int
    items: list[MarketData]


encode_steps = msgspec.json.Encoder().encode
encode_batch = msgspec.msgpack.Encoder().encode
_steps_decoder = msgspec.json.Decoder(list[Step])
# A fact with a decision's numbers as text.
KEPT_FACT: Any = reduce(or_, (DecidedText if kind is Decided else kind for kind in get_args(Fact)))
_TIME_AND_FACTS: Final = itemgetter(0, 3)  # of a step as it is kept
_kept_decoder = msgspec.json.Decoder(list[tuple[int, int, msgspec.Raw, list[KEPT_FACT]]])
_batch_decoder = msgspec.msgpack.Decoder(Batch)

# (type, version) -> decoder of that version's payload. Old entries stay for ever.
_VERSIONS: dict[int, Callable[[bytes], list[Step]]] = {FACTS_VERSION: _steps_decoder.decode}
_KEPT: dict[int, Callable[[bytes], list[Any]]] = {FACTS_VERSION: _kept_decoder.decode}


def decode_steps(record: Record) -> list[Step]:
    """The steps of a trading record, in order; raises CorruptionError for a payload that cannot be one."""
    return _decoded(record, _VERSIONS)


def _decoded(record: Record, versions: dict[int, Callable[[bytes], list[T]]]) -> list[T]:
    decode = versions.get(record.version)
    if record.type != STEPS or decode is None:
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
    if record.type != STEPS:
        return ()
    return tuple(fact for step in decode_steps(record) for fact in step.facts)


def kept_steps(record: Record) -> Iterable[tuple[int, Sequence[Fact | DecidedText]]]:
    """Core time and facts of each step, for who stores them again: decisions, nearly all facts, keep their numbers as text."""
    return map(_TIME_AND_FACTS, _decoded(record, _KEPT)) if record.type == STEPS else ()
