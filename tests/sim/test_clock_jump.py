"""The machine's clock is put forward and back while `theo live` holds a position; or was, before it begins."""

from itertools import pairwise
from pathlib import Path

import pytest

from tests.sim.live_world import market
from tests.sim.live_world.draws import Planned
from tests.sim.live_world.world import World
from theo.adapters.ib.probe import Probed
from theo.adapters.system.clock import HandClock
from theo.app.configuration.file import configured
from theo.app.home.layout import open_home
from theo.app.runs.live_making import open_live
from theo.app.runs.live_plans import live_plan
from theo.domain.errors import UserError
from theo.domain.facts import TradeClosed, TradeIntended
from theo.domain.market_data import HOUR, MINUTE, SECOND

UNTIL = market.OPEN + 40 * MINUTE
STEPS = (HOUR, -2 * HOUR, HOUR, -10 * MINUTE)


def stepped(at: int, by: int) -> Planned:
    return Planned(at, "clock-step", None, {"seconds": by / SECOND})


def quiet(folder: Path, faults: list[Planned]) -> World:
    """A world in which nothing else goes wrong."""
    for each in (folder, folder.parent / "sessions"):
        each.mkdir(exist_ok=True)
    made = World(0, folder, folder.parent / "sessions", faults_until=UNTIL)
    made.draws.faults = faults
    return made


def held(world: World) -> list[tuple[int, int]]:
    """From when until when a trade was open."""
    moments = [(fact.at, isinstance(fact, TradeClosed)) for fact in world.facts if isinstance(fact, TradeIntended | TradeClosed)]
    return [(begun, ended) for (begun, closed), (ended, _) in pairwise(moments) if not closed]


def test_what_is_decided_does_not_depend_on_steps_of_the_clock(tmp_path: Path) -> None:
    """Facts with their times are those of a day without steps: orders, bars that closed, the broker's books, all of it."""
    calm = quiet(tmp_path / "world", [])
    calm.run()
    (tmp_path / "world").rename(tmp_path / "calm")  # ids are made of the folder
    begun, ended = max(held(calm), key=lambda span: span[1] - span[0])
    moments = [begun + (ended - begun) * n // (len(STEPS) + 1) for n in range(1, len(STEPS) + 1)]
    world = quiet(tmp_path / "world", [stepped(at, by) for at, by in zip(moments, STEPS, strict=True)])
    world.run()
    assert world.facts == calm.facts
    told = [text.split(": ")[0] for _, _, code, text in world.told.messages if code == "clock_step"]
    ways = ["forward by 3,600 s", "back by 7,200 s", "forward by 3,600 s", "back by 600 s"]
    assert told == [f"this machine's clock was put {way}" for way in ways]
    with pytest.raises(UserError, match=r"the journal goes 3,5\d\d s beyond this machine's clock"):
        begin_again(world, world.loop.now - HOUR)


def begin_again(world: World, now: int) -> None:
    """Open the journal by a clock that shows ``now``."""
    home, clock = open_home(world.folder), HandClock(now)
    settings = configured(home.configuration)
    plan = live_plan(home, settings, [str(world.folder / "world.toml")], Probed("DU1234567", 10**12, "USD", 0), now)
    open_live(home, home.runs / plan.key.run, plan, settings, clock, world.told, None)


@pytest.mark.parametrize("by", [HOUR, -HOUR])
def test_a_process_that_begins_by_a_wrong_clock_is_refused_until_it_is_right(by: int, tmp_path: Path) -> None:
    """Its predecessor is killed after the step; after five minutes a person sets the clock."""
    at = market.OPEN + 10 * MINUTE
    world = quiet(tmp_path / "world", [stepped(at, by), Planned(at + MINUTE, "crash", 1.0, {}), stepped(at + 6 * MINUTE, -by)])
    world.run()
    refused = [text for _, _, code, text in world.told.messages if code == "ended"]
    assert world.starts == len(refused) + 1
    assert sum("IB's clock and this machine's are" in text for text in refused) > 10
