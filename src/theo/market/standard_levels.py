"""The standard levels of a bar: swings, fractals, ATR with its stop, channel and pivots, by the steps that strategies use.

Which they are, with which parameters, and when one is new, is here; what stores them is elsewhere.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from theo.domain.errors import CorruptionError
from theo.domain.market_data import Bar
from theo.market.indicators.column import Column
from theo.market.indicators.indicator import Indicator
from theo.market.indicators.spec import IndicatorSpec, parse_spec

TIMEFRAMES: Final = ("5min", "15min", "30min", "60min", "1d")
_SIX: Final = ("r1", "r2", "r3", "s1", "s2", "s3")


class LevelSettings(msgspec.Struct, frozen=True):
    """``k`` bars on each side of a fractal, ``atr_n`` and ``donchian_n`` bars, the stop ``stop_m`` times the ATR away."""

    k: int = 2
    atr_n: int = 14
    stop_m: float = 3.0
    donchian_n: int = 20

    @property
    def indicators(self) -> dict[IndicatorSpec, dict[str, str]]:
        """Each indicator with its outputs: the name there, and the name of the level."""
        listed = {
            f"swing({self.k})": {"high": "sh_price", "low": "sl_price", "high_status": "sh_status", "low_status": "sl_status"},
            f"fractal({self.k})": {"high": "fh_price", "low": "fl_price"},
            f"atr({self.atr_n})": {"value": "atr"},
            f"atr_stop({self.atr_n}, {self.stop_m})": {"level": "trailing_stop", "side": "trailing_side"},
            f"donchian({self.donchian_n})": {"upper": "donchian_high", "lower": "donchian_low"},
            "pivot(classic)": {name: f"pivot_{name}" for name in ("p", *_SIX)},
            "pivot(fibonacci)": {name: f"fibonacci_{name}" for name in _SIX},
            "pivot(camarilla)": {name: f"camarilla_{name}" for name in _SIX},
        }
        return {parse_spec(text): outputs for text, outputs in listed.items()}

    @property
    def text(self) -> str:
        """The indicators by their names: levels of another text are other numbers."""
        return "; ".join(spec.text for spec in self.indicators)


# In price units; statuses are 1 or 0, the trailing side is 1 (long) or -1 (short). All may be missing.
LEVEL_NAMES: Final = tuple(name for outputs in LevelSettings().indicators.values() for name in outputs.values())
FLAGS: Final = ("sh_status", "sl_status")
SIDE: Final = "trailing_side"
PRICE_LEVELS: Final = tuple(name for name in LEVEL_NAMES if name not in {*FLAGS, SIDE})
LevelValues = tuple[float | None, ...]  # in the order of LEVEL_NAMES


class NewLevel(msgspec.Struct, frozen=True):
    """A swing high ("SH") or low ("SL") that became known: a fractal at the bar that began at ``at_start``.

    It became known with the bar that began at ``known_start``, at the time ``known_at``. ``price`` in price units.
    """

    level: str
    price: float
    at_start: int
    known_start: int
    known_at: int


class StandardLevels:
    """The levels of one series, a bar at a time.

    ``contract`` is the newest bar's, ``newest`` its start, ``bars`` their number; ``starts`` are of the last bars, as many as a
    fractal needs.
    It begins at the series' origin; ``state`` and ``restore`` carry everything.
    """

    __slots__ = ("_columns", "_fractals", "bars", "contract", "indicators", "newest", "settings", "starts")

    def __init__(self, settings: LevelSettings) -> None:
        self.settings = settings
        self.bars = self.newest = 0
        self.contract = ""
        self._begin()

    def _begin(self) -> None:
        listed = self.settings.indicators
        self.indicators = {spec: Indicator(spec) for spec in listed}
        self._columns: tuple[Column, ...] = tuple(
            self.indicators[spec].outputs[output] for spec, outputs in listed.items() for output in outputs
        )
        fractal = next(indicator for spec, indicator in self.indicators.items() if spec.name == "fractal")
        self._fractals = (("SH", fractal.outputs["high"]), ("SL", fractal.outputs["low"]))
        self.starts: list[int] = []

    def go_on_in(self, contract: str, difference: int | None) -> None:
        """Another futures contract follows, its prices higher by ``difference``; where nobody measured that, all begins anew."""
        self.contract = contract
        if difference is None:
            self._begin()
            return
        for indicator in self.indicators.values():
            indicator.shift(difference)

    @property
    def moved(self) -> bool:
        """Whether a roll has moved prices out of the frame of the first contract."""
        return any(indicator.offset for indicator in self.indicators.values())

    def update(self, bar: Bar) -> LevelValues:
        """Take the next closed bar; its levels."""
        for indicator in self.indicators.values():
            indicator.update(bar)
        self.took(bar.start, bar.contract, 1)
        return self.values()

    def took(self, start: int, contract: str, bars: int) -> None:
        """So many bars more were taken, the newest of which began at ``start``."""
        self.bars += bars
        self.newest, self.contract = start, contract
        self.starts.append(start)
        del self.starts[: -self.settings.k - 1]

    def values(self) -> LevelValues:
        """The levels of the newest bar."""
        return tuple([column.value if column.value == column.value else None for column in self._columns])

    def new(self, bar: Bar) -> Iterator[NewLevel]:
        """Those that became known with the newest bar."""
        for level, column in self._fractals:
            if column.value == column.value:
                yield NewLevel(level, column.value, self.starts[0], bar.start, bar.at)

    def state(self) -> bytes:
        """What ``restore`` takes back."""
        kept = [indicator.state() for indicator in self.indicators.values()]
        return msgspec.json.encode([self.bars, self.newest, self.contract, self.starts, kept])

    def restore(self, state: bytes) -> None:
        """Go on where ``state`` was taken, with the same settings. Raises CorruptionError for the state of something else."""
        try:
            self.bars, self.newest, self.contract, self.starts, kept = msgspec.json.decode(state, type=_State)
        except msgspec.DecodeError as error:
            raise CorruptionError("the stored state of levels cannot be read", why=str(error)) from error
        for indicator, each in zip(self.indicators.values(), kept, strict=True):
            indicator.restore(each)


_State = tuple[int, int, str, list[int], list[object]]
