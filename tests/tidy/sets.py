"""Iteration over sets: their order differs from process to process, so nothing that reaches a fact or an effect may follow it."""

import ast
from collections.abc import Iterable

from tests.tidy.tree import Finding, Module

SET_TYPES = frozenset({"AbstractSet", "MutableSet", "Set", "frozenset", "set"})
SET_METHODS = frozenset({"difference", "intersection", "symmetric_difference", "union"})
ORDER_KEPT = frozenset({"deque", "dict", "enumerate", "iter", "list", "map", "filter", "next", "reversed", "tuple", "zip"})
ORDER_LOST = frozenset({"all", "any", "frozenset", "len", "max", "min", "set", "sorted"})


def is_set_type(annotation: ast.expr | None) -> bool:
    """Whether an annotation is a set of anything."""
    if isinstance(annotation, ast.Subscript):
        return is_set_type(annotation.value)
    name = annotation.attr if isinstance(annotation, ast.Attribute) else getattr(annotation, "id", "")
    return name in SET_TYPES


def set_fields(modules: Iterable[Module]) -> frozenset[str]:
    """Names of fields that any of the modules declares as sets."""
    return frozenset(
        node.target.id if isinstance(node.target, ast.Name) else node.target.attr
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name | ast.Attribute) and is_set_type(node.annotation)
    )


def makes_set(called: ast.expr) -> bool:
    """Whether a call of this gives a set."""
    if isinstance(called, ast.Attribute):
        return called.attr in SET_METHODS
    return isinstance(called, ast.Name) and called.id in {"set", "frozenset"}


class _Walk(ast.NodeVisitor):
    """Collects findings; ``names`` are the variables and ``fields`` the attributes known to hold sets."""

    def __init__(self, path: str, fields: frozenset[str]) -> None:
        self.path, self.fields = path, fields
        self.names: set[str] = set()
        self.harmless: set[ast.AST] = set()
        self.found: list[Finding] = []

    def is_set(self, node: ast.expr) -> bool:
        """Whether an expression is known to be a set."""
        if isinstance(node, ast.Set | ast.SetComp):
            return True
        if isinstance(node, ast.Name):
            return node.id in self.names
        if isinstance(node, ast.Attribute):
            return node.attr in self.fields
        if isinstance(node, ast.BinOp):
            return isinstance(node.op, ast.BitAnd | ast.BitOr | ast.BitXor | ast.Sub) and (
                self.is_set(node.left) or self.is_set(node.right)
            )
        return isinstance(node, ast.Call) and makes_set(node.func)

    def report(self, node: ast.expr, how: str) -> None:
        self.found.append(Finding(self.path, node.lineno, f"{how} a set: its order is another in each process; sort it first"))

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        outer = set(self.names)
        every = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
        self.names -= {argument.arg for argument in every}
        self.names |= {argument.arg for argument in every if is_set_type(argument.annotation)}
        self.generic_visit(node)
        self.names = outer

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - the name that ast.NodeVisitor looks for

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                (self.names.add if self.is_set(node.value) else self.names.discard)(target.id)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if isinstance(node.target, ast.Name) and is_set_type(node.annotation):
            self.names.add(node.target.id)
        self.generic_visit(node)

    def visit_For(self, node: ast.For) -> None:
        if self.is_set(node.iter):
            self.report(node.iter, "a loop over")
        self.generic_visit(node)

    def visit_Starred(self, node: ast.Starred) -> None:
        if self.is_set(node.value):
            self.report(node.value, "unpacking")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if name in ORDER_LOST:
            self.harmless.update(node.args)
        if name in ORDER_KEPT or method in {"join", "extend", "fromkeys"}:
            for argument in node.args:
                if self.is_set(argument):
                    self.report(argument, f"`{name or method}` of")
        if method == "pop" and not node.args and isinstance(node.func, ast.Attribute) and self.is_set(node.func.value):
            self.report(node, "`pop` from")
        self.generic_visit(node)

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp | ast.DictComp) -> None:
        for part in node.generators:
            if node not in self.harmless and self.is_set(part.iter):
                self.report(part.iter, "a comprehension over")
        self.generic_visit(node)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self._comprehension(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self._comprehension(node)

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._comprehension(node)


def set_order_used(module: Module, fields: frozenset[str]) -> list[Finding]:
    """Places where the order of a set decides something; ``fields`` names attributes that hold sets."""
    walk = _Walk(module.path, fields)
    walk.visit(module.tree)
    return walk.found
