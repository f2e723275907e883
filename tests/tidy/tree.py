"""The files of this repository as the tidy checks see them: paths, texts, syntax trees, layers."""

import ast
import subprocess
from functools import cache
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "src/theo"
PURE_LAYERS = ("domain", "market", "strategy", "risk", "report", "venue", "engine", "drive")


class Finding(msgspec.Struct, frozen=True, order=True):
    """One place that breaks one rule; ``what`` says how."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


class Module(msgspec.Struct, frozen=True):
    """One Python file: its path from the root of the repository, its text and its syntax tree."""

    path: str
    text: str
    tree: ast.Module

    @property
    def layer(self) -> str:
        """The layer of the package that it belongs to; empty outside of the package."""
        parts = Path(self.path).parts
        return parts[2] if self.path.startswith(f"{PACKAGE}/") and len(parts) > len(Path(PACKAGE).parts) + 1 else ""


def sample(text: str, path: str = "src/theo/engine/sample.py") -> Module:
    """A module that exists only here: what a check is tried on."""
    return Module(path, text, ast.parse(text))


@cache
def repository_files() -> tuple[str, ...]:
    """Every file that is tracked, or would be if it were added."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return tuple(sorted({path for path in listed if (ROOT / path).is_file()}))


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """Every Python file under the folders."""
    found = [path for path in repository_files() if path.endswith(".py") and path.startswith(folders)]
    texts = [(path, (ROOT / path).read_text(encoding="utf-8")) for path in found]
    return tuple(Module(path, text, ast.parse(text)) for path, text in texts)


def pure_modules() -> tuple[Module, ...]:
    """Every module below the shell."""
    return tuple(module for module in modules(PACKAGE) if module.layer in PURE_LAYERS)


def dotted(node: ast.expr) -> str:
    """``a.b.c`` of nested attributes; empty when it is not such a name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return ""
