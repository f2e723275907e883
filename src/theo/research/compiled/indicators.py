"""Indicators over arrays."""

from typing import Self

import msgspec
import numpy as np

from theo.domain.errors import DataError
from theo.market.indicators.indicator import Indicator
from theo.market.indicators.kernels import NAN
from theo.market.indicators.spec import IndicatorSpec
from theo.market.indicators.steps import kernel_of
from theo.research.compiled.bar_columns import BarColumns, Float64s
from theo.research.compiled.compiling import compiled_loop
from theo.research.compiled.loops import by_session, many_outputs, one_output, session_begins

_State = tuple[int, list[int], list[float | None], list[list[float | None]], int]  # of Indicator.state()
SPREAD_MAX = 2**31  # n x distance: n times a sum of n squared distances stays below 2^62


def batch(spec: IndicatorSpec, bars: BarColumns) -> dict[str, Float64s]:
    """Each output of an indicator at each bar, NaN before enough bars: the same bits as the live form gives bar by bar.

    Raises DataError where a sum would not fit 64 bits.
    """
    return CompiledIndicator(spec).extend(bars)


class CompiledIndicator:
    """An indicator over bars that come in pieces; however they are cut, the outputs are the same."""

    def __init__(self, spec: IndicatorSpec) -> None:
        kernel = kernel_of(spec)
        self.spec, self._kernel = spec, kernel
        self._ints = np.array(kernel.ints, dtype=np.int64)
        self._floats = np.array(kernel.floats, dtype=np.float64)

    @classmethod
    def going_on(cls, live: Indicator) -> Self:
        """From where the live form stands. Raises OverflowError for a state that does not fit 64 bits, DataError after a roll."""
        if live.offset:
            raise DataError(f"{live.spec.text} stands in another frame than the bars", remedy="Go bar by bar after a roll")
        made = cls(live.spec)
        _origin, ints, floats, _values, _offset = msgspec.convert(live.state(), _State)
        made._ints[:] = ints
        made._floats[:] = [NAN if number is None else number for number in floats]
        return made

    def hand_back(self, live: Indicator, start: int) -> None:
        """Let the live form, whose columns show the newest bar, stand here; ``start`` is its origin if it had none."""
        values = [[column.value, column.previous] for column in live.columns]
        live.restore([live.origin or start, self._ints.tolist(), self._floats.tolist(), values, live.offset])

    def extend(self, bars: BarColumns) -> dict[str, Float64s]:
        """The outputs at the next bars. Raises DataError where a sum would not fit 64 bits."""
        kernel, names = self._kernel, list(self.spec.definition.outputs)
        if kernel.squares:
            self._check_spread(bars)
        out = np.empty((len(names), len(bars)))
        state = (self._ints, self._floats, bars.high, bars.low, bars.close)
        if kernel.by_session:
            begins = np.empty(len(bars), dtype=np.int64)
            compiled_loop(session_begins)(self._ints, bars.start, bars.end, bars.session_date, begins)
            compiled_loop(by_session, "steps", kernel.step)(*state, begins, *kernel.parameters, out)
        elif len(names) == 1:
            compiled_loop(one_output, "step", kernel.step)(*state, kernel.parameters, out)
        else:
            compiled_loop(many_outputs, "steps", kernel.step)(*state, kernel.parameters, out)
        return dict(zip(names, out, strict=True))

    def _check_spread(self, bars: BarColumns) -> None:
        """Squares are of distances from the first close, which the step keeps in ints[1]."""
        if not len(bars):
            return
        first = int(self._ints[1] if self._ints[0] else bars.close[0])
        distance = max(int(bars.close.max()) - first, first - int(bars.close.min()))
        if self.spec.number("n") * distance > SPREAD_MAX:
            raise DataError(
                f"{self.spec.text} over closes that move by {distance:,} price units",
                why="64-bit sums of squares would overflow",
                remedy="Use a coarser price unit or a shorter window",
            )
