"""Indicator steps: one definition each, plain Python that numba compiles unchanged.

State lives in two flat sequences that the caller owns: lists live, int64 / float64 arrays when compiled. Nothing else is
remembered and nothing is allocated. ``ints[0]`` counts the bars seen; windows are rings, overwritten oldest first.

What the registry calls has one signature, (ints, floats, high, low, close, parameters...), so that nothing stands between a
series and its step; an underscore names what a step does not read. Prices come in as whole price units; outputs are floats in
price units, NaN before enough bars. Only + - * / sqrt and comparisons: the same bits on every processor.

Compiled integers are 64 bits wide: theo.research.compiled checks before it begins that every sum stays exact. Python's own have
no such bound.
"""

from collections.abc import MutableSequence

Ints = MutableSequence[int]
Floats = MutableSequence[float]
NAN = float("nan")
