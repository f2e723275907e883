"""What a process holds in memory: the length of every collection that can be reached from given objects, by its owner's field."""

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

import msgspec

PLAIN = (int, float, str, bytes, bool, complex, type(None), type, ModuleType, range)
COLLECTIONS = (dict, bytearray, list, tuple, set, frozenset, deque)
FOREIGN = frozenset({"sqlite3", "sqlalchemy", "numpy", "concurrent", "threading", "logging", "_thread"})  # walked no further
Children = Iterator[tuple[str, object]]


def held(roots: Iterable[object], apart: tuple[str, ...] = ()) -> Counter[str]:
    """Entries by ``Type.field``, summed over all owners; what lies in a collection of a collection is ``Type.field[]``.

    Objects of the modules ``apart`` are left alone.
    """
    found: Counter[str] = Counter()
    waiting: list[tuple[str, object]] = [(type(root).__name__, root) for root in roots]
    seen: dict[int, object] = {}  # the objects too: an id is one's own only as long as one lives
    while waiting:
        name, one = waiting.pop()
        if isinstance(one, PLAIN) or id(one) in seen or str(type(one).__module__).startswith(apart or ("-",)):
            continue
        seen[id(one)] = one
        if isinstance(one, COLLECTIONS):
            found[name] += len(one)
            waiting += [(f"{name}[]", each) for each in _entries(one) if not isinstance(each, PLAIN)]
        else:
            waiting += [(field, value) for field, value in _fields(one) if not isinstance(value, PLAIN)]
    return found


def _entries(one: Collection[object]) -> Iterable[object]:
    if isinstance(one, dict):
        return [*one.keys(), *one.values()]
    return () if isinstance(one, bytearray) else one


def _fields(one: object) -> Children:
    """What an object refers to: its fields, or what a callable carries with it."""
    kind = type(one)
    if str(kind.__module__).partition(".")[0] in FOREIGN:
        return
    if isinstance(one, FunctionType):
        for cell in one.__closure__ or ():
            yield f"{one.__qualname__} closure", _content(cell)
    elif isinstance(one, MethodType | BuiltinFunctionType):
        yield kind.__name__, one.__self__
    elif isinstance(one, partial):
        yield from (("partial", part) for part in (one.func, *one.args, *one.keywords.values()))
    else:
        names = dict.fromkeys(_slots(kind) if not isinstance(one, msgspec.Struct) else one.__struct_fields__)
        yield from ((f"{kind.__name__}.{name}", getattr(one, name, None)) for name in names)
        yield from ((f"{kind.__name__}.{name}", value) for name, value in getattr(one, "__dict__", {}).items())


def _slots(kind: type) -> Iterator[str]:
    for base in kind.__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            private = name.startswith("__") and not name.endswith("__")
            yield f"_{base.__name__.lstrip('_')}{name}" if private else name


def _content(cell: object) -> object:
    try:
        return cell.cell_contents  # type: ignore[attr-defined]  # a function's cell
    except ValueError:  # not filled yet
        return None
