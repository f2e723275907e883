"""A small market that trades often: one instrument, always open, a tick every ten seconds, small sizes for partial fills."""

from datetime import date
from random import Random

from theo.adapters.calendars.tables import always_open, zone_offsets
from theo.domain.instrument import Instrument, SecurityType
from theo.domain.keys import Key, Mode
from theo.domain.market_data import SECOND, Tick, TickKind
from theo.drive.assembly import Plan
from theo.risk.limits import Limits
from theo.strategy.loading import load_ruleset

START = (1_767_571_200 + 15 * 3600) * SECOND  # 2026-01-05, a Monday
INSTRUMENT = Instrument(
    id=1, symbol="SIM", token=1, security_type=SecurityType.FUT, exchange="SIM", calendar="ALWAYS", multiplier=5, tick=25
)
QUANTITY_MAX = 5
RULESET = """
name = "sim"
strategy = "ma_crossover"
timeframe = "1min"
session = "RTH"
reverse = true
[symbols]
primary = "SIM"
[crossover]
fast = "sma(2)"
slow = "sma(5)"
[stop]
times = 1.5
of = "atr(3)"
[target]
times = 2.0
of = "atr(3)"
[size]
risk_percent = 1.0
quantity_max = 5
[trading]
style = "positional"
"""


def plan() -> Plan:
    """The plan of every simulated world."""
    first, last = date(2026, 1, 1), date(2026, 2, 28)
    return Plan(
        key=Key(account="SIM", mode=Mode.VIRTUAL, run="sim"),
        journal="w",
        build="sim",
        cash=100_000 * 1_000_000,
        instruments={"SIM": INSTRUMENT},
        fees={"SIM": "futures_mes"},
        tables={"ALWAYS": always_open(first, last)},
        offsets=zone_offsets("America/New_York", first, last),
        rulesets=[(load_ruleset(RULESET, "sim.toml"), RULESET)],
        limits=Limits(trades_per_day_max=1000, daily_loss_percent_max=60.0, drawdown_percent_max=60.0),
        from_ticks=True,
    )


def ticks(draw: Random, count: int) -> list[Tick]:
    """A seeded walk on the tick grid, 2 to 21 seconds apart."""
    at, price, made = START, 500_000, []
    for _ in range(count):
        at += (2 + int(draw.random() * 20)) * SECOND
        price += 25 * (int(draw.random() * 9) - 4)
        made.append(Tick(1, at, at, 0, TickKind.TRADE, price, 1 + int(draw.random() * 6), 0, 0, "sim"))
    return made
