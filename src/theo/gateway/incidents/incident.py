"""What an incident is, and what its beginning and its end are made of: arguments, shared levers, changed settings."""

from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

import msgspec

from theo.domain.errors import ConfigError
from theo.domain.nearest import nearest_names
from theo.gateway.client import Client
from theo.gateway.desk import Desk, GatewaySettings

Value = int | float | str
Args = Mapping[str, Value]
Act = Callable[[Desk, Args], None]
K = TypeVar("K")
Asks = Callable[[Desk, Args], bool]


class Part(msgspec.Struct, frozen=True):
    """Another incident, which begins and ends with the one that it is a part of."""

    name: str
    args: Args = {}


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """What happens, in words; how it begins, and how it ends where it lasts.

    ``after`` is done after each request while it lasts, for what has just been asked. ``lasts``: seconds after which it ends by
    itself unless told otherwise. ``ready``: until then it waits, for an order that it
    can happen to. ``left``: whether anything of it is still to come, where it is used up by what it meets. ``takes``: its
    arguments, in words. ``usually``: when it happens where no time is given.
    """

    what: str
    begin: Act | None = None
    end: Act | None = None
    after: Act | None = None
    lasts: float | None = None
    ready: Asks | None = None
    left: Callable[[], bool] | None = None
    parts: tuple[Part, ...] = ()
    takes: Mapping[str, str] = {}
    usually: str = ""

    @property
    def has_end(self) -> bool:
        """Whether there is anything to end."""
        return self.end is not None or bool(self.parts)


class Catalogue(msgspec.Struct, frozen=True):
    """All incidents by name; ``greets`` is done to each client that connects, by what lasts then."""

    incidents: Mapping[str, Incident]
    greets: tuple[Callable[[Client], None], ...] = ()


def named(known: Mapping[str, K], name: str) -> K:
    """An incident by its name. Raises ConfigError with the nearest names."""
    found = known.get(name)
    if found is None:
        raise ConfigError(f"no incident is named {name!r}", remedy=nearest_names(name, known))
    return found


def check_args(name: str, incident: Incident, args: Args) -> None:
    """Raises ConfigError for an argument that an incident does not take."""
    for key in args:
        if key not in incident.takes:
            remedy = nearest_names(key, incident.takes) if incident.takes else "It takes none"
            raise ConfigError(f"{name} takes no argument {key!r}", remedy=remedy)


def number(args: Args, name: str, otherwise: int) -> int:
    """A whole number of an incident's arguments. Raises ConfigError for anything else."""
    value = args.get(name, otherwise)
    if isinstance(value, str) or value != int(value) or value < 0:
        raise ConfigError(f"{name} is {value!r}", why="it is a whole number of 0 or more")
    return int(value)


def seconds(args: Args, name: str, otherwise: float) -> float:
    """A time of an incident's arguments. Raises ConfigError for anything else."""
    value = args.get(name, otherwise)
    if isinstance(value, str) or not 0 <= value < 1e9:  # noqa: PLR2004 - thirty years
        raise ConfigError(f"{name} is {value!r}", why="it is a number of seconds")
    return float(value)


def amount(args: Args, name: str) -> float | None:
    """A number of an incident's arguments, None without. Raises ConfigError for anything else."""
    value = args.get(name)
    if isinstance(value, str):
        raise ConfigError(f"{name} is {value!r}", why="it is a number")
    return value


class Move(Protocol):
    """Does or undoes what a lever stands for."""

    def __call__(self, desk: Desk, *, on: bool) -> None:
        """Done again while it is done already, it meets what has come since."""


class Lever:
    """Stays pulled as long as any incident needs it."""

    def __init__(self, move: Move) -> None:
        self._move, self._needed_by = move, set[str]()

    def pull(self, desk: Desk, incident: str) -> None:
        """This incident needs it from now on; what has come since it was pulled last meets it too."""
        self._needed_by.add(incident)
        self._move(desk, on=True)

    def let_go(self, desk: Desk, incident: str) -> None:
        """This one does not any more."""
        self._needed_by.discard(incident)
        self._move(desk, on=bool(self._needed_by))

    def leave(self, incident: str) -> None:
        """This one does not any more, and what it did stays done."""
        self._needed_by.discard(incident)


class Rules:
    """The settings of a gateway while incidents last that change them, and its own again afterwards."""

    def __init__(self) -> None:
        self._own: GatewaySettings | None = None
        self._changes: dict[str, Mapping[str, object]] = {}

    def change(self, desk: Desk, incident: str, fields: Mapping[str, object]) -> None:
        """Other values of some settings, until this incident ends."""
        if self._own is None:
            self._own = desk.settings
        self._changes[incident] = fields
        self._apply(desk, self._own)

    def restore(self, desk: Desk, incident: str) -> None:
        """Without what this incident changed."""
        if self._changes.pop(incident, None) is not None and self._own is not None:
            self._apply(desk, self._own)

    def _apply(self, desk: Desk, own: GatewaySettings) -> None:
        desk.settings = own
        for fields in self._changes.values():
            desk.settings = msgspec.structs.replace(desk.settings, **fields)
