"""The reference of the command line, from the Typer application itself: every command with its arguments and options.

No command is run: only what each declares is read.
"""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Protocol, cast

from typer import Context
from typer.core import TyperGroup

from theo.app.cli.root import command_line as all_commands

VALUES = ((int, "N"), (float, "X"), (Path, "PATH"))
ABSENT = frozenset({"", "None", "False", "[]", "()"})  # defaults that say nothing


class Described(Protocol):
    """The Python type of a parameter."""

    annotation: object


class Parameter(Protocol):
    """What is read of an argument or option."""

    name: str
    opts: list[str]
    param_type_name: str
    required: bool
    default: object
    help: str
    metavar: str | None
    type_descriptor: Described


class Command(Protocol):
    """What is read of a command or a group of them."""

    name: str
    help: str | None
    params: list[Parameter]


def command_line() -> str:
    """Markdown of every command, in the order of `theo --help`."""
    root = all_commands()
    parts = [_global_options(cast("Command", root))]
    parts += [_section(path, command) for path, command in _walk((), root)]
    return "\n\n".join(parts)


def _walk(path: tuple[str, ...], command: object) -> Iterator[tuple[tuple[str, ...], Command]]:
    if not isinstance(command, TyperGroup):
        yield path, cast("Command", command)
        return
    context = Context(command)
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        assert child is not None
        yield from _walk((*path, name), child)


def _global_options(root: Command) -> str:
    return "\n\n".join(("## theo", "`theo [OPTIONS] COMMAND`", _rows(root.params)))


def _section(path: tuple[str, ...], command: Command) -> str:
    arguments = [_shown_argument(p) for p in command.params if p.param_type_name == "argument"]
    usage = " ".join(["theo", *path, *arguments, "[OPTIONS]"])
    parts = (f"## theo {' '.join(path)}", f"`{usage}`", command.help or "", _rows(command.params))
    return "\n\n".join(part for part in parts if part)


def _shown_argument(parameter: Parameter) -> str:
    name = parameter.metavar or parameter.name.upper()
    return name if parameter.required else f"[{name}]"


def _rows(parameters: list[Parameter]) -> str:
    rows = ["| argument or option | default | meaning |", "|---|---|---|"]
    rows += [f"| {_name(p)} | {_default(p)} | {_cell(p.help or '')} |" for p in parameters]
    return "\n".join(rows)


def _name(parameter: Parameter) -> str:
    if parameter.param_type_name == "argument":
        return f"`{parameter.metavar or parameter.name.upper()}`"
    value = "" if _is_flag(parameter) else f" {parameter.metavar or _value(parameter)}"
    return _cell(f"`{parameter.opts[0]}{value}`")


def _value(parameter: Parameter) -> str:
    kind = parameter.type_descriptor.annotation
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return "|".join(kind)
    return next((word for known, word in VALUES if kind is known), "TEXT")


def _is_flag(parameter: Parameter) -> bool:
    return bool(getattr(parameter, "is_flag", False))


def _default(parameter: Parameter) -> str:
    if parameter.required:
        return "required"
    if _is_flag(parameter):
        return "off"
    text = str(getattr(parameter.default, "value", parameter.default))
    return "" if text in ABSENT else f"`{text}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
