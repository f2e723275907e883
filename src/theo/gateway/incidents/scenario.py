"""A scenario: steps that name an incident, and when it is to happen. Read from TOML, or from a text on the command line.

[[step]]
incident = "server-lost"
at = 90            # seconds after the start
for = 20           # it is ended so many seconds later, where it lasts

[[step]]
incident = "nightly-restart"
at = "23:45"       # each day in the zone of the gateway's login, or in another: zone = "UTC"; "Sun 01:00" is once a week

[[step]]
incident = "sent-no-answer"
on = "PlaceOrder"  # at the third such request
nth = 3
args.seconds = 40  # what an incident takes is said in docs/reference/gateway-incidents.md

The same on the command line: server-lost@90,for=20   nightly-restart@23:45   sent-no-answer@PlaceOrder,nth=3,seconds=40
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from theo.domain.errors import ConfigError
from theo.domain.nearest import nearest_names
from theo.gateway.incidents.day_times import DayTime, day_time
from theo.gateway.incidents.incident import Incident, Value, check_args, named

STEPS_MAX = 10_000
SECONDS_MAX = 1e9  # thirty years
OWN = frozenset({"for", "nth", "zone"})  # keys of a step; what else a text has are its arguments


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"lasts": "for"}):
    """One incident: ``at`` seconds after the start, or at a time of the day, or at the ``nth`` request of a name (``on``).

    ``lasts`` seconds. ``zone`` is of a time of the day, empty for the login's own.
    """

    incident: str
    at: float | str | None = None
    on: str = ""
    nth: int = 1
    zone: str = ""
    lasts: float | None = None
    args: dict[str, Value] = {}

    @property
    def daily(self) -> DayTime | None:
        """The time of the day or of the week, where it is one."""
        return day_time(self.at) if isinstance(self.at, str) else None


class _Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    step: list[Step]


def load_scenario(path: Path, known: Mapping[str, Incident], requests: frozenset[str]) -> tuple[Step, ...]:
    """The steps of a file. Raises ConfigError naming file, step and remedy."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the scenario cannot be read: {error}", where=str(path)) from error
    return read_scenario(text, str(path), known, requests)


def read_scenario(text: str, where: str, known: Mapping[str, Incident], requests: frozenset[str]) -> tuple[Step, ...]:
    """The steps of a text; ``requests`` are the names of what clients can ask."""
    try:
        steps = msgspec.convert(tomllib.loads(text), _Scenario).step
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(
            f"the scenario is wrong: {error}", where=where, remedy="Each [[step]] has incident, and at or on"
        ) from error
    if len(steps) > STEPS_MAX:
        raise ConfigError(f"{len(steps)} steps, at most {STEPS_MAX} are played", where=where)
    for number, step in enumerate(steps, start=1):
        check(step, f"{where}, step {number}", known, requests)
    return tuple(steps)


def read_step(text: str, known: Mapping[str, Incident], requests: frozenset[str]) -> Step:
    """A step as NAME, NAME@WHEN or NAME@WHEN,KEY=VALUE,...; WHEN as ``at`` or ``on``, without it the incident's usual time."""
    head, given = _parts(text)
    name, _, when = head.partition("@")
    when = when or named(known, name).usually or "0"
    fields: dict[str, object] = {key: given.pop(key) for key in OWN & given.keys()}
    fields |= {"on": when} if when.isalpha() else {"at": when if (found := _number(when)) is None else found}
    try:
        step = msgspec.convert({"incident": name, "args": given, **fields}, Step)
    except msgspec.ValidationError as error:
        raise ConfigError(f"the incident is wrong: {error}", where=f"incident {text!r}") from error
    check(step, f"incident {text!r}", known, requests)
    return step


def read_play(text: str) -> tuple[str, float | None, dict[str, Value]]:
    """What is to be played now, as NAME or NAME,KEY=VALUE,...: its name, how many seconds it lasts, its arguments."""
    name, given = _parts(text)
    lasts = given.pop("for", None)
    if isinstance(lasts, str) or "@" in name or not given.keys().isdisjoint(OWN):
        raise ConfigError(
            f"{text!r} cannot be played now", why="what is played by hand happens at once", remedy="Use NAME or NAME,for=20"
        )
    return name, lasts, given


def _parts(text: str) -> tuple[str, dict[str, Value]]:
    head, *pairs = text.split(",")
    given: dict[str, Value] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not (key and equals and value):
            raise ConfigError(f"{pair!r} is no KEY=VALUE", where=f"incident {text!r}")
        given[key] = value if (found := _number(value)) is None else found
    return head, given


def _number(text: str) -> int | float | None:
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return None


def check(step: Step, where: str, known: Mapping[str, Incident], requests: frozenset[str]) -> None:
    """Raises ConfigError for a step that cannot be played."""
    try:
        check_args(step.incident, named(known, step.incident), step.args)
        _check_when(step, requests)
    except ConfigError as error:
        raise ConfigError(error.what, where=where, remedy=error.remedy) from error
    if (step.at is None) == (not step.on):
        raise ConfigError(
            "a step happens at a time or on a request", where=where, remedy='Give either at = SECONDS or on = "PlaceOrder"'
        )
    if isinstance(step.at, str) and step.daily is None:
        raise ConfigError(f"at is {step.at!r}", where=where, remedy='Use seconds after the start, or "23:45", or "Sun 01:00"')
    if isinstance(step.at, int | float) and not 0 <= step.at < SECONDS_MAX:
        raise ConfigError(f"at is {step.at}", where=where, why="it is seconds after the start", remedy="Use 0 or more")
    if step.nth < 1 or not lasts_well(step.lasts):
        raise ConfigError("nth is 1 or more, for is a number of seconds above 0", where=where)


def lasts_well(seconds: float | None) -> bool:
    """Whether an incident can last so long."""
    return seconds is None or 0 < seconds < SECONDS_MAX


def _check_when(step: Step, requests: frozenset[str]) -> None:
    if step.on and step.on not in requests:
        raise ConfigError(f"clients cannot send {step.on!r}", remedy=nearest_names(step.on, requests))
    if not step.zone:
        return
    if step.daily is None:
        raise ConfigError("a zone belongs to a time of the day", remedy='Give at = "23:45" with it')
    try:
        ZoneInfo(step.zone)
    except (KeyError, ValueError, OSError) as error:
        raise ConfigError(f"no time zone is named {step.zone!r}", remedy="Use a name such as America/Chicago") from error
