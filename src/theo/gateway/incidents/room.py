"""Plays incidents: by hand, at a time, when a client asks for something for the nth time, or as soon as it can happen."""

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from theo.domain.errors import ConfigError, TheoError
from theo.domain.market_data import SECOND, Tick
from theo.gateway.client import Client
from theo.gateway.desk import NEVER, Desk, Handler
from theo.gateway.incidents.day_times import DayTime, next_after
from theo.gateway.incidents.incident import Args, Catalogue, Incident, check_args, named
from theo.gateway.incidents.interference import Interference
from theo.gateway.incidents.scenario import Step, lasts_well
from theo.gateway.wire.schema import Message

ENDS = " ends"  # after the name, where an incident's end is written down
WAITING_MAX = 1_000  # incidents that wait for an order that they can happen to
PLAYED_MAX = 1_000  # of what is written down, the newest


class Wanted(msgspec.Struct, frozen=True):
    """An incident that is to begin; ``lasts`` seconds, None for as long as it usually does."""

    name: str
    lasts: float | None = None
    args: Args = {}
    part: bool = False  # of another, with which it ends
    again: DayTime | None = None
    zone: str = ""


class Ending(msgspec.Struct, frozen=True):
    """The end of an incident, if it has not begun anew since."""

    name: str
    number: int


