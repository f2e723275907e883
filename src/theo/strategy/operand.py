"""What a condition compares: a bar's field, an indicator output, a correlation, or the time of day. Reading its text form.

Text: ``[SYMBOL][@TIMEFRAME] WHAT``, for example ``close``, ``VIX close``, ``VIX@60min rsi(14)``, ``swing(2).high``, ``VIX SL``,
``VIX correlation``, ``abs(correlation)``, ``time``. Without a symbol it is the primary's, without a timeframe the decision's.
"""

import re

import msgspec

from theo.domain.errors import ConfigError
from theo.domain.nearest import nearest_names
from theo.domain.timeframe import timeframe
from theo.market.indicators.spec import DEFINITIONS, OutputKind, parse_output

BAR_FIELDS = ("open", "high", "low", "close", "volume")
CLOCK_NAMES = ("time", "weekday", "minutes_to_close")
CORRELATION = "correlation"
SHORT_NAMES = {"SH": "swing(2).high", "SL": "swing(2).low", "FH": "fractal(2).high", "FL": "fractal(2).low"}
LAG_MAX = 1  # bars: a column keeps its newest value and the one before
UNPRICED = frozenset({"rsi"})  # indicators whose outputs are not in the unit of the price
PRICED = frozenset(DEFINITIONS) - UNPRICED


class Operand(msgspec.Struct, frozen=True):
    """One number at a bar end. ``lag`` 1 is the value one bar of its own series before. ``magnitude`` compares without sign.

    ``symbol`` is the partner for a correlation and "" for the clock; ``timeframe`` is "" for the clock.
    """

    symbol: str
    timeframe: str
    name: str
    lag: int = 0
    magnitude: bool = False

    @property
    def raw(self) -> "Operand":
        """The number as it is recorded: with its sign."""
        return msgspec.structs.replace(self, magnitude=False) if self.magnitude else self

    @property
    def before(self) -> "Operand":
        """The same one bar earlier."""
        return msgspec.structs.replace(self, lag=self.lag + 1)

    @property
    def is_bar_field(self) -> bool:
        """Whether it is read from a bar."""
        return self.name in BAR_FIELDS

    @property
    def is_clock(self) -> bool:
        """Whether it is read from the time of the bar's end."""
        return self.name in CLOCK_NAMES

    @property
    def is_correlation(self) -> bool:
        """Whether it is the correlation of the primary with ``symbol``."""
        return self.name == CORRELATION

    @property
    def is_indicator(self) -> bool:
        """Whether it is an output of an indicator."""
        return not (self.is_bar_field or self.is_clock or self.is_correlation)

    @property
    def is_level(self) -> bool:
        """Whether it is a level, which is judged as known before the bar."""
        return self.is_indicator and _kind(self.name) is OutputKind.LEVEL

    @property
    def in_price_units(self) -> bool:
        """Whether the market holds it in price units, so that it is divided by the unit when read."""
        if self.is_indicator:
            spec, output = parse_output(self.name)
            return spec.name in PRICED and spec.definition.outputs[output] is not OutputKind.STATUS
        return self.is_bar_field and self.name != "volume"

    @property
    def broken_by_status(self) -> "Operand | None":
        """For a swing level, the status as known before the bar: 1 while the level stands unbroken."""
        if self.is_level:
            spec, output = parse_output(self.name)
            if f"{output}_status" in spec.definition.outputs:
                return msgspec.structs.replace(self, name=f"{spec.text}.{output}_status")
        return None

    def text(self, frame: str = "") -> str:
        """As people read it: ``VIX@60min swing(2).high[1]``, where ``[1]`` is one bar before; ``frame`` goes without saying."""
        if self.is_clock:
            return self.name
        place = "" if self.timeframe == frame else f"@{self.timeframe}"
        shown = f"{self.symbol}{place} {self.name.removesuffix('.value')}{'[1]' if self.lag else ''}"
        return f"|{shown}|" if self.magnitude else shown


