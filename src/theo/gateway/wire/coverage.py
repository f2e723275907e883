"""What the codec knows, as rows and as a page for the documentation, taken from the same table that the codecs are made from."""

from collections.abc import Iterator, Sequence

import msgspec

from theo.gateway.wire.messages.others import UNSUPPORTED
from theo.gateway.wire.schema import (
    FOREVER,
    VERSION_MAX,
    VERSION_MIN,
    Choice,
    Direction,
    Entry,
    Fixed,
    Named,
    Part,
    Perhaps,
    Repeat,
    Rest,
    Span,
    When,
    all_of,
    declared_at,
    item_type,
    kind_of,
    value_type,
)
from theo.gateway.wire.table import ENTRIES

NOT_OFFERED = "understood, and refused"


class Row(msgspec.Struct, frozen=True):
    """A message: its number, IB's name, who sends it, the first version that has it, and its fields in wire order."""

    message_id: int
    name: str
    direction: Direction
    since: int
    fields: tuple[str, ...]


def rows() -> tuple[Row, ...]:
    """Every message, requests first, by number."""
    known = [
        Row(entry.message_id, entry.name, entry.direction, entry.since, tuple(_fields(entry.message, entry.parts)))
        for entry in ENTRIES
    ]
    refused = [
        Row(number, each.name, Direction.REQUEST, max(each.since, VERSION_MIN), (NOT_OFFERED,))
        for number, each in UNSUPPORTED.items()
    ]
    return tuple(sorted(known + refused, key=lambda row: (row.direction is Direction.ANSWER, row.message_id, row.name)))


def fields_at(entry: Entry, version: int) -> int:
    """How many fields a message of this version has at least, its number included: nothing repeated, no condition met."""
    return 1 + _least(entry.parts, version)


def _least(parts: Sequence[Part], version: int) -> int:
    count = 0
    for part in parts:
        if isinstance(part, Span):
            count += _least(part.parts, version) if part.since <= version < part.until else 0
        elif not isinstance(part, When | Rest):
            count += 1
    return count


def _fields(root: type[msgspec.Struct], parts: Sequence[Part]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, Fixed):
            yield f"{part.what} ({part.text})" if part.text else part.what
        elif isinstance(part, Named):
            kind = kind_of(declared_at(root, part.path))
            assert kind is not None
            yield f"{part.path}: {kind.name}"
        elif isinstance(part, Span):
            bounds = f"from {part.since}" if part.until == FOREVER else f"below {part.until}"
            if part.since > VERSION_MIN and part.until != FOREVER:
                bounds = f"from {part.since}, below {part.until}"
            yield f"[{bounds}: {', '.join(_fields(root, part.parts))}]"
        elif isinstance(part, When):
            yield f"[if {part.path} {part.test.words}: {', '.join(_fields(root, part.parts))}]"
        else:
            yield _many(root, part)


def _many(root: type[msgspec.Struct], part: Perhaps | Repeat | Choice | Rest) -> str:
    """The text of a part that holds several fields."""
    if isinstance(part, Rest):
        return f"{part.path}: all that is left"
    if isinstance(part, Choice):
        inner = " or ".join(f"{number}, {', '.join(_fields(struct, all_of(struct)))}" for number, struct in part.types.items())
        return f"{part.path}: count, each [{inner}]"
    declared = declared_at(root, part.path)
    struct = value_type(declared)
    if struct is None:
        kind = kind_of(item_type(declared))
        assert kind is not None
        return f"{part.path}: count, each {kind.name}"
    inside = ", ".join(_fields(struct, (part.parts if isinstance(part, Repeat) else ()) or all_of(struct)))
    return f"{part.path}: {'flag, then' if isinstance(part, Perhaps) else 'count, each'} [{inside}]"


def page() -> str:
    """The table as Markdown: one line a message."""
    lines = [
        f"Server versions {VERSION_MIN} to {VERSION_MAX}. Fields stand in wire order, behind the message's number.",
    ]
    for direction in Direction:
        lines += ["", f"## {direction.value.capitalize()}", "", "| number | message | since | fields |", "|---|---|---|---|"]
        lines += [
            f"| {row.message_id} | `{row.name}` | {row.since} | {', '.join(row.fields) or '-'} |"
            for row in rows()
            if row.direction is direction
        ]
    return "\n".join(lines) + "\n"
