"""The kinds of field that the wire knows: text to value and back.

IB writes "not set" as an empty field, as the largest int or as the largest double, in several spellings; here each is None.
Readers raise ValueError for what a kind does not allow, and for nothing else. Which field has which kind stands in the messages.
"""

import math
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Annotated

import msgspec

from theo.gateway.wire.faults import WireError, quoted

INT_MAX = 2**31 - 1  # also IB's "not set"
LONG_MAX = 2**63 - 1  # as INT_MAX
SHORT_CHARS = 10  # fewer digits than this are below INT_MAX
NUMBER_CHARS_MAX = 400  # the longest double written out without an exponent has 309 digits
SIZE_EXPONENT_MAX = 40  # a quantity of more digits, or finer, is a mistake; written out it would fill memory
FRACTIONAL_SIZES_SINCE = 163
DOUBLE_MAX = 1.7976931348623157e308
DOUBLE_MAX_TEXT = "1.7976931348623157E308"
DECIMAL_MAX = Decimal(2**127 - 1)  # how newer official clients write a quantity that is not set
UNSET_TEXTS = frozenset({"2147483647", "9223372036854775807", "1.7976931348623157E308", "1.7976931348623157e+308"})
ZERO = Decimal(0)
INFINITE_TEXTS = frozenset({"Infinite", "Infinity", "inf"})  # the word depends on the client
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
ESCAPE = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")


class Kind(msgspec.Struct, frozen=True):
    """How a field is written and read: functions of its value and of its text; without one it is taken as it is.

    `layout` is a format of Python's for the written value. `request` stands instead where a client writes and a server reads,
    `whole` below version 163, where sizes are whole numbers.
    """

    name: str
    write: Callable[..., str] | None
    read: Callable[[str], object] | None
    layout: str = ""
    request: "Kind | None" = None
    whole: "Kind | None" = None


class TagValue(msgspec.Struct, frozen=True, gc=False):
    """A named parameter of an algorithm, a route or a request."""

    tag: str
    value: str


def read_long(text: str) -> int:
    """A 64-bit integer; 0 for an empty field."""
    if not text:
        return 0
    if len(text) > len(str(LONG_MAX)) + 1 or not text.lstrip("+-").isdigit() or not text.isascii():
        raise ValueError(f"{quoted(text)} is no whole number")
    value = int(text)
    if not -LONG_MAX <= value <= LONG_MAX:
        raise ValueError(f"{quoted(text)} has more than 64 bits")
    return value


def read_int(text: str) -> int:
    """A 32-bit integer; 0 for an empty field."""
    if len(text) < SHORT_CHARS and text.isdecimal() and text.isascii():  # nearly always: three tests instead of seven
        return int(text)
    value = read_long(text)
    if not -INT_MAX - 1 <= value <= INT_MAX:
        raise ValueError(f"{quoted(text)} has more than 32 bits")
    return value


def read_int_or_unset(text: str) -> int | None:
    """A 32-bit integer, or None for every spelling of "not set"."""
    return None if not text or text in UNSET_TEXTS else read_int(text)


def read_float(text: str) -> float:
    """A finite number; 0 for an empty field."""
    if not text:
        return 0.0
    if len(text) > NUMBER_CHARS_MAX or not NUMBER.fullmatch(text):
        raise ValueError(f"{quoted(text)} is no number")
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{quoted(text)} is too large")
    return value


def read_float_or_unset(text: str) -> float | None:
    """A number, or None for every spelling of "not set"."""
    if not text or text in UNSET_TEXTS:
        return None
    value = read_float(text)
    return None if value == DOUBLE_MAX else value


def read_offset(text: str) -> float | None:
    """As read_float_or_unset, or infinite: an offset that reaches up to the middle."""
    return math.inf if text in INFINITE_TEXTS else read_float_or_unset(text)


def read_size(text: str) -> Decimal:
    """A quantity; 0 for an empty field."""
    if not text:
        return ZERO
    if len(text) > NUMBER_CHARS_MAX or not NUMBER.fullmatch(text):
        raise ValueError(f"{quoted(text)} is no quantity")
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{quoted(text)} is no quantity") from None
    exponent = value.as_tuple().exponent
    if abs(value.adjusted()) > SIZE_EXPONENT_MAX or not isinstance(exponent, int) or exponent < -SIZE_EXPONENT_MAX:
        raise ValueError(f"{quoted(text)} is beyond any quantity")
    return value


def read_size_or_unset(text: str) -> Decimal | None:
    """A quantity, or None for every spelling of "not set"."""
    if not text or text in UNSET_TEXTS or text.upper() == DOUBLE_MAX_TEXT:
        return None
    value = read_size(text)
    return None if value == DECIMAL_MAX else value


