"""What goes wrong in a world: drawn per seed, whether at all and how often, in separate streams of chance."""

from collections.abc import Mapping
from random import Random

import msgspec

from tests.sim.live_world import market
from tests.sim.live_world.wire import AT_ONCE, Wire
from theo.domain.market_data import MINUTE, SECOND

SOMETIMES = 0.35  # of all kinds of faults are on in a seed
FAULTS_FROM = market.OPEN + 2 * MINUTE
WHOLE_DAY = market.OPEN + 270 * MINUTE  # 14:00: then all of it stops
Span = tuple[float, float]


class Kind(msgspec.Struct, frozen=True):
    """One kind of fault: how often a day at most, how many seconds it lasts (0: as long as it usually does), with what."""

    most: int
    lasts: Span = (0.0, 0.0)
    args: Mapping[str, Span] = {}


INCIDENTS: Mapping[str, Kind] = {
    "server-lost": Kind(3, (5, 600)),
    "server-lost-data-lost": Kind(3, (5, 600)),
    "fills-during-1100": Kind(3, (5, 600)),
    "blind-after-1102": Kind(2, (5, 300)),
    "nightly-restart": Kind(1, (20, 240)),
    "partial-restart": Kind(1, (20, 240)),
    "weekly-2fa": Kind(1, (60, 900)),
    "silent-streams": Kind(3, (20, 600)),
    "farm-blip": Kind(3),
    "competing-session": Kind(2, (20, 600)),
    "half-open": Kind(2, (30, 600)),
    "slow-drip": Kind(1, (10, 120), {"bytes": (20, 200)}),
    "sent-no-answer": Kind(4, args={"seconds": (1, 60)}),
    "lost-orders": Kind(4),
    "two-permids": Kind(2),
    "reject-201": Kind(3),
    "inactive": Kind(3),
    "cancel-races-fill": Kind(3),
    "corrected-execution": Kind(4),
    "oco-both-fill": Kind(2),
    "partial-bracket": Kind(3),
    "repeated-callbacks": Kind(2, (60, 3000)),
    "reordered-callbacks": Kind(2, (60, 3000)),
    "missing-statuses": Kind(2, (60, 1800)),
    "late-commissions": Kind(2, (60, 3000), {"seconds": (1, 60)}),
    "missing-commissions": Kind(1, (60, 1800)),
    "duplicate-ticks": Kind(2, (60, 1800)),
    "late-ticks": Kind(2, (60, 1800), {"every": (1, 5), "seconds": (1, 20)}),
    "late-answers": Kind(2, (10, 120), {"seconds": (1, 15)}),
    "pacing": Kind(1, (10, 120)),
}
OURS: Mapping[str, Kind] = {  # of the net, of our process and of the people
    "reset": Kind(4),
    "starve": Kind(2, (30, 400)),
    "crash": Kind(4, (1, 400)),
    "halt": Kind(2, (30, 600)),
    "flatten": Kind(3),
}
AIMED: Mapping[str, Kind] = {  # at the worst moment: in every AIMED_EVERYth seed, and where they are named
    "orders-reset": Kind(
        40, (-1.5, 1)
    ),  # of the orders' socket alone, so long before a minute ends: decided it is two seconds after
    "never-answered": Kind(6),
    "reset-after-send": Kind(8),
    "crash-after-send": Kind(4, (1, 60)),
}
AIMED_EVERY = 4
WHOLE = frozenset({"bytes", "every"})  # arguments that count


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """How often an append fails, leaves its outcome open, is the last thing that happens, or takes long.

    ``intent_crash``: how often the process is gone before an append with the intent of an order.
    """

    append_fails: float = 0.003
    outcome_unknown: float = 0.003
    crash: float = 0.0006
    stall: float = 0.001
    intent_crash: float = 0.0


DRAWN = ("append_fails", "outcome_unknown", "crash", "stall")  # for each seed
CALM = Rates(append_fails=0.0, outcome_unknown=0.0, crash=0.0, stall=0.0)


class Planned(msgspec.Struct, frozen=True):
    """A fault at its time, for so many seconds."""

    at: int
    name: str
    lasts: float | None
    args: dict[str, float | int | str]


class Draws:
    """The streams of one seed, its rates and its faults in order of time. Seed 0 has none.

    ``aimed``: faults come at the worst moment too, and the market's data have a socket of their own.
    """

    def __init__(self, seed: int, until: int, only: frozenset[str] | None = None) -> None:
        self.disk, self.net, self.market = (_stream(seed, name) for name in ("disk", "net", "market"))
        swarm = _stream(seed, "swarm")
        self.rates = CALM
        self.faults: list[Planned] = []
        self.wire = AT_ONCE
        self.aimed = only is None and seed > 0 and seed % AIMED_EVERY == 0
        if seed:
            drawn = {f: getattr(Rates(), f) * 2 * swarm.random() * (swarm.random() < SOMETIMES) for f in DRAWN}
            self.rates = Rates(**drawn)
            self.faults = [
                planned
                for name, kind in {**INCIDENTS, **OURS, **AIMED}.items()
                for planned in _planned(_stream(seed, name), name, kind, until, sure=name in AIMED and only is not None)
                if (self.aimed or name not in AIMED if only is None else name in only)
            ]
            self.wire = Wire(least=200, most=200 + int(swarm.random() ** 4 * 2 * SECOND), pieces=swarm.random() * 0.5)
        self.faults.sort(key=lambda planned: planned.at)

    def calm(self) -> None:
        """Faults of the disk stop."""
        self.rates = CALM


def _planned(draw: Random, name: str, kind: Kind, until: int, *, sure: bool) -> list[Planned]:
    if draw.random() >= SOMETIMES and not sure:
        return []
    return [
        Planned(
            FAULTS_FROM + int(draw.random() * (until - FAULTS_FROM)),
            name,
            _between(draw, kind.lasts) or None,
            {key: int(_between(draw, span)) if key in WHOLE else _between(draw, span) for key, span in kind.args.items()},
        )
        for _ in range(1 + int(draw.random() * kind.most))
    ]


def _between(draw: Random, span: Span) -> float:
    return span[0] + draw.random() * (span[1] - span[0])


def _stream(seed: int, name: str) -> Random:
    return Random(f"live:{seed}:{name}")  # noqa: S311 - a seeded world, not a secret
