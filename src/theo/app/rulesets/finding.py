"""Finding a rule set: a TOML file, a stored scan, or the name of a shipped one; and the user's class beside it."""

import hashlib
import importlib.util
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from theo.app.home.layout import Home
from theo.app.rulesets.stored_scans import listed, ruleset_of
from theo.domain.errors import ConfigError
from theo.ports.scans import Scan
from theo.strategy.loading import load_ruleset
from theo.strategy.ruleset import OwnClass, RuleSet
from theo.strategy.user import UserStrategy, with_class


def find_ruleset(name: str, home: Home) -> tuple[RuleSet, str, type[UserStrategy] | None]:
    """The rule set, its text, and its class when it names one. Raises ConfigError.

    What is a file is one; then the home's scans are looked through, then what is shipped. No scan has the name of a shipped one.
    """
    if name.rpartition(":")[0].endswith(".py") or Path(name).suffix == ".py":
        raise ConfigError(
            f"{name} is a class, not a rule set",
            why="a class does not say what it trades, at which stop and size",
            remedy='Write a TOML file with strategy = "python" and [python] class = "FILE.py:Class", and name that file',
        )
    scan = None if is_file(name) else _scan(name, home)
    if scan is not None:
        return ruleset_of(scan), scan.document, None
    text = ruleset_text(name, home)
    ruleset = load_ruleset(text, name)
    if ruleset.own is None:
        return ruleset, text, None
    kind, source = load_class(Path(name).parent, ruleset.own.path)
    return with_class(ruleset, kind, source), text, kind


def ruleset_text(name: str, home: Home) -> str:
    """The text of a file, of a stored scan or of a shipped rule set. Raises ConfigError naming what there is."""
    if is_file(name):
        try:
            return Path(name).read_text(encoding="utf-8-sig")  # some editors begin a file with a mark
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"the rule set cannot be read: {error}", where=name, remedy="Name a TOML file") from error
    scan = _scan(name, home)
    if scan is not None:
        return scan.document
    if name not in shipped_names():
        scans = ", ".join(scan.name for scan in listed(home))
        stored = f", one of your scans: {scans}," if scans else ""
        raise ConfigError(
            f"no rule set {name!r}", remedy=f"Name a TOML file{stored} or one that is shipped: {', '.join(shipped_names())}"
        )
    return shipped_text(name)


def scan_ids(home: Home, rulesets: Iterable[tuple[RuleSet, str]]) -> dict[str, int]:
    """Ids of the stored scans among rule sets with their texts, by name."""
    stored = {(each.name, each.document): each.id for each in listed(home)}
    return {ruleset.name: stored[ruleset.name, text] for ruleset, text in rulesets if (ruleset.name, text) in stored}


def is_file(name: str) -> bool:
    """Whether a name is meant as a file. One that is too long for a file, or that cannot be looked at, is none."""
    try:
        return Path(name).suffix == ".toml" or Path(name).is_file()
    except OSError:
        return False


def _scan(name: str, home: Home) -> Scan | None:
    return next((each for each in listed(home) if each.name == name), None)


def shipped_names() -> list[str]:
    """The rule sets that come with the package."""
    folder = files("theo.strategy").joinpath("rulesets")
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def shipped_text(name: str) -> str:
    """The text of a shipped rule set."""
    return files("theo.strategy").joinpath(f"rulesets/{name}.toml").read_text(encoding="utf-8")


def load_class(folder: Path, reference: str) -> tuple[type[UserStrategy], str]:
    """The class, and its file's text, of ``path/to/file.py:Name``, relative to the rule set's folder. Raises ConfigError."""
    file, _, name = reference.rpartition(":")
    path = folder / file
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise ConfigError(f"no file {path}", where=reference, remedy="Give the path of a Python file, relative to the rule set")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # a user's file may raise anything; it becomes one clear sentence
        raise ConfigError(f"{path} cannot be loaded: {type(error).__name__}: {error}", where=reference) from error
    kind = getattr(module, name, None)
    if not isinstance(kind, type) or not issubclass(kind, UserStrategy):
        raise ConfigError(f"{path} has no class {name} that is a UserStrategy", where=reference)
    return kind, path.read_text(encoding="utf-8")


def recorded_class(folder: str, own: OwnClass) -> type[UserStrategy]:
    """The class of a recorded run, from the folder in which its rule set lay. Raises ConfigError when its file is another now."""
    kind, source = load_class(Path(folder), own.path)
    if hashlib.sha256(source.encode()).hexdigest() != own.source_sha256:
        raise ConfigError(
            f"{Path(folder) / own.path.rpartition(':')[0]} is not what it was when the run began",
            why="its SHA-256 is another",
            remedy="Put the file back as it was",
        )
    return kind