def read_flag(text: str) -> bool:
    """A truth value, sent as a number; false for an empty field."""
    if text == "0":
        return False
    return text == "1" or read_long(text) != 0


def read_flag_or_unset(text: str) -> bool | None:
    """A truth value, or None for every spelling of "not set"."""
    return None if not text or text in UNSET_TEXTS else read_long(text) != 0


def read_tags(text: str) -> tuple[TagValue, ...]:
    """`tag=value;tag=value;` in one field."""
    pairs = (pair.partition("=") for pair in text.split(";") if pair)
    return tuple(TagValue(tag, value) for tag, _, value in pairs)


def unescaped(text: str) -> str:
    r"""A text of the server with its \uXXXX escapes (UTF-16 code units, as Java writes them) resolved."""
    return ESCAPE.sub(_unescape, text) if "\\u" in text else text


def _unescape(found: re.Match[str]) -> str:
    units = bytes.fromhex(found[0].replace("\\u", ""))
    return units.decode("utf-16-be", "replace")


def server_text(text: str) -> str:
    r"""A text as a server writes it from version 153 on: ASCII, with everything else as \uXXXX.

    Raises:
        WireError: The text holds a NUL, which would end the field.
    """
    if text.isascii() and "\0" not in text:
        return text
    units = text.encode("utf-16-be", "surrogatepass")
    codes = (int.from_bytes(units[n : n + 2], "big") for n in range(0, len(units), 2))
    return client_text("".join(chr(code) if code < 128 else f"\\u{code:04x}" for code in codes))  # noqa: PLR2004 - ASCII ends


def client_text(text: str) -> str:
    """A text as a client writes it.

    Raises:
        WireError: The text holds a NUL, which would end the field.
    """
    if "\0" in text:
        raise WireError("a text holds a NUL", where=quoted(text), why="NUL ends a field")
    return text


def float_text(value: float) -> str:
    """A number as the shortest text that reads back as the same.

    Raises:
        WireError: The value is infinite or not a number.
    """
    text = repr(value)
    if text[-1] in "fn":  # of inf and nan
        raise WireError(f"{text} cannot be sent", why="prices and amounts are finite")
    return text


def float_or_empty(value: float | None) -> str:
    """A number, or an empty field."""
    return "" if value is None else float_text(value)


def offset_text(value: float | None) -> str:
    """A number, the word for infinity, or an empty field."""
    return "Infinity" if value == math.inf else float_or_empty(value)


def float_or_max(value: float | None) -> str:
    """A number, or the largest double."""
    return DOUBLE_MAX_TEXT if value is None else float_text(value)


def size_text(value: Decimal) -> str:
    """A quantity without an exponent, and without a point when it is whole."""
    whole = int(value)
    return str(whole) if whole == value else format(value.normalize(), "f")


def whole_size_text(value: Decimal) -> str:
    """A quantity cut to its whole part: clients below version 163 stop at a decimal point."""
    return str(int(value))


def size_or_empty(value: Decimal | None) -> str:
    """A quantity, or an empty field."""
    return "" if value is None else size_text(value)


def tags_text(values: tuple[TagValue, ...]) -> str:
    """`tag=value;tag=value;` in one field."""
    return "".join(f"{client_text(each.tag)}={client_text(each.value)};" for each in values)


def int_or_empty(value: int | None) -> str:
    """A whole number, or an empty field."""
    return "" if value is None else str(int(value))


INT = Kind("int", None, read_int)
LONG = Kind("long", None, read_long)
INT_OR_UNSET = Kind("int or unset", int_or_empty, read_int_or_unset)
FLOAT = Kind("double", float_text, read_float)
FLOAT_OR_UNSET = Kind("double or unset", float_or_empty, read_float_or_unset)
FLOAT_OR_MAX = Kind("double or unset", float_or_max, read_float_or_unset, request=FLOAT_OR_UNSET)
OFFSET = Kind("double, infinite or unset", offset_text, read_offset)
SIZE = Kind("decimal", size_text, read_size)
SIZE_OR_UNSET = Kind("decimal or unset", size_or_empty, read_size_or_unset)
MARKET_SIZE = Kind("size", size_text, read_size, whole=Kind("whole size", whole_size_text, read_size))
FLAG = Kind("bool", None, read_flag, layout=":d")
FLAG_OR_UNSET = Kind("bool or unset", int_or_empty, read_flag_or_unset)
TEXT = Kind("text", server_text, unescaped, request=Kind("text", client_text, None))
TAGS = Kind("tag list", tags_text, read_tags)

Long = Annotated[int, LONG]
MaxFloat = Annotated[float | None, FLOAT_OR_MAX]
Offset = Annotated[float | None, OFFSET]
MarketSize = Annotated[Decimal, MARKET_SIZE]
