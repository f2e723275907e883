"""A home's name on a server, kept in its folder: a readable one that nobody else has, and the folder's own identity."""

import os
import re
import secrets
import socket
from pathlib import Path
from typing import Final

import msgspec

from theo.domain.errors import ConfigError, UserError

FILE: Final = "home.name"
VARIABLE: Final = "THEO_HOME_NAME"
FORM: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
MACHINE_LETTERS_MAX: Final = 20


class HomeName(msgspec.Struct, frozen=True):
    """``name`` is what people read; ``identity`` tells two folders of one name apart."""

    name: str
    identity: str


def home_name(home: Path) -> HomeName:
    """The name of this home, made at its first use. Raises UserError when the file says another one than is configured."""
    path = home / FILE
    wanted = os.environ.get(VARIABLE, "").strip()
    if wanted and FORM.fullmatch(wanted) is None:
        raise ConfigError(
            f"{wanted!r} cannot be a home's name", where=VARIABLE, remedy="Use small letters, digits and hyphens, 40 at most"
        )
    if not path.exists():
        _make(path, wanted or f"{_machine()}-{secrets.token_hex(3)}")
    name, _, identity = path.read_text(encoding="utf-8").strip().partition(" ")
    if FORM.fullmatch(name) is None or not identity:
        raise UserError("is no home's name", where=str(path), remedy="Restore the file from a backup: the server knows the name")
    if wanted and wanted != name:
        raise UserError(
            f"this home is {name}, not {wanted}",
            where=str(path),
            why="its tables on the server carry the first name",
            remedy=f"Leave {VARIABLE} away, or name another --home",
        )
    return HomeName(name, identity)


def _machine() -> str:
    letters = re.sub(r"[^a-z0-9]+", "-", socket.gethostname().partition(".")[0].lower()).strip("-")
    return letters[:MACHINE_LETTERS_MAX].strip("-") or "home"


def _make(path: Path, name: str) -> None:
    """Whole or not at all, and once: of two processes that make it the second takes what the first has written."""
    own = path.with_name(f"{FILE}.{os.getpid()}")
    try:
        with own.open("w", encoding="utf-8") as file:
            file.write(f"{name} {secrets.token_hex(16)}\n")
            file.flush()
            os.fsync(file.fileno())
        if not path.exists():
            os.link(own, path)
    except FileExistsError:
        pass
    except OSError as error:
        remedy = "Make the folder writable"
        raise UserError("cannot be written", where=str(path), why=str(error.strerror), remedy=remedy) from error
    finally:
        own.unlink(missing_ok=True)
