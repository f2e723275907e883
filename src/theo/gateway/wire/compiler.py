"""Makes the encoder and the decoder of a message for one server version: straight-line code without a look at the description.

Fifty thousand ticks a second leave no time to interpret a table for each. The code is made from the descriptions in this
repository alone; nothing that a peer sends ever becomes part of it. What a message is made of is in `schema`.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import cast

import msgspec

from theo.gateway.wire.faults import quoted
from theo.gateway.wire.kinds import FRACTIONAL_SIZES_SINCE, Kind, read_flag, read_int
from theo.gateway.wire.schema import (
    Choice,
    Direction,
    Entry,
    Fixed,
    Message,
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

Encoder = Callable[[Message], str]
Decoder = Callable[[Callable[[], str], int], Message]
INDENT = "    "
NUL = "\\x00"  # as it stands in the text of a function: a shorter escape would swallow digits behind it


def read_count(text: str, fields: int) -> int:
    """How many items follow: never more than the whole message has fields, so that no count can ask for memory."""
    count = read_int(text)
    if not 0 <= count <= fields:
        raise ValueError(f"{quoted(text)} items in {fields} fields")
    return count


def rest(field: Callable[[], str]) -> Iterator[str]:
    """Every field that is left."""
    while True:
        try:
            yield field()
        except StopIteration:
            return


class Code:
    """Lines of a function in the making, at a depth of indentation, with the values that its names stand for."""

    def __init__(self, entry: Entry, version: int) -> None:
        self.entry, self.version = entry, version
        self.request = entry.direction is Direction.REQUEST
        self.lines: list[str] = []
        self.depth = 1
        self.names: dict[str, object] = {"read_count": read_count, "read_int": read_int, "rest": rest, "INFINITE": math.inf}
        self.functions: dict[object, str] = {}
        self.made = 0

    def line(self, text: str) -> None:
        """One more line."""
        self.lines.append(INDENT * self.depth + text)

    def new(self, stem: str) -> str:
        """A name that is not in use."""
        self.made += 1
        return f"{stem}{self.made}"

    def bound(self, stem: str, value: object) -> str:
        """A name for a value."""
        name = self.new(stem)
        self.names[name] = value
        return name

    def called(self, function: Callable[..., object] | None, argument: str) -> str:
        """A function's call, or the argument alone where there is none."""
        if function is None:
            return argument
        if function not in self.functions:
            self.functions[function] = self.bound("call", function)
        return f"{self.functions[function]}({argument})"

    def kind(self, declared: object) -> Kind:
        """The kind of a field of a declared type, for this direction and version."""
        kind = kind_of(declared)
        assert kind is not None, f"{self.entry.name}: {declared} takes several fields"
        if self.request:
            return kind.request or kind
        return kind.whole or kind if self.version < FRACTIONAL_SIZES_SINCE else kind

    def inside(self, span: Span) -> bool:
        """Whether the version has these fields."""
        return span.since <= self.version < span.until

    def function(self, head: str) -> object:
        """The finished function."""
        space = dict(self.names)
        exec("\n".join([head, *self.lines]), space)  # noqa: S102 - made from this repository's descriptions alone
        return space["run"]


