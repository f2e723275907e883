"""Steps and loops through numba: the functions of theo.market as they stand, compiled once per machine and kept on disk.

numba keeps compiled code under the file and name of a function. It would not notice a change in a function that this one calls,
nor tell apart two loops that differ only in their step. So a loop is kept under a name with a digest of all that went into it.
"""

import hashlib
import inspect
from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import NamedTuple, cast

DIGEST_LENGTH = 16
Plain = Callable[..., object]


class _Part(NamedTuple):
    """A function ready to be compiled, and the digest of its source and of everything that it calls."""

    function: FunctionType
    digest: str


@cache
def compiled_loop(loop: Plain, slot: str = "", step: Plain | None = None) -> Callable[..., None]:
    """``loop``, a plain function, compiled; ``step`` takes the place of the name ``slot`` of its module.

    The first call in a process loads or compiles it for the types of its arguments; compiling takes about a second.
    """
    import numba

    given = {} if step is None else {slot: cast("FunctionType", step)}
    function, digest = _part(cast("FunctionType", loop), given)
    function.__qualname__ = f"{function.__name__}_{digest[:DIGEST_LENGTH]}"
    return cast("Callable[..., None]", numba.njit(cache=True, error_model="numpy")(function))


def _part(function: FunctionType, given: dict[str, FunctionType]) -> _Part:
    """A copy of a function that calls compiled functions instead of plain ones."""
    import numba

    digest = hashlib.sha256(inspect.getsource(function).encode())
    world: dict[str, object] = {**function.__globals__, **given}
    for name in sorted(function.__code__.co_names):
        value = world.get(name)
        if isinstance(value, FunctionType):
            called = _part(value, {})
            world[name] = numba.njit(error_model="numpy")(called.function)
            digest.update(f"{name}={called.digest}\n".encode())
        elif isinstance(value, int | float):
            digest.update(f"{name}={value!r}\n".encode())
    copy = FunctionType(function.__code__, world, function.__name__, function.__defaults__)
    copy.__module__ = function.__module__
    return _Part(copy, digest.hexdigest())
