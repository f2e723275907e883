"""TOML text of what tomllib reads: one line a key, tables under their names, conditions one a line. Comments are not kept."""

import json
import re
from collections.abc import Mapping
from datetime import date, time
from typing import Final

from theo.domain.errors import UserError

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
INDENT: Final = "    "


def toml_text(content: Mapping[str, object]) -> str:
    """The text that tomllib reads as this content: plain keys first, then each table. Raises UserError for another value."""
    plain = [f"{_key(key)} = {_value(value)}" for key, value in content.items() if not isinstance(value, Mapping)]
    parts = ["\n".join(plain)] if plain else []
    for name, table in content.items():
        if isinstance(table, Mapping):
            lines = [f"[{_key(name)}]", *(f"{_key(key)} = {_value(value)}" for key, value in table.items())]
            parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: object) -> str:
    match value:
        case bool():
            text = str(value).lower()
        case str():
            text = _text(value)
        case int() | float():
            text = repr(value)
        case date() | time():
            text = value.isoformat()
        case Mapping():
            text = "{ " + ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items()) + " }"
        case list():
            text = _list(value)
        case _:
            raise UserError(f"{value!r} cannot be written as TOML")
    return text


def _list(values: list[object]) -> str:
    items = [_value(item) for item in values]
    if any(isinstance(item, Mapping) for item in values):
        return "[\n" + "".join(f"{INDENT}{item},\n" for item in items) + "]"
    return f"[{', '.join(items)}]"