class Writing(Code):
    """The making of an encoder."""

    def __init__(self, entry: Entry, version: int) -> None:
        super().__init__(entry, version)
        self.pending: list[str] = []

    def flush(self) -> None:
        """Write what was gathered as one formatted text."""
        if self.pending:
            self.line(f'out(f"""{"".join(self.pending)}""")')
            self.pending.clear()

    def constant(self, text: str) -> None:
        """A field that is always the same."""
        self.pending.append(text + NUL)

    def value(self, kind: Kind, expression: str) -> None:
        """One field."""
        self.pending.append("{" + self.called(kind.write, expression) + kind.layout + "}" + NUL)

    def block(self, head: str, root: type[msgspec.Struct], at: str, parts: tuple[Part, ...]) -> None:
        """Parts one level deeper."""
        self.flush()
        self.line(head)
        self.depth += 1
        self.parts(root, at, parts)
        self.flush()
        self.line("pass")
        self.depth -= 1

    def parts(self, root: type[msgspec.Struct], at: str, parts: tuple[Part, ...]) -> None:
        """Parts of a value that stands at an expression."""
        for part in parts:
            if isinstance(part, Fixed):
                self.constant(part.text)
            elif isinstance(part, Named):
                self.value(self.kind(declared_at(root, part.path)), f"{at}.{part.path}")
            elif isinstance(part, Span):
                if self.inside(part):
                    self.parts(root, at, part.parts)
            elif isinstance(part, When):
                self.block(f"if {part.test.expression.format(f'{at}.{part.path}')}:", root, at, part.parts)
            elif isinstance(part, Perhaps):
                self.perhaps(root, at, part)
            elif isinstance(part, Rest):
                self.rest(f"{at}.{part.path}")
            else:
                self.items(root, at, part)

    def perhaps(self, root: type[msgspec.Struct], at: str, part: Perhaps) -> None:
        """A flag, and behind it the fields of a value."""
        inner = value_type(declared_at(root, part.path))
        assert inner is not None
        self.constant(f"{{{at}.{part.path} is not None:d}}")
        self.block(f"if {at}.{part.path} is not None:", inner, f"{at}.{part.path}", all_of(inner))

    def rest(self, expression: str) -> None:
        """Fields without a count."""
        item = self.new("item")
        self.flush()
        self.line(f"for {item} in {expression}:")
        self.depth += 1
        self.value(self.kind(str), item)
        self.flush()
        self.depth -= 1

    def items(self, root: type[msgspec.Struct], at: str, part: Repeat | Choice) -> None:
        """A count and the items."""
        declared, expression, item = declared_at(root, part.path), f"{at}.{part.path}", self.new("item")
        self.constant(f"{{len({expression})}}")
        self.flush()
        self.line(f"for {item} in {expression}:")
        self.depth += 1
        if isinstance(part, Choice):
            for number, struct in part.types.items():
                name = self.bound("Type", struct)
                self.block(f"if type({item}) is {name}:", struct, item, (Fixed(str(number), "type"), *all_of(struct)))
        else:
            inner = value_type(declared)
            if inner is None:
                self.value(self.kind(item_type(declared)), item)
            else:
                self.parts(inner, item, part.parts or all_of(inner))
        self.flush()
        self.depth -= 1


