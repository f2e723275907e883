"""The language in which a message is described: its fields in wire order, and the server versions in which each exists.

A name is a field of the message, or `value.field` for a field of one of its values. The kind of a field follows from its type.
What is described is in `messages`; what is made of a description is in `compiler` and `coverage`.
"""

import types
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Annotated, Union, get_args, get_origin, get_type_hints

import msgspec

from theo.gateway.wire import kinds
from theo.gateway.wire.kinds import Kind, TagValue

VERSION_MIN = 157  # what ib_async and the official client of 2020 speak; older ones are refused
VERSION_MAX = 178  # the last version in which every message is text and every installed client still speaks it
FOREVER = 2**31


class Direction(Enum):
    """Who sends a message."""

    REQUEST = "client to server"
    ANSWER = "server to client"


class Message(msgspec.Struct, frozen=True, gc=False):
    """Base of everything that travels in a frame."""


class Test(msgspec.Struct, frozen=True):
    """A condition on a field that was sent earlier: in words, and as an expression in which {} is the value."""

    words: str
    expression: str


class Named(msgspec.Struct, frozen=True):
    """A field of the message."""

    path: str


class Fixed(msgspec.Struct, frozen=True):
    """A field that is always written the same and read without a look: a message version, or what has lost its meaning."""

    text: str
    what: str


class Span(msgspec.Struct, frozen=True):
    """Fields that exist in server versions `since` <= version < `until` only."""

    since: int
    until: int
    parts: tuple["Part", ...]


class When(msgspec.Struct, frozen=True):
    """Fields that are there only when an earlier field is so."""

    path: str
    test: Test
    parts: tuple["Part", ...]


class Perhaps(msgspec.Struct, frozen=True):
    """A flag, and behind it the fields of a value, or the flag alone for None."""

    path: str


class Repeat(msgspec.Struct, frozen=True):
    """A count, and that many times the parts of an item, or one field when items are no values of their own."""

    path: str
    parts: tuple["Part", ...] = ()


class Choice(msgspec.Struct, frozen=True):
    """A count, and that many values, each with a number in front that says of which type it is."""

    path: str
    types: Mapping[int, type[msgspec.Struct]]


class Rest(msgspec.Struct, frozen=True):
    """All fields to the end, as they are: clients do not agree on what stands there."""

    path: str


Part = Named | Fixed | Span | When | Perhaps | Repeat | Choice | Rest


class Entry(msgspec.Struct, frozen=True):
    """One message: number, direction, value and fields. `only` tells apart messages that share a number by their third field."""

    message: type[Message]
    message_id: int
    direction: Direction
    parts: tuple[Part, ...]
    name: str
    since: int = VERSION_MIN
    only: frozenset[str] = frozenset()


NOT_EMPTY = Test("is not empty", "{}")
POSITIVE = Test("is above 0", "({} or 0) > 0")
INFINITE = Test("is infinite", "{} == INFINITE")


def one_of(*texts: str) -> Test:
    """Whether a text is one of these."""
    return Test("is " + " or ".join(texts), f"{{}} in {texts!r}")


def parts_of(*items: str | Part) -> tuple[Part, ...]:
    """Names and parts, all as parts."""
    return tuple(Named(item) if isinstance(item, str) else item for item in items)


def since(version: int, *items: str | Part) -> Span:
    """Fields that a version brought."""
    return Span(version, FOREVER, parts_of(*items))


def until(version: int, *items: str | Part) -> Span:
    """Fields that a version took away."""
    return Span(VERSION_MIN, version, parts_of(*items))


def when(path: str, test: Test, *items: str | Part) -> When:
    """Fields under a condition."""
    return When(path, test, parts_of(*items))


def under(value: str, *names: str) -> tuple[Part, ...]:
    """Fields of one of the message's values."""
    return tuple(Named(f"{value}.{name}") for name in names)


def wire_name(message: type[Message]) -> str:
    """IB's name of a message, from the name of its value: ReqMktData -> reqMktData."""
    return message.__name__[0].lower() + message.__name__[1:]


def request(message: type[Message], message_id: int, *items: str | Part, version: int = 0, since: int = VERSION_MIN) -> Entry:
    """A message of the client. Without items its fields travel in the order in which they are declared."""
    return _entry(message, message_id, Direction.REQUEST, items, version, since)


def answer(
    message: type[Message],
    message_id: int,
    *items: str | Part,
    version: int = 0,
    since: int = VERSION_MIN,
    only: tuple[str, ...] = (),
) -> Entry:
    """A message of the server. As `request`."""
    entry = _entry(message, message_id, Direction.ANSWER, items, version, since)
    return msgspec.structs.replace(entry, only=frozenset(only))


def _entry(
    message: type[Message], message_id: int, direction: Direction, items: tuple[str | Part, ...], version: int, since: int
) -> Entry:
    parts = parts_of(*(items or message.__struct_fields__))
    head = (Fixed(str(version), "version"),) if version else ()
    return Entry(message, message_id, direction, (*head, *parts), wire_name(message), since)


@cache
def hints(struct: type[msgspec.Struct]) -> dict[str, object]:
    """The type of each field, annotations kept."""
    return get_type_hints(struct, include_extras=True)


PLAIN: Mapping[object, Kind] = {
    int: kinds.INT,
    float: kinds.FLOAT,
    Decimal: kinds.SIZE,
    str: kinds.TEXT,
    bool: kinds.FLAG,
}
OPTIONAL: Mapping[object, Kind] = {
    int: kinds.INT_OR_UNSET,
    float: kinds.FLOAT_OR_UNSET,
    Decimal: kinds.SIZE_OR_UNSET,
    bool: kinds.FLAG_OR_UNSET,
}


def kind_of(declared: object) -> Kind | None:
    """The kind of field that carries a declared type; None for a type that takes several fields."""
    if get_origin(declared) is Annotated:
        return next((each for each in get_args(declared) if isinstance(each, Kind)), None)
    if get_origin(declared) in {Union, types.UnionType}:
        return OPTIONAL.get(next(each for each in get_args(declared) if each is not type(None)))
    if declared == tuple[TagValue, ...]:
        return kinds.TAGS
    return PLAIN.get(declared)


def value_type(declared: object) -> type[msgspec.Struct] | None:
    """The struct inside `Struct`, `Struct | None` or `tuple[Struct, ...]`; None for anything else."""
    for each in (declared, *get_args(declared)):
        if isinstance(each, type) and issubclass(each, msgspec.Struct):
            return each
    return None


def all_of(struct: type[msgspec.Struct]) -> tuple[Part, ...]:
    """The fields of a value in the order in which they are declared."""
    return tuple(Named(name) for name in struct.__struct_fields__)


def item_type(declared: object) -> object:
    """The X of a `tuple[X, ...]`."""
    found: object = get_args(declared)[0]
    return found


def declared_at(root: type[msgspec.Struct], path: str) -> object:
    """The declared type of a field of a message, or of a field of one of its values."""
    head, _, rest = path.partition(".")
    found = hints(root)[head]
    if not rest:
        return found
    inner = value_type(found)
    assert inner is not None, f"{root.__name__}.{head} is no value"
    return declared_at(inner, rest)
