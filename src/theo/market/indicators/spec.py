"""Indicators by name: ``atr(14)``, ``donchian(20)``, ``swing(2)``; outputs as ``donchian(20).upper``."""

import re
from enum import StrEnum

import msgspec

from theo.domain.errors import ConfigError


class OutputKind(StrEnum):
    """How rules read an output: levels at T-1 (known before the bar), everything else at T."""

    LEVEL = "level"
    AVERAGE = "average"
    STATUS = "status"
    OSCILLATOR = "oscillator"


class Definition(msgspec.Struct, frozen=True):
    """Parameters with their defaults (an int, a float or a word of choices), outputs with their kinds, the bar fields read."""

    parameters: dict[str, int | float | str]
    outputs: dict[str, OutputKind]
    reads: tuple[str, ...]
    choices: dict[str, tuple[str, ...]] = {}


LEVEL, AVERAGE, STATUS, OSCILLATOR = OutputKind.LEVEL, OutputKind.AVERAGE, OutputKind.STATUS, OutputKind.OSCILLATOR
HIGH_LOW, HIGH_LOW_CLOSE, CLOSE = ("high", "low"), ("high", "low", "close"), ("close",)
DEFINITIONS: dict[str, Definition] = {
    "true_range": Definition({}, {"value": OSCILLATOR}, HIGH_LOW_CLOSE),
    "true_range_sum": Definition({"n": 14}, {"value": OSCILLATOR}, HIGH_LOW_CLOSE),
    "atr": Definition(
        {"n": 14, "smoothing": "wilder"},
        {"value": OSCILLATOR},
        HIGH_LOW_CLOSE,
        choices={"smoothing": ("wilder", "mean")},
    ),
    "atr_stop": Definition({"n": 14, "m": 3.0}, {"level": LEVEL, "side": STATUS}, HIGH_LOW_CLOSE),
    "donchian": Definition({"n": 20}, {"upper": LEVEL, "lower": LEVEL}, HIGH_LOW),
    "highest": Definition({"n": 20}, {"value": LEVEL}, ("high",)),
    "lowest": Definition({"n": 20}, {"value": LEVEL}, ("low",)),
    "fractal": Definition({"k": 2}, {"high": LEVEL, "low": LEVEL}, HIGH_LOW),
    "swing": Definition({"k": 2}, {"high": LEVEL, "low": LEVEL, "high_status": STATUS, "low_status": STATUS}, HIGH_LOW_CLOSE),
    "pivot": Definition(
        {"kind": "classic"},
        {"p": LEVEL, "r1": LEVEL, "r2": LEVEL, "r3": LEVEL, "s1": LEVEL, "s2": LEVEL, "s3": LEVEL},
        (*HIGH_LOW_CLOSE, "start", "end", "session_date"),
        choices={"kind": ("classic", "fibonacci", "camarilla")},
    ),
    "sma": Definition({"n": 20}, {"value": AVERAGE}, CLOSE),
    "std": Definition({"n": 20}, {"value": OSCILLATOR}, CLOSE),
    "ema": Definition({"n": 20}, {"value": AVERAGE}, CLOSE),
    "rsi": Definition({"n": 14}, {"value": OSCILLATOR}, CLOSE),
}
WINDOW_MAX = 10_000  # bars that one indicator may look back


class IndicatorSpec(msgspec.Struct, frozen=True):
    """An indicator with its parameters, in the order of its definition."""

    name: str
    parameters: tuple[int | float | str, ...]

    @property
    def text(self) -> str:
        """The canonical name: every parameter, defaults too where they are words."""
        keys = list(DEFINITIONS[self.name].parameters)
        shown = [
            str(value) if not isinstance(value, str) else f"{key}={value}"
            for key, value in zip(keys, self.parameters, strict=True)
            if not isinstance(value, str) or value != DEFINITIONS[self.name].parameters[key]
        ]
        return f"{self.name}({', '.join(shown)})"

    def __getitem__(self, key: str) -> int | float | str:
        return self.parameters[list(DEFINITIONS[self.name].parameters).index(key)]

    def number(self, key: str) -> int:
        """A whole-number parameter."""
        return int(self[key])

    @property
    def definition(self) -> Definition:
        """What it takes and gives."""
        return DEFINITIONS[self.name]


_SPEC = re.compile(r"\s*([a-z_]+)\s*(?:\(([^()]*)\))?\s*")


def parse_spec(text: str) -> IndicatorSpec:
    """The indicator of a text like ``atr(14, smoothing=mean)``. Raises ConfigError naming the wrong part and what is known."""
    match = _SPEC.fullmatch(text)
    if match is None:
        raise ConfigError(f"{text!r} is not an indicator", remedy='Write for example "atr(14)" or "donchian(20)"')
    name, inside = match[1], match[2] or ""
    definition = DEFINITIONS.get(name)
    if definition is None:
        raise ConfigError(f"indicator {name!r} is not known", remedy=f"Known are {', '.join(sorted(DEFINITIONS))}")
    values = dict(definition.parameters)
    given: set[str] = set()
    for place, part in enumerate(part.strip() for part in inside.split(",") if part.strip()):
        key, raw = _named(text, name, place, part)
        if key in given:
            raise ConfigError(f"{text!r}: {key} is given twice", remedy=f"Give {key} once")
        given.add(key)
        values[key] = _read(text, definition, key, raw)
    return IndicatorSpec(name, tuple(values.values()))


def _named(text: str, name: str, place: int, part: str) -> tuple[str, str]:
    """The parameter that the part at ``place`` between the parentheses gives, and the text of its value."""
    keys = list(DEFINITIONS[name].parameters)
    key, _, raw = part.rpartition("=")
    key = key.strip() or (keys[place] if place < len(keys) else "")
    if key not in keys:
        remedy = f"It takes {', '.join(keys)}, in this order" if keys else f"Write {name}"
        raise ConfigError(f"{text!r}: {part!r} is not a parameter of {name}", remedy=remedy)
    return key, raw.strip()


def _read(text: str, definition: Definition, key: str, raw: str) -> int | float | str:
    choices = definition.choices.get(key)
    if choices is not None:
        if raw not in choices:
            raise ConfigError(f"{text!r}: {key} is {raw!r}", remedy=f"Choose {' or '.join(choices)}")
        return raw
    whole = isinstance(definition.parameters[key], int)
    try:
        value = int(raw) if whole else float(raw)
    except ValueError:
        value = 0
    if not 0 < value <= WINDOW_MAX:
        raise ConfigError(f"{text!r}: {key} is {raw!r}", remedy=f"Use a {'whole ' if whole else ''}number from 1 to {WINDOW_MAX}")
    return value


def parse_output(text: str) -> tuple[IndicatorSpec, str]:
    """``donchian(20).upper`` as indicator and output; the output may be left out where there is only one. Raises ConfigError."""
    head, dot, output = text.strip().rpartition(".")
    if not dot or head.count("(") != head.count(")"):
        head, output = text, ""
    spec = parse_spec(head)
    outputs = spec.definition.outputs
    if not output and len(outputs) == 1:
        output = next(iter(outputs))
    if output not in outputs:
        raise ConfigError(f"{text!r}: which output?", remedy=f"Write {head.strip()}.{' or .'.join(outputs)}")
    return spec, output
