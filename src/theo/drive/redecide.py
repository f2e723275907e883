"""Deciding a journal again with this build and comparing the facts: the verification of a journal, and the proof of parity."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from theo.domain.errors import CorruptionError
from theo.domain.facts import Fact
from theo.domain.market_data import Bar, Tick
from theo.engine.codec import Step
from theo.engine.core import Core

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Fact]).decode
_decode = msgspec.json.Decoder(list[Fact]).decode


@dataclass(slots=True)
class Compared:
    """How many steps and facts were decided again; ``first_difference`` in words, None when there is none."""

    steps: int = 0
    facts: int = 0
    first_difference: str | None = None


def redecide(core: Core, steps: Iterable[Step], items: Iterator[Tick | Bar]) -> Compared:
    """Feed a fresh core with the recorded inputs, in the recorded order, until the first difference.

    Core time follows the recorded steps: an input that left no facts is not kept, but the core's time went on with it.
    ``core`` is assembled from what the run knew. Raises CorruptionError when market data is missing.
    """
    done = Compared()
    consumed = 0
    for step in steps:
        facts: list[Fact] = []
        while consumed < step.consumed:
            item = next(items, None)
            if item is None:
                raise CorruptionError(f"market data ends at item {consumed}, a decision used {step.consumed}")
            consumed += 1
            if consumed == step.consumed and step.input is None:
                core.at = max(core.at, step.at)
            facts, _ = core.step(item)
            if facts and (consumed < step.consumed or step.input is not None):
                done.first_difference = f"item {consumed} led to facts that are not recorded:\n{_shown(facts)}"
                return done
        if step.input is not None:
            core.at = max(core.at, step.at)
            facts, _ = core.step(step.input)
        if not _same(facts, step.facts):
            done.first_difference = f"at {step.at} recorded:\n{_shown(step.facts)}\ndecided now:\n{_shown(facts)}"
            return done
        done.steps, done.facts = done.steps + 1, done.facts + len(facts)
    return done


def _same(decided: list[Fact], recorded: list[Fact]) -> bool:
    """Compared as they are stored: a number that does not exist is NaN before and null after, a whole one may become 1.0."""
    stored = _encode(decided)
    return stored == (kept := _encode(recorded)) or _encode(_decode(stored)) == kept


def _shown(facts: list[Fact]) -> str:
    return "\n".join(f"  {fact}" for fact in facts) or "  nothing"
