"""Deciding a journal again with this build and comparing the facts: the verification of a journal, and the proof of parity."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import msgspec

from theo.domain.errors import CorruptionError
from theo.domain.facts import Fact
from theo.domain.inputs import Started
from theo.domain.market_data import MarketData
from theo.engine.codec import Step
from theo.engine.core import Core
from theo.engine.recovery import fold_until, follow

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Fact]).decode

NewCore = Callable[[Started], Core]
Items = Iterator[MarketData]
FromTheStart = Callable[[], tuple[Iterable[Step], Items]]


@dataclass(slots=True)
class Compared:
    """How many steps and facts were decided again; ``first_difference`` in words, None when there is none."""

    steps: int = 0
    facts: int = 0
    first_difference: str | None = None


def redecide(new_core: NewCore, steps: Iterable[Step], items: Items, from_the_start: FromTheStart) -> Compared:
    """Feed the recorded inputs, in the recorded order, until the first difference.

    ``new_core`` assembles a fresh core from what a start knew. A restart that knew something else goes on with another core,
    brought there as the restart was: by the record before it, which ``from_the_start`` reads anew. Raises CorruptionError when
    market data is missing, or a journal does not begin with a start.
    """
    done = Compared()
    again = _Again(new_core, items, from_the_start)
    for number, step in enumerate(steps):
        done.first_difference = again.take(number, step)
        if done.first_difference is not None:
            return done
        done.steps, done.facts = done.steps + 1, done.facts + len(step.facts)
    return done


class _Again:
    """The core that decides again, and how many items of market data it took."""

    def __init__(self, new_core: NewCore, items: Items, from_the_start: FromTheStart) -> None:
        self._new_core, self._items, self._from_the_start = new_core, items, from_the_start
        self._core: Core | None = None
        self._world = ""
        self._consumed = 0

    def take(self, number: int, step: Step) -> str | None:
        """Decide one step again; the difference in words, if there is one.

        Core time follows the recorded steps: an input that left no facts is not kept, but the core's time went on with it.
        """
        facts: list[Fact] = []
        while self._consumed < step.consumed:
            item = next(self._items, None)
            if item is None:
                raise CorruptionError(f"market data ends at item {self._consumed}, a decision used {step.consumed}")
            core = self._running()
            self._consumed += 1
            if self._consumed == step.consumed and step.input is None:
                core.at = max(core.at, step.at)
            facts, _ = core.step(item)
            if facts and (self._consumed < step.consumed or step.input is not None):
                return f"item {self._consumed} led to facts that are not recorded:\n{_shown(facts)}"
        if step.input is not None:
            if type(step.input) is Started and step.input.world != self._world:
                self._begin(number, step.input)
            core = self._running()
            core.at = max(core.at, step.at)
            facts, _ = core.step(step.input)
        return None if _same(facts, step.facts) else _difference(step, facts)

    def _begin(self, number: int, started: Started) -> None:
        """Go on with what this start knew; ``number`` steps lie before it."""
        core = self._new_core(started)
        if number:
            steps, items = self._from_the_start()
            taken = 0
            for step in islice(steps, number):
                taken = follow(core, step, items, taken)
            fold_until(core, items, taken, self._consumed)
        self._core, self._world = core, started.world

    def _running(self) -> Core:
        if self._core is None:
            raise CorruptionError("the journal does not begin with a start", remedy="Restore a backup")
        return self._core


def _difference(step: Step, facts: list[Fact]) -> str:
    return f"at {step.at} recorded:\n{_shown(step.facts)}\ndecided now:\n{_shown(facts)}"


def _same(decided: list[Fact], recorded: list[Fact]) -> bool:
    """Compared as they are stored: a number that does not exist is NaN before and null after, a whole one may become 1.0."""
    stored = _encode(decided)
    return stored == (kept := _encode(recorded)) or _encode(_decode(stored)) == kept


def _shown(facts: list[Fact]) -> str:
    return "\n".join(f"  {fact}" for fact in facts) or "  nothing"
