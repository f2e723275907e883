"""How large functions and modules may be, and what they may not be called."""

import ast
from collections.abc import Iterable
from pathlib import Path

from tests.tidy.tree import Finding, Module

FUNCTION_LINES_MAX = 70
FUNCTION_LINES_USUAL = 30
USUAL_SHARE_MIN = 0.9
MODULE_LINES_MAX = 500
# Names that say nothing about what is inside: everything ends up there.
EMPTY_NAMES = frozenset({"common", "helper", "helpers", "manager", "managers", "misc", "service", "services", "util", "utils"})

# (path, function) -> why it is longer than a page
LONG_ON_PURPOSE = {("benchmarks/reference_loop.py", "fused"): "the yardstick is one loop without calls, written out"}


def function_lengths(module: Module) -> list[tuple[str, int, int]]:
    """(name, line, number of lines) of each function, from ``def`` to its last line."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = [node for node in ast.walk(module.tree) if isinstance(node, kinds)]
    return [(node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1) for node in found]


def long_functions(module: Module) -> list[Finding]:
    """Functions beyond the most that is allowed."""
    return [
        Finding(module.path, line, f"{name} has {lines} lines, more than {FUNCTION_LINES_MAX}")
        for name, line, lines in function_lengths(module)
        if lines > FUNCTION_LINES_MAX and (module.path, name) not in LONG_ON_PURPOSE
    ]


def usual_share(modules: Iterable[Module]) -> float:
    """The share of functions that fit a screen, 0 to 1; 1 when there are none."""
    lengths = [lines for module in modules for _, _, lines in function_lengths(module)]
    return sum(lines <= FUNCTION_LINES_USUAL for lines in lengths) / len(lengths) if lengths else 1.0


def long_module(module: Module) -> list[Finding]:
    """The module, if it is beyond the most that is allowed."""
    lines = len(module.text.splitlines())
    return [Finding(module.path, lines, f"{lines} lines, more than {MODULE_LINES_MAX}")] if lines > MODULE_LINES_MAX else []


def empty_names(module: Module) -> list[Finding]:
    """Folders, modules and classes whose name says nothing."""
    words = [word for part in Path(module.path).with_suffix("").parts for word in part.lower().split("_")]
    classes = [node for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)]
    return [
        *(Finding(module.path, 1, f"`{word}` says nothing about what is inside") for word in words if word in EMPTY_NAMES),
        *(
            Finding(module.path, node.lineno, f"class {node.name} does not say what it is")
            for node in classes
            if node.name.lower().endswith(tuple(sorted(EMPTY_NAMES)))
        ),
    ]