class Reading(Code):
    """The making of a decoder: each field goes into a local name, the values are built at the end."""

    def value(self, kind: Kind) -> str:
        """The expression that reads the next field."""
        return self.called(kind.read, "field()")

    def parts(self, root: type[msgspec.Struct], stem: str, parts: tuple[Part, ...], found: dict[str, str]) -> None:
        """Read parts of a value into names that begin with a stem; `found` gathers path -> name."""
        for part in parts:
            if isinstance(part, Fixed):
                self.line("field()")
            elif isinstance(part, Span):
                if self.inside(part):
                    self.parts(root, stem, part.parts, found)
            elif isinstance(part, When):
                self.condition(root, stem, part, found)
            elif isinstance(part, Named):
                self.line(f"{_name(stem, part.path, found)} = {self.value(self.kind(declared_at(root, part.path)))}")
            elif isinstance(part, Perhaps):
                self.perhaps(root, stem, part, found)
            elif isinstance(part, Rest):
                self.line(f"{_name(stem, part.path, found)} = tuple(rest(field))")
            else:
                self.items(root, stem, part, found)

    def condition(self, root: type[msgspec.Struct], stem: str, part: When, found: dict[str, str]) -> None:
        """Parts under a condition: without them the fields keep their defaults."""
        test = part.test.expression.format(found[part.path])
        before, place, inner = dict(found), len(self.lines), dict(found)
        self.line(f"if {test}:")
        self.depth += 1
        self.parts(root, stem, part.parts, inner)
        self.line("pass")
        self.depth -= 1
        defaults = [
            INDENT * self.depth + f"{name} = {self.bound('default', _default(root, path))}"
            for path, name in inner.items()
            if path not in before
        ]
        self.lines[place:place] = defaults
        found.update(inner)

    def perhaps(self, root: type[msgspec.Struct], stem: str, part: Perhaps, found: dict[str, str]) -> None:
        """A flag, and behind it the fields of a value."""
        inner = value_type(declared_at(root, part.path))
        assert inner is not None
        name = _name(stem, part.path, found)
        self.line(f"{name} = None")
        self.line(f"if {self.called(read_flag, 'field()')}:")
        self.depth += 1
        self.line(f"{name} = {self.built(inner, name, all_of(inner))}")
        self.depth -= 1

    def items(self, root: type[msgspec.Struct], stem: str, part: Repeat | Choice, found: dict[str, str]) -> None:
        """A count and the items."""
        name = _name(stem, part.path, found)
        items = self.new("items")
        self.line(f"{items} = []")
        self.line("for _ in range(read_count(field(), fields)):")
        self.depth += 1
        if isinstance(part, Choice):
            self.choice(part, items)
        else:
            declared = declared_at(root, part.path)
            inner = value_type(declared)
            built = (
                self.value(self.kind(item_type(declared))) if inner is None else self.built(inner, self.new("item"), part.parts)
            )
            self.line(f"{items}.append({built})")
        self.depth -= 1
        self.line(f"{name} = tuple({items})")

    def choice(self, part: Choice, items: str) -> None:
        """One item whose type its first field tells."""
        number = self.new("type")
        self.line(f"{number} = read_int(field())")
        for each, struct in part.types.items():
            self.line(f"if {number} == {each}:")
            self.depth += 1
            self.line(f"{items}.append({self.built(struct, self.new('item'), all_of(struct))})")
            self.line("continue")
            self.depth -= 1
        self.line(f'raise ValueError(f"type {{{number}}} is not known")')

    def built(self, struct: type[msgspec.Struct], stem: str, parts: tuple[Part, ...]) -> str:
        """Read a value's parts; the expression that builds it."""
        found: dict[str, str] = {}
        self.parts(struct, stem, parts or all_of(struct), found)
        return self.construction(struct, found)

    def construction(self, struct: type[msgspec.Struct], found: Mapping[str, str]) -> str:
        """The call that builds a value from what was read; values inside it are built first."""
        inner: dict[str, dict[str, str]] = {}
        arguments = []
        for path, name in found.items():
            head, _, rest = path.partition(".")
            if rest:
                inner.setdefault(head, {})[rest] = name
            else:
                arguments.append(f"{head}={name}")
        for head, names in inner.items():
            value = value_type(declared_at(struct, head))
            assert value is not None
            arguments.append(f"{head}={self.construction(value, names)}")
        return f"{self.bound('Type', struct)}({', '.join(arguments)})"


def encoder(entry: Entry, version: int) -> Encoder:
    """A function from a message to its fields, each ended by NUL, the message's number included."""
    code = Writing(entry, version)
    code.constant(str(entry.message_id))
    code.parts(entry.message, "message", entry.parts)
    if not code.lines:  # no condition and no repetition: one formatted text is the whole message
        code.line(f'return f"""{"".join(code.pending)}"""')
        return cast("Encoder", code.function("def run(message):"))
    code.flush()
    code.lines[:0] = [INDENT + "texts = []", INDENT + "out = texts.append"]
    code.line('return "".join(texts)')
    return cast("Encoder", code.function("def run(message):"))


def decoder(entry: Entry, version: int) -> Decoder:
    """A function from (next field, number of fields) to a message; the message's number has been taken already.

    It raises ValueError where a field is not of its kind and StopIteration where fields are missing.
    """
    code = Reading(entry, version)
    code.line(f"return {code.built(entry.message, 'field_', entry.parts)}" if entry.parts else _empty(code, entry))
    return cast("Decoder", code.function("def run(field, fields):"))


def _empty(code: Code, entry: Entry) -> str:
    return f"return {code.bound('Type', entry.message)}()"


def _name(stem: str, path: str, found: dict[str, str]) -> str:
    """The local name of a field; the same for a field that comes twice, whose last value counts."""
    return found.setdefault(path, f"{stem}_{path.replace('.', '__')}")


def _default(root: type[msgspec.Struct], path: str) -> object:
    """What a field is when it is not sent."""
    head, _, rest = path.partition(".")
    if rest:
        inner = value_type(declared_at(root, head))
        assert inner is not None
        return _default(inner, rest)
    found = next(each for each in msgspec.structs.fields(root) if each.name == head)
    assert found.default is not msgspec.NODEFAULT, f"{root.__name__}.{head} may be missing and has no default"
    return found.default
