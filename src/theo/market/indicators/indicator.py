"""The live form of an indicator: a thin holder around a step of kernels.py, with its outputs as columns."""

from collections.abc import Callable
from math import isnan
from typing import Any

from theo.domain.market_data import Bar
from theo.market.indicators.column import Column
from theo.market.indicators.spec import IndicatorSpec

NAN = float("nan")
Step = Callable[..., Any]  # (ints, floats, high, low, close, parameters...) -> one float, or one per output
Update = Callable[[Bar], None]


class Indicator:
    """One indicator on one series. ``ints`` and ``floats`` are the step's whole state; ``origin`` is the first bar's start."""

    __slots__ = ("columns", "floats", "ints", "origin", "outputs", "spec", "update")

    def __init__(self, spec: IndicatorSpec, step: Step, ints: list[int], floats: list[float], *parameters: float) -> None:
        self.spec, self.ints, self.floats = spec, ints, floats
        self.columns = tuple(Column() for _ in spec.definition.outputs)
        self.outputs = dict(zip(spec.definition.outputs, self.columns, strict=True))
        self.origin = 0
        make = {1: self._one, 2: self._two}.get(len(self.columns), self._many)
        self.update: Update = make(step, parameters)

    # One or two outputs are the hot path: a closure without a loop takes half the time.

    def _one(self, step: Step, parameters: tuple[float, ...]) -> Update:
        ints, floats, column = self.ints, self.floats, self.columns[0]

        def update(bar: Bar) -> None:
            column.previous = column.value
            column.value = step(ints, floats, bar.high, bar.low, bar.close, *parameters)

        return update

    def _two(self, step: Step, parameters: tuple[float, ...]) -> Update:
        ints, floats = self.ints, self.floats
        first, second = self.columns

        def update(bar: Bar) -> None:
            first.previous, second.previous = first.value, second.value
            first.value, second.value = step(ints, floats, bar.high, bar.low, bar.close, *parameters)

        return update

    def _many(self, step: Step, parameters: tuple[float, ...]) -> Update:
        ints, floats, columns = self.ints, self.floats, self.columns

        def update(bar: Bar) -> None:
            for column, value in zip(columns, step(ints, floats, bar.high, bar.low, bar.close, *parameters), strict=True):
                column.previous = column.value
                column.value = value

        return update

    def state(self) -> object:
        """Plain lists that ``restore`` takes back; NaN as None."""
        values = [(_plain(c.value), _plain(c.previous)) for c in self.columns]
        return [self.origin, list(self.ints), [_plain(f) for f in self.floats], values]

    def restore(self, state: object) -> None:
        """Go on where ``state`` was taken."""
        assert isinstance(state, list | tuple)
        self.origin = state[0]
        self.ints[:] = state[1]
        self.floats[:] = [NAN if f is None else f for f in state[2]]
        for column, (value, previous) in zip(self.columns, state[3], strict=True):
            column.value = NAN if value is None else value
            column.previous = NAN if previous is None else previous


def _plain(value: float) -> float | None:
    return None if isnan(value) else value
