"""What every strategy is to the core: it says what it needs, is bound to the market once, and looks at each due bar end."""

from typing import Protocol

import msgspec

from theo.domain.signals import Evaluation
from theo.market.correlation import CorrelationSpec
from theo.strategy.view import MarketView

# Verdicts of an evaluation. What becomes of a proposal (size, limits) is recorded elsewhere.
NOTHING = "nothing"
LONG = "long"
SHORT = "short"
EXIT = "exit"
LONG_HELD = "long, held already"
SHORT_HELD = "short, held already"
BOTH_SIDES = "long and short at once: neither"
NO_STOP = "no usable stop"
NO_TARGET = "no usable target"
NO_PRICE = "no price of what is traded"


class SeriesNeed(msgspec.Struct, frozen=True):
    """Bars of a symbol in a timeframe."""

    symbol: str
    timeframe: str


class ColumnNeed(msgspec.Struct, frozen=True):
    """An indicator output of a series."""

    symbol: str
    timeframe: str
    output: str


class CorrelationNeed(msgspec.Struct, frozen=True):
    """The correlation of two symbols in one timeframe."""

    spec: CorrelationSpec
    first: str
    second: str
    timeframe: str


class Needs(msgspec.Struct, frozen=True):
    """Everything that a strategy reads. A decision is due whenever ``series[0]``, the primary's, closes a bar."""

    primary: str
    timeframe: str
    series: tuple[SeriesNeed, ...]
    columns: tuple[ColumnNeed, ...]
    correlations: tuple[CorrelationNeed, ...]
    zone: str  # "" when no local time is read


class Strategy(Protocol):
    """Deterministic: the same market data and the same positions lead to the same evaluations."""

    def needs(self) -> Needs:
        """What must be there before ``bind``."""

    def bind(self, view: MarketView) -> None:
        """Take hold of the market's objects, once. Raises ConfigError for what the view does not have."""

    def ready(self, end: int) -> bool:
        """Whether every series has closed its last bar that is due by ``end`` (microseconds UTC)."""

    def evaluate(self, end: int, position: int) -> Evaluation:
        """Look at the bars that ended at ``end``; called once per end, ends rising.

        ``position`` is the signed quantity of the configuration's own open trade, working entries included.
        """

    def recall(self, end: int, position: int) -> None:
        """After a restart: live through a bar end that was decided then, so that ``state`` is what it was after it."""

    def conditions(self) -> tuple[str, ...]:
        """Each condition in words, in the order of the bits of ``Evaluation.truths``."""

    def number_names(self) -> tuple[str, ...]:
        """What each of ``Evaluation.numbers`` is."""

    def state(self) -> dict[str, object]:
        """What the strategy keeps beside market data: plain values that ``restore`` takes back."""

    def restore(self, state: dict[str, object]) -> None:
        """Go on where ``state`` was taken."""
