"""Chance, in separate streams: one more draw in one place reshuffles nothing elsewhere."""

from random import Random

import msgspec


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """How often what goes wrong, per call or message. A seed switches some of them off entirely."""

    append_fails: float = 0.02
    outcome_unknown: float = 0.02
    crash: float = 0.004
    request_lost: float = 0.03
    answer_lost: float = 0.03
    delayed: float = 0.2
    doubled: float = 0.1
    link_down: float = 0.003
    operator: float = 0.01


CALM = Rates(**dict.fromkeys(Rates.__struct_fields__, 0.0))
DELAY_MAX = 8_000_000  # microseconds: longer than the bound for an answer


class Draws:
    """The streams of one seed, and its rates."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.disk, self.net, self.market, self.operator = (_seeded(seed, n) for n in ("disk", "net", "market", "operator"))
        swarm = _seeded(seed, "swarm")
        drawn = {name: 0.0 if swarm.random() < 0.3 else rate * 2 * swarm.random() for name, rate in _named(Rates())}
        self.rates = Rates(**drawn)

    def calm(self) -> None:
        """Faults stop: the liveness phase."""
        self.rates = CALM


def _seeded(seed: int, name: str) -> Random:
    return Random(f"{seed}:{name}")  # noqa: S311 - a seeded world, not a secret


def _named(rates: Rates) -> list[tuple[str, float]]:
    return [(name, getattr(rates, name)) for name in Rates.__struct_fields__]
