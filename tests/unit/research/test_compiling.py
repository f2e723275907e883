"""What is compiled is kept under a name that changes with everything that went into it."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np

from theo.research.compiled.compiling import compiled_loop

LOOP = """
def step(x):
    raise NotImplementedError

def loop(x, out):
    for i in range(len(x)):
        out[i] = step(x[i])
"""
STEP = """
FACTOR = {factor}

def inner(x):
    return x {sign} FACTOR

def step(x):
    return inner(x)
"""


def module(folder: Path, name: str, text: str) -> ModuleType:
    """A module from a file, loaded afresh as in a new process."""
    path = folder / f"{name}.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(f"{folder.name}_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_a_change_in_a_function_that_is_called_is_noticed(tmp_path: Path) -> None:
    """The loop's own file stays as it is: what numba itself looks at would not tell."""
    results = []
    loop = module(tmp_path, "loops", LOOP).loop
    for turn, (factor, sign) in enumerate([(2, "*"), (3, "*"), (3, "+"), (2, "*")]):
        step = module(tmp_path, f"steps{turn}", STEP.format(factor=factor, sign=sign)).step
        out = np.empty(1)
        compiled_loop(loop, "step", step)(np.array([10.0]), out)
        results.append(out[0])
    assert results == [20.0, 30.0, 13.0, 20.0]
    kept = {path.name for path in tmp_path.glob("__pycache__/*.nbi")}
    assert len(kept) == 3


def test_what_is_compiled_once_is_the_same_object(tmp_path: Path) -> None:
    loop, step = module(tmp_path, "loops", LOOP).loop, module(tmp_path, "steps", STEP.format(factor=2, sign="*")).step
    assert compiled_loop(loop, "step", step) is compiled_loop(loop, "step", step)
