"""Messages in which every field has a value of its own, so that two exchanged fields are seen; and strategies for any message."""

import math
from decimal import Decimal
from itertools import count
from typing import TypeVar, get_args, get_origin

import msgspec
from hypothesis import strategies as st

from theo.gateway.wire import kinds
from theo.gateway.wire.kinds import Kind, TagValue
from theo.gateway.wire.messages.order import CONDITIONS, Order
from theo.gateway.wire.schema import hints, kind_of, value_type

T = TypeVar("T", bound=msgspec.Struct)

# Anything but NUL, which no field can hold; and the backslash, which makes an escape of what follows.
TEXTS = st.text(st.characters(exclude_characters="\0\\", exclude_categories=["Cs"]), max_size=8)
WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="=;\\"), min_size=1, max_size=6)
INTS = st.integers(-(2**31), 2**31 - 2)
LONGS = st.integers(-(2**53), 2**53)
FLOATS = st.floats(allow_nan=False, allow_infinity=False, max_value=1e300, min_value=-1e300)
WHOLE = st.integers(-(10**9), 10**9).map(Decimal)
SIZES = st.decimals(min_value=-(10**9), max_value=10**9, places=4, allow_nan=False, allow_infinity=False)
OF_KIND: dict[str, st.SearchStrategy[object]] = {
    "int": INTS,
    "long": LONGS,
    "int or unset": st.none() | INTS,
    "double": FLOATS,
    "double or unset": st.none() | FLOATS,
    "double, infinite or unset": st.none() | FLOATS | st.just(math.inf),
    "decimal": SIZES,
    "decimal or unset": st.none() | SIZES,
    "size": WHOLE,
    "bool": st.booleans(),
    "bool or unset": st.none() | st.booleans(),
    "text": TEXTS,
    "tag list": st.lists(st.builds(TagValue, WORDS, WORDS), max_size=2).map(tuple),
}


def messages(struct: type[T], **given: st.SearchStrategy[object]) -> st.SearchStrategy[T]:
    """Any value of a struct; fields that are given are drawn from what is given."""
    return st.builds(
        struct, **{name: given[name] if name in given else _any(declared) for name, declared in hints(struct).items()}
    )


def _any(declared: object) -> st.SearchStrategy[object]:
    kind = kind_of(declared)
    if kind is not None:
        return OF_KIND[kind.name]
    if get_origin(declared) is tuple:
        items = get_args(declared)[0]
        inner = [messages(each) for each in _structs(items)]
        return st.lists(st.one_of(inner) if inner else _any(items), max_size=3).map(tuple)
    found = value_type(declared)
    assert found is not None
    return messages(found) if declared is found else st.none() | messages(found)


def _structs(declared: object) -> list[type[msgspec.Struct]]:
    return [each for each in (declared, *get_args(declared)) if isinstance(each, type) and issubclass(each, msgspec.Struct)]


class Filler:
    """Fills structs; each number and text comes once."""

    def __init__(self) -> None:
        self._next = count(1_000)

    def filled(self, struct: type[T], **given: object) -> T:
        """A value of a struct with every field set; those given are taken as they are."""
        values = {name: self._value(declared) for name, declared in hints(struct).items() if name not in given}
        return struct(**values, **given)

    def order(self, **given: object) -> Order:
        """An order with everything set, and one condition of each type."""
        conditions = tuple(self.filled(struct, conjunction="o") for struct in CONDITIONS.values())
        return self.filled(Order, **{"conditions": conditions, **given})

    def _value(self, declared: object) -> object:
        kind = kind_of(declared)
        if kind is not None:
            return self._of_kind(kind)
        found = value_type(declared)
        if get_origin(declared) is tuple:
            if len(_structs(get_args(declared)[0])) > 1:
                return ()
            return tuple(self.filled(found) if found else self._value(get_args(declared)[0]) for _ in range(2))
        assert found is not None
        return self.filled(found)

    def _of_kind(self, kind: Kind) -> object:
        n = next(self._next)
        if kind is kinds.TEXT:
            return f"text{n}"
        if kind is kinds.TAGS:
            return (TagValue(f"tag{n}", f"value{n}"), TagValue(f"tag{n}b", f"value{n}b"))
        if kind in {kinds.FLAG, kinds.FLAG_OR_UNSET}:
            return True
        if kind in {kinds.SIZE, kinds.SIZE_OR_UNSET, kinds.MARKET_SIZE}:
            return Decimal(n)
        return n + 0.25 if "double" in kind.name else n