class IncidentsRoom:
    """Implements desk.Room. ``catalogue`` is all that can be played; ``zone`` is what times of the day are of."""

    def __init__(
        self, catalogue: Catalogue, interference: Interference, steps: Sequence[Step] = (), start: int = 0, zone: str = "UTC"
    ) -> None:
        self.catalogue, self.interference = catalogue, interference
        self.handlers: Mapping[type[Message], Handler] = {}
        self.played: list[tuple[int, str]] = []  # when, and which; what a screen shows and a test looks at
        self.failed: list[tuple[int, str, str]] = []  # when, which, and why nothing came of it
        self._due: list[tuple[int, int, Wanted | Ending]] = []
        self._waiting: list[Wanted] = []
        self._begun: dict[str, int] = {}  # what lasts, and the number of its beginning
        self._number = 0
        self._look_at = NEVER
        self._asked: Counter[str] = Counter()
        self._on_request = [step for step in steps if step.on]
        for step in steps:
            self._schedule(start, step, zone)

    @property
    def incidents(self) -> Mapping[str, Incident]:
        """All that can be played, by name."""
        return self.catalogue.incidents

    @property
    def waiting(self) -> tuple[str, ...]:
        """Incidents that wait for an order that they can happen to."""
        return tuple(dict.fromkeys(wanted.name for wanted in self._waiting if not wanted.part))

    @property
    def lasting(self) -> tuple[str, ...]:
        """Incidents that have begun and neither ended nor been used up, in the order in which they began."""
        parts = {part.name for name in self._begun for part in self.incidents[name].parts}
        return tuple(name for name in self._begun if name not in parts and self._goes_on(name))

    def _goes_on(self, name: str) -> bool:
        left = self.incidents[name].left
        return left is None or left()

    def play(self, desk: Desk, name: str, lasts: float | None = None, args: Args | None = None) -> None:
        """Begin an incident now, or as soon as it can happen; it ends after so many seconds, or as it usually does.

        Raises ConfigError for an unknown name and for what it cannot be begun with.
        """
        check_args(name, named(self.incidents, name), args or {})
        if not lasts_well(lasts):
            raise ConfigError(f"{name} cannot last {lasts} seconds", remedy="Use a number above 0")
        self._want(desk, Wanted(name, lasts, args or {}))

    def end(self, desk: Desk, name: str) -> None:
        """End an incident that lasts or waits. Raises ConfigError for an unknown name, and for one that does neither."""
        named(self.incidents, name)
        waits, lasts = name in self.waiting, name in self.lasting
        self._finish(desk, name)
        if not (waits or lasts):
            raise ConfigError(f"{name} is not being played", why="it has ended, or never begun")

    def asked(self, desk: Desk, request: Message) -> None:
        """A client is about to be answered: what waits for that begins first."""
        name = type(request).__name__
        self._asked[name] += 1
        for step in [s for s in self._on_request if s.on == name and s.nth == self._asked[name]]:
            self._try(desk, _wanted(step))
        if self._waiting or self._begun:
            self._look_at = desk.now  # after this request has been answered

    # Beginning and ending

    def _want(self, desk: Desk, wanted: Wanted) -> None:
        incident = self.incidents[wanted.name]
        if incident.ready is None or incident.ready(desk, wanted.args):
            self._begin(desk, wanted)
        elif len(self._waiting) < WAITING_MAX:
            self._waiting.append(wanted)
        else:
            raise ConfigError(f"more than {WAITING_MAX} incidents wait", remedy="End some")

    def _begin(self, desk: Desk, wanted: Wanted) -> None:
        name, incident = wanted.name, self.incidents[wanted.name]
        if incident.begin is not None:
            incident.begin(desk, wanted.args)
        if not wanted.part:
            self._note(desk.now, name)
        for part in incident.parts:
            self._want(desk, Wanted(part.name, args=part.args, part=True))
        if incident.has_end:
            self._begun.pop(name, None)
            self._number += 1
            self._begun[name] = self._number
            lasts = incident.lasts if wanted.lasts is None else wanted.lasts
            if lasts is not None:
                self._push(desk.now + round(lasts * SECOND), Ending(name, self._begun[name]))

    def _finish(self, desk: Desk, name: str, *, part: bool = False) -> None:
        incident = self.incidents[name]
        self._waiting = [wanted for wanted in self._waiting if wanted.name != name or wanted.part != part]
        for each in reversed(incident.parts):
            self._finish(desk, each.name, part=True)
        if self._begun.pop(name, None) is None:
            return
        if not part:
            self._note(desk.now, f"{name}{ENDS}")
        if incident.end is not None:
            incident.end(desk, {})

    def _note(self, at: int, name: str) -> None:
        self.played.append((at, name))
        if len(self.played) > 2 * PLAYED_MAX:
            del self.played[:PLAYED_MAX]

    def _try(self, desk: Desk, wanted: Wanted) -> None:
        """As play, where nobody is there to be told that it cannot be."""
        try:
            self._want(desk, wanted)
        except TheoError as error:
            self.failed.append((desk.now, wanted.name, error.sentence()))
            del self.failed[:-PLAYED_MAX]

    def _follow(self, desk: Desk) -> None:
        """After a request: what lasts meets what has just been asked, and what waits may begin."""
        self._look_at = NEVER
        for name in list(self._begun):
            after = self.incidents[name].after
            if after is not None:
                after(desk, {})
        self._look(desk)

    def _look(self, desk: Desk) -> None:
        """Begin what can happen now."""
        for wanted in list(self._waiting):
            ready = self.incidents[wanted.name].ready
            if wanted in self._waiting and ready is not None and ready(desk, wanted.args):
                self._waiting.remove(wanted)
                self._try(desk, wanted)

    # Time

    def _schedule(self, start: int, step: Step, zone: str) -> None:
        daily = step.daily
        if daily is not None:
            wanted = msgspec.structs.replace(_wanted(step), again=daily, zone=step.zone or zone)
            self._push(next_after(start - 1, daily, wanted.zone), wanted)
        elif isinstance(step.at, int | float):
            self._push(start + round(step.at * SECOND), _wanted(step))

    def _push(self, at: int, what: Wanted | Ending) -> None:
        self._number += 1
        heapq.heappush(self._due, (at, self._number, what))

    def _pass(self, desk: Desk, at: int, what: Wanted | Ending) -> None:
        if isinstance(what, Ending):
            if self._begun.get(what.name) == what.number:
                self._finish(desk, what.name)
            return
        if what.again is not None:
            self._push(next_after(at, what.again, what.zone), what)
        self._try(desk, what)

    def on_tick(self, desk: Desk, tick: Tick) -> None:  # noqa: ARG002 - the signature of a room
        """An order may have become what an incident waits for."""
        if self._waiting:
            self._look(desk)

    def on_time(self, desk: Desk, at: int) -> None:
        """Begin and end what is due; send what was late."""
        while self._due and self._due[0][0] <= at:
            when, _, what = heapq.heappop(self._due)
            self._pass(desk, when, what)
        if self._look_at <= at:
            self._follow(desk)
        self.interference.release(at)

    def next_due(self) -> int:
        """The next step of the scenario, the next late message, or now if somebody has just asked for something."""
        return min(self._due[0][0] if self._due else NEVER, self._look_at, self.interference.next_due())

    def on_started(self, desk: Desk, client: Client) -> None:
        """From now on something may stand in its way."""
        self.interference.attach(desk, client)
        for greet in self.catalogue.greets:
            greet(client)

    def on_gone(self, desk: Desk, client: Client) -> None:  # noqa: ARG002 - the signature of a room
        """What was late for it is lost."""
        self.interference.detach(client)


def _wanted(step: Step) -> Wanted:
    return Wanted(step.incident, step.lasts, step.args)
