"""A scenario: steps that name an incident, and when it is to happen. Read from TOML.

[[step]]
incident = "server-lost"
at = 90            # seconds after the start
for = 20           # it is ended so many seconds later, where it lasts

[[step]]
incident = "duplicate-callbacks"
on = "PlaceOrder"  # at the third such request
nth = 3
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from theo.domain.errors import ConfigError

STEPS_MAX = 10_000


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"lasts": "for"}):
    """One incident: ``at`` seconds after the start, or at the ``nth`` request of a name (``on``); ``lasts`` seconds."""

    incident: str
    at: float | None = None
    on: str = ""
    nth: int = 1
    lasts: float | None = None
    args: dict[str, int | float | str] = {}


class _Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    step: list[Step]


def load_scenario(path: Path, known: Mapping[str, object], requests: frozenset[str]) -> tuple[Step, ...]:
    """The steps of a file. Raises ConfigError naming file, step and remedy."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the scenario cannot be read: {error}", where=str(path)) from error
    return read_scenario(text, str(path), known, requests)


def read_scenario(text: str, where: str, known: Mapping[str, object], requests: frozenset[str]) -> tuple[Step, ...]:
    """The steps of a text; ``known`` are the incidents, ``requests`` the names of what clients can ask."""
    try:
        steps = msgspec.convert(tomllib.loads(text), _Scenario).step
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(
            f"the scenario is wrong: {error}", where=where, remedy="Each [[step]] has incident, and at or on"
        ) from error
    if len(steps) > STEPS_MAX:
        raise ConfigError(f"{len(steps)} steps, at most {STEPS_MAX} are played", where=where)
    for number, step in enumerate(steps, start=1):
        _check(step, f"{where}, step {number}", known, requests)
    return tuple(steps)


def _check(step: Step, where: str, known: Mapping[str, object], requests: frozenset[str]) -> None:
    if step.incident not in known:
        raise ConfigError(
            f"no incident is named {step.incident!r}", where=where, remedy=f"Use one of: {', '.join(sorted(known))}"
        )
    if (step.at is None) == (not step.on):
        raise ConfigError(
            "a step happens at a time or on a request", where=where, remedy='Give either at = SECONDS or on = "PlaceOrder"'
        )
    if step.at is not None and not 0 <= step.at < 1e9:  # noqa: PLR2004 - seconds, thirty years
        raise ConfigError(f"at is {step.at}", where=where, why="it is seconds after the start", remedy="Use 0 or more")
    if step.on and step.on not in requests:
        raise ConfigError(f"clients cannot send {step.on!r}", where=where, remedy=f"Use one of: {', '.join(sorted(requests))}")
    if step.nth < 1 or (step.lasts is not None and step.lasts <= 0):
        raise ConfigError("nth is 1 or more, for is above 0", where=where)
