"""One turn of the core: one input being worked off.

Facts change the state as they are emitted, so that a second decision of the same instant sees the first.
"""

from theo.domain.effects import Alert, Effect
from theo.domain.facts import Alerted, Fact
from theo.engine.apply import APPLY
from theo.engine.state import State
from theo.engine.world import World


class Turn:
    """Collects what follows from one input: facts in order, and the effects to release once the facts are durable."""

    __slots__ = ("at", "effects", "facts", "state", "world")

    def __init__(self, state: State, world: World, at: int) -> None:
        self.state, self.world, self.at = state, world, at
        self.facts: list[Fact] = []
        self.effects: list[Effect] = []

    def emit(self, fact: Fact) -> None:
        """Record what happened, and let it change the state."""
        APPLY[type(fact)](self.state, fact)
        self.facts.append(fact)

    def alert(self, severity: str, code: str, text: str) -> None:
        """Tell a person, and keep that they were told."""
        self.emit(Alerted(self.at, severity, code, text))
        self.effects.append(Alert(severity, code, text))
