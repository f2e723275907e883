"""What code below the shell may not touch: clocks, chance, threads, files, the terminal.

Time and identity arrive inside inputs. Approvals are made by risk alone.
"""

import ast

from tests.tidy.tree import Finding, Module, dotted

BANNED_MODULES = frozenset({
    "asyncio",
    "concurrent",
    "ctypes",
    "importlib",
    "io",
    "logging",
    "multiprocessing",
    "os",
    "queue",
    "random",
    "secrets",
    "selectors",
    "shutil",
    "signal",
    "socket",
    "sqlite3",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "uuid",
    "weakref",
    "zoneinfo",
})  # fmt: skip
BANNED_CALLS = frozenset({
    "datetime.date.today",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "pathlib.Path.cwd",
    "pathlib.Path.home",
})  # fmt: skip
BANNED_METHODS = frozenset({"read_bytes", "read_text", "write_bytes", "write_text"})
# hash() of a text differs from process to process, id() from run to run
BANNED_BUILTINS = frozenset({"__import__", "breakpoint", "eval", "exec", "hash", "id", "input", "open", "print"})

# (path, what is used there) -> why it is harmless there
EXEMPT: dict[tuple[str, str], str] = {
    (
        "src/theo/strategy/generated.py",
        "exec",
    ): "its text is made of places, bits and operators: the same rule set, the same function",
}


def origins(tree: ast.Module) -> dict[str, str]:
    """Each imported name of a module -> the dotted name that it stands for."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                whole = name.name if name.asname else name.name.split(".")[0]
                found[name.asname or whole] = whole
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for name in node.names:
                found[name.asname or name.name] = f"{node.module}.{name.name}"
    return found


def resolved(node: ast.expr, known: dict[str, str]) -> str:
    """The dotted name of an expression with its first part traced to where it was imported from."""
    first, _, rest = dotted(node).partition(".")
    start = known.get(first, first)
    return f"{start}.{rest}" if rest else start


def banned_imports(module: Module) -> list[tuple[int, str]]:
    """(line, module) of each import of something that reaches outside."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, name.name) for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append((node.lineno, node.module))
    return [(line, name) for line, name in found if name.split(".")[0] in BANNED_MODULES]


def banned_uses(module: Module) -> list[tuple[int, str]]:
    """(line, name) of each use, called or handed on, of something that reaches outside."""
    known = origins(module.tree)
    found = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and (resolved(node, known) in BANNED_CALLS or node.attr in BANNED_METHODS):
            found.append((node.lineno, dotted(node) or node.attr))
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in BANNED_BUILTINS - known.keys():
            found.append((node.lineno, node.id))
    return found


def impure(module: Module) -> list[Finding]:
    """Everything in a module that may not stand below the shell."""
    return sorted(
        Finding(module.path, line, f"`{name}` is not for code below the shell: it reaches outside of inputs and state")
        for line, name in banned_imports(module) + banned_uses(module)
        if (module.path, name) not in EXEMPT
    )


def float_sums(module: Module) -> list[Finding]:
    """Uses of the builtin ``sum``, whose way of adding floats differs between versions of Python."""
    return [
        Finding(module.path, node.lineno, "`sum` adds floats differently in other versions of Python: add in a loop")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Name) and node.id == "sum" and isinstance(node.ctx, ast.Load)
    ]


def approvals_made(module: Module) -> list[Finding]:
    """Places that make an ``Approved`` by hand, by subclass, or by copying one with changes."""
    known = origins(module.tree)
    found = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            called = node.func.value if isinstance(node.func, ast.Subscript) else node.func
            if resolved(called, known).split(".")[-1] == "Approved":
                found.append(Finding(module.path, node.lineno, "only theo.risk and the journal codec make an Approved"))
        elif isinstance(node, ast.ClassDef):
            bases = [base.value if isinstance(base, ast.Subscript) else base for base in node.bases]
            if any(resolved(base, known).split(".")[-1] == "Approved" for base in bases):
                found.append(Finding(module.path, node.lineno, "a subclass of Approved is an approval that risk never gave"))
    return found
