"""Plays incidents: by hand, at a time, or when a client asks for something for the nth time."""

import heapq
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import msgspec

from theo.domain.errors import ConfigError
from theo.domain.market_data import SECOND, Tick
from theo.gateway.client import Client
from theo.gateway.desk import NEVER, Desk, Handler
from theo.gateway.incidents.interference import Interference
from theo.gateway.incidents.scenario import Step
from theo.gateway.wire.schema import Message

Args = Mapping[str, int | float | str]
Act = Callable[[Desk, Args], None]
ENDS = " ends"  # after the name, where an incident's end is written down


class Incident(msgspec.Struct, frozen=True):
    """What happens, in words; how it begins, and how it ends where it lasts."""

    what: str
    begin: Act
    end: Act | None = None


class IncidentsRoom:
    """Implements desk.Room. ``incidents`` are all that can be played, by name."""

    def __init__(
        self, incidents: Mapping[str, Incident], interference: Interference, steps: Sequence[Step] = (), start: int = 0
    ) -> None:
        self.incidents, self.interference = incidents, interference
        self.handlers: Mapping[type[Message], Handler] = {}
        self.played: list[tuple[int, str]] = []  # when, and which; what a screen shows and a test looks at
        self._due: list[tuple[int, int, str, Act, Args]] = []
        self._number = 0
        self._asked: Counter[str] = Counter()
        self._on_request = [step for step in steps if step.on]
        for step in steps:
            if step.at is not None:
                self._schedule(start + round(step.at * SECOND), step)

    def play(self, desk: Desk, name: str, lasts: float | None = None, args: Args | None = None) -> None:
        """Begin an incident now; it ends after so many seconds, or never. Raises ConfigError for an unknown name."""
        incident = self._named(name)
        self.played.append((desk.now, name))
        incident.begin(desk, args or {})
        if lasts is not None and incident.end is not None:
            self._push(desk.now + round(lasts * SECOND), f"{name}{ENDS}", incident.end, args or {})

    def end(self, desk: Desk, name: str) -> None:
        """End an incident that lasts. Raises ConfigError for an unknown name."""
        incident = self._named(name)
        if incident.end is not None:
            self.played.append((desk.now, f"{name}{ENDS}"))
            incident.end(desk, {})

    def _named(self, name: str) -> Incident:
        incident = self.incidents.get(name)
        if incident is None:
            raise ConfigError(f"no incident is named {name!r}", remedy=f"Use one of: {', '.join(sorted(self.incidents))}")
        return incident

    def asked(self, desk: Desk, request: Message) -> None:
        """A client is about to be answered: what waits for that begins first."""
        name = type(request).__name__
        self._asked[name] += 1
        for step in [s for s in self._on_request if s.on == name and s.nth == self._asked[name]]:
            self.play(desk, step.incident, step.lasts, step.args)

    def _schedule(self, at: int, step: Step) -> None:
        incident = self.incidents[step.incident]
        self._push(at, step.incident, incident.begin, step.args)
        if step.lasts is not None and incident.end is not None:
            self._push(at + round(step.lasts * SECOND), f"{step.incident}{ENDS}", incident.end, step.args)

    def _push(self, at: int, name: str, act: Act, args: Args) -> None:
        self._number += 1
        heapq.heappush(self._due, (at, self._number, name, act, args))

    def on_tick(self, desk: Desk, tick: Tick) -> None:
        """Prices change nothing here."""

    def on_time(self, desk: Desk, at: int) -> None:
        """Begin and end what is due; send what was late."""
        while self._due and self._due[0][0] <= at:
            when, _, name, act, args = heapq.heappop(self._due)
            self.played.append((when, name))
            act(desk, args)
        self.interference.now = at
        self.interference.release(at)

    def next_due(self) -> int:
        """The next step of the scenario, or the next late message."""
        return min(self._due[0][0] if self._due else NEVER, self.interference.next_due())

    def on_started(self, desk: Desk, client: Client) -> None:
        """From now on something may stand in its way."""
        self.interference.now = desk.now
        self.interference.attach(client)

    def on_gone(self, desk: Desk, client: Client) -> None:  # noqa: ARG002 - the signature of a room
        """What was late for it is lost."""
        self.interference.detach(client)