def _kind(name: str) -> OutputKind:
    spec, output = parse_output(name)
    return spec.definition.outputs[output]


class Naming(msgspec.Struct, frozen=True, omit_defaults=True):
    """What names mean inside one rule set. ``traded`` is what a signal becomes, "" the primary itself."""

    primary: str
    partners: tuple[str, ...]
    others: tuple[str, ...]
    timeframe: str
    traded: str = ""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Every symbol that the rule set may read."""
        named = (self.primary, *self.partners, *self.others)
        return named if not self.traded or self.traded in named else (*named, self.traded)

    @property
    def ordered(self) -> str:
        """The symbol that orders are placed in."""
        return self.traded or self.primary


_TEXT = re.compile(r"(?:(?P<symbol>[A-Za-z0-9._/-]+)?(?:@(?P<timeframe>\w+))?\s+)?(?P<what>\S.*)")
_MAGNITUDE = re.compile(r"abs\((.*)\)")


def parse_operand(text: str, naming: Naming, lag: int | None = None) -> Operand:
    """The operand of a text. Levels default to the value known one bar before, the rest to this bar. Raises ConfigError."""
    inner = _MAGNITUDE.fullmatch(text.strip())
    match = _TEXT.fullmatch((inner[1] if inner else text).strip())
    if match is None:
        raise ConfigError("the operand is empty", remedy='Write for example "close" or "swing(2).high"')
    symbol = match["symbol"] or naming.primary
    what = match["what"].strip()
    if symbol not in naming.symbols:
        raise ConfigError(
            f"{symbol!r} is not one of the rule set's symbols",
            remedy=nearest_names(symbol, naming.symbols) + " Or name it in symbols.others",
        )
    frame = timeframe(match["timeframe"]).name if match["timeframe"] else naming.timeframe
    operand = _named(what, symbol, frame, naming)
    if inner and not operand.is_correlation:
        raise ConfigError(f"{text!r}: abs() is for correlations only", remedy="Compare the value itself")
    chosen = lag if lag is not None else int(operand.is_level)
    if not 0 <= chosen <= (0 if operand.is_clock else LAG_MAX):
        raise ConfigError(
            f"lag is {chosen}", remedy="Use 0 (this bar) or 1 (one bar before); highest(n) and lowest(n) look further"
        )
    return msgspec.structs.replace(operand, lag=chosen, magnitude=inner is not None)


def _named(what: str, symbol: str, frame: str, naming: Naming) -> Operand:
    what = SHORT_NAMES.get(what, what)
    if what in BAR_FIELDS:
        return Operand(symbol, frame, what)
    if what in CLOCK_NAMES:
        return Operand("", "", what)
    if what == CORRELATION:
        return _correlation(symbol, frame, naming)
    plain = what.partition("(")[0].partition(".")[0]
    if plain not in DEFINITIONS:
        known = (*BAR_FIELDS, *CLOCK_NAMES, CORRELATION, *SHORT_NAMES, *DEFINITIONS)
        raise ConfigError(f"{what!r} is not known", remedy=nearest_names(plain, known))
    spec, output = parse_output(what)
    return Operand(symbol, frame, f"{spec.text}.{output}")


def _correlation(symbol: str, frame: str, naming: Naming) -> Operand:
    if symbol == naming.primary:
        if len(naming.partners) != 1:
            raise ConfigError("correlation with which symbol?", remedy='Name one of symbols.partners: "VIX correlation"')
        symbol = naming.partners[0]
    if symbol not in naming.partners:
        raise ConfigError(f"{symbol!r} is no partner", remedy=f"Put {symbol} into symbols.partners")
    if frame != naming.timeframe:
        raise ConfigError(
            f"a correlation in {frame}", remedy=f"Correlations are kept in the decision's timeframe, {naming.timeframe}"
        )
    return Operand(symbol, frame, CORRELATION)
