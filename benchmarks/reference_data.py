"""The reference bars, from the generator beside the test data (THEO_TEST_DATA/../reference/gen.py)."""

import importlib.util
import os
from pathlib import Path
from types import ModuleType

from reference_loop import TICK, Columns


def generator() -> ModuleType | None:
    """The generator's module; None where the folder is absent."""
    path = Path(os.environ.get("THEO_TEST_DATA", "../shared/data")).resolve().parent / "reference" / "gen.py"
    if not path.is_file():
        return None
    spec = importlib.util.spec_from_file_location("gen", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def columns(raw: dict[str, object]) -> Columns:
    """Whole ticks of the generator's arrays."""
    return Columns(*([round(float(v) * TICK) for v in raw[k]] for k in ("o", "h", "l", "c", "h2", "l2", "c2")))  # type: ignore[attr-defined]  # the generator returns arrays
