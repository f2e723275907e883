"""The live form of an indicator: a thin holder around a step, with its outputs as columns."""

from collections.abc import Callable, Sequence
from functools import partial
from math import isnan
from typing import cast

from theo.domain.errors import CorruptionError
from theo.domain.market_data import Bar
from theo.market.indicators.column import Column
from theo.market.indicators.kernels import NAN
from theo.market.indicators.kernels.pivots import session_begins_step
from theo.market.indicators.spec import IndicatorSpec, OutputKind
from theo.market.indicators.steps import Kernel, kernel_of

Update = Callable[[Bar], None]
OneStep = Callable[..., float]
ManySteps = Callable[..., tuple[float, ...]]
PRICES = frozenset({OutputKind.LEVEL, OutputKind.AVERAGE})  # outputs that move with the prices; the others do not


class Indicator:
    """One indicator on one series. ``update`` takes the next closed bar; ``outputs`` names its columns.

    Ask for ``update`` at each bar: after the first it is another function.

    ``origin`` is the start of the first bar (microseconds UTC, 0 before it): a recursive indicator's values depend on it.
    ``offset`` is how much higher prices are now than in the frame of the first bar: bars are lowered by it before the step sees
    them, and outputs that are prices are raised by it again (a futures roll, docs/decisions/0025).
    ``state`` and ``restore`` carry everything, so that a restart goes on with the same bits.
    """

    __slots__ = ("_floats", "_ints", "_next", "_priced", "columns", "offset", "origin", "outputs", "spec", "update")

    def __init__(self, spec: IndicatorSpec) -> None:
        kernel = kernel_of(spec)
        self.spec, self._ints, self._floats = spec, kernel.ints, kernel.floats
        self.outputs = {name: Column() for name in spec.definition.outputs}
        self.columns = tuple(self.outputs.values())
        self._priced = tuple(self.outputs[name] for name, kind in spec.definition.outputs.items() if kind in PRICES)
        self.origin = self.offset = 0
        self._next = self._updater(kernel)
        self.update: Update = self._first

    def _first(self, bar: Bar) -> None:
        """The first bar: its start is the origin."""
        self.origin = bar.start
        self.update = self._next
        self._next(bar)

    def shift(self, difference: int) -> None:
        """Prices are higher by ``difference`` (price units) from the next bar on, and so are the levels known now."""
        if not self._ints[0]:
            return  # the frame is that of the bar to come
        self.offset += difference
        for column in self._priced:
            column.value += difference
            column.previous += difference
        self.update = self._moved if self.offset else self._next

    def _moved(self, bar: Bar) -> None:
        self._next(bar.moved(-self.offset))
        for column in self._priced:
            column.value += self.offset

    def _updater(self, kernel: Kernel) -> Update:
        shape = SHAPES.get(len(self.columns))
        if kernel.by_session or shape is None or len(kernel.parameters) > 1:
            step = cast("ManySteps", kernel.step)
            any_shape = _by_session if kernel.by_session else _many
            return partial(any_shape, self.columns, step, self._ints, self._floats, kernel.parameters)
        return partial(shape, *self.columns, kernel.step, self._ints, self._floats, *kernel.parameters)

    def state(self) -> object:
        """Plain lists that ``restore`` takes back; NaN as None."""
        values = [[_plain(column.value), _plain(column.previous)] for column in self.columns]
        return [self.origin, list(self._ints), [_plain(number) for number in self._floats], values, self.offset]

    def restore(self, state: object) -> None:
        """Go on where ``state`` was taken. Raises CorruptionError for the state of something else."""
        if not isinstance(state, list | tuple) or [len(part) for part in state[1:4]] != [
            len(self._ints),
            len(self._floats),
            len(self.outputs),
        ]:
            raise CorruptionError(
                "the stored state has another shape than the indicator",
                where=self.spec.text,
                remedy="Delete the snapshot: the same state follows from the stored bars",
            )
        self.origin, self.offset = state[0], state[4]
        going_on = self._moved if self.offset else self._next
        self.update = going_on if state[1][0] else self._first
        self._ints[:] = state[1]
        self._floats[:] = [_number(value) for value in state[2]]
        for column, (value, previous) in zip(self.columns, state[3], strict=True):
            column.value, column.previous = _number(value), _number(previous)


# The common shapes are the hot path: a call without unpacking and a loop over columns takes half the time. What a partial holds
# lies in one piece: a closure's cells are strewn over the memory, which costs more than the step among thousands of indicators.


def _one(column: Column, step: OneStep, ints: list[int], floats: list[float], n: float, bar: Bar) -> None:
    column.previous = column.value
    column.value = step(ints, floats, bar.high, bar.low, bar.close, n)


def _two(first: Column, second: Column, step: ManySteps, ints: list[int], floats: list[float], n: float, bar: Bar) -> None:
    first.previous = first.value
    second.previous = second.value
    first.value, second.value = step(ints, floats, bar.high, bar.low, bar.close, n)


def _four(  # noqa: PLR0913, PLR0917 - each column by name
    a: Column, b: Column, c: Column, d: Column, step: ManySteps, ints: list[int], floats: list[float], n: float, bar: Bar
) -> None:
    a.previous = a.value
    b.previous = b.value
    c.previous = c.value
    d.previous = d.value
    a.value, b.value, c.value, d.value = step(ints, floats, bar.high, bar.low, bar.close, n)


def _many(
    columns: Sequence[Column], step: ManySteps, ints: list[int], floats: list[float], parameters: Sequence[float], bar: Bar
) -> None:
    _push(columns, step(ints, floats, bar.high, bar.low, bar.close, *parameters))


def _by_session(
    columns: Sequence[Column], step: ManySteps, ints: list[int], floats: list[float], parameters: Sequence[float], bar: Bar
) -> None:
    begins = session_begins_step(ints, bar.start, bar.end, bar.session_date)
    _push(columns, step(ints, floats, bar.high, bar.low, bar.close, begins, *parameters))


SHAPES: dict[int, Callable[..., None]] = {1: _one, 2: _two, 4: _four}  # by the number of outputs, of one parameter


def _push(columns: Sequence[Column], values: tuple[float, ...]) -> None:
    for column, value in zip(columns, values, strict=True):
        column.previous = column.value
        column.value = value


def _plain(value: float) -> float | None:
    return None if isnan(value) else value


def _number(value: float | None) -> float:
    return NAN if value is None else value
