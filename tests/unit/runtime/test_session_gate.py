"""The gate of a session: the link, the nightly restart in the gateway's own zone, and who is told when it stays closed."""

from datetime import date

import pytest

from tests.unit.gateway.tables import at
from theo.adapters.calendars.tables import zone_offsets
from theo.domain.inputs import Command, Input, LinkChanged, TimerFired
from theo.domain.market_data import DAY, HOUR, MINUTE, SECOND
from theo.market.wall_clock import WallClock
from theo.runtime.session_gate import GateSettings, SessionGate

FRIDAY = at("2026-11-20 12:00")  # New York, five hours behind UTC


class World:
    """A gate, a clock that is set by hand, and what came out."""

    def __init__(self, zone: str = "America/New_York", restart_at: int = 23 * HOUR + 45 * MINUTE) -> None:
        self.now, self.offset = FRIDAY, 0
        self.posted: list[Input] = []
        self.told: list[str] = []
        clock = WallClock(zone_offsets(zone, date(2026, 10, 1), date(2026, 12, 31)))
        settings = GateSettings(restart_at=restart_at)
        self.gate = SessionGate(settings, clock, self.posted.append, lambda: self.now, lambda: self.offset, self)

    def tell(self, _at: int, severity: str, code: str, _text: str) -> None:
        """The notifier's part."""
        self.told.append(f"{severity} {code}")

    def pass_to(self, until: int, step: int = SECOND) -> None:
        """Time goes on, the gate looks each second."""
        while self.now < until:
            self.now = min(self.now + step, until)
            self.gate.look()

    def links(self) -> list[tuple[int, bool]]:
        """When the core was told what."""
        return [(item.at, item.up) for item in self.posted if isinstance(item, LinkChanged)]


@pytest.mark.parametrize(("zone", "behind"), [("America/New_York", 5 * HOUR), ("Etc/UTC", 0), ("Asia/Tokyo", -9 * HOUR)])
def test_the_gate_is_closed_around_the_restart_in_the_zone_of_the_gateway(zone: str, behind: int) -> None:
    world = World(zone)
    midnight = FRIDAY // DAY * DAY
    restart = midnight + 23 * HOUR + 45 * MINUTE + behind
    restart += DAY if restart < FRIDAY else 0
    world.pass_to(restart + HOUR)
    assert world.links() == [(restart - 2 * MINUTE, False), (restart + 5 * MINUTE, True)]
    assert "page session_closed" not in world.told


def test_a_link_that_is_lost_within_the_window_keeps_the_gate_closed_after_it() -> None:
    world = World()
    restart = at("2026-11-20 23:45")
    world.pass_to(restart)
    world.gate.hear(LinkChanged(world.now, up=False, reason="the socket closed"))
    world.pass_to(restart + 10 * MINUTE)
    assert not world.gate.open
    world.gate.hear(LinkChanged(world.now, up=True, reason="back"))
    assert world.links() == [(restart - 2 * MINUTE, False), (restart + 10 * MINUTE, True)]


def test_a_gate_that_stays_closed_is_told_and_told_again() -> None:
    world = World(restart_at=-1)
    world.gate.hear(LinkChanged(world.now, up=False, reason="1100"))
    world.pass_to(FRIDAY + 15 * MINUTE - SECOND)
    assert world.told == []
    world.pass_to(FRIDAY + 2 * HOUR + 15 * MINUTE)
    assert world.told == ["page session_closed"] * 3


def test_the_weekly_end_of_the_login_is_told_once_before_it_comes() -> None:
    world = World(restart_at=-1)
    world.pass_to(at("2026-11-22 12:59") - 24 * HOUR, MINUTE)
    assert world.told == []
    world.pass_to(at("2026-11-22 00:59"), MINUTE)
    assert world.told == ["warning login_lapses"]
    world.pass_to(at("2026-11-28 12:30"), MINUTE)
    assert world.told == ["warning login_lapses"]
    world.pass_to(at("2026-11-29 00:30"), MINUTE)
    assert world.told == ["warning login_lapses"] * 2


@pytest.mark.parametrize(("lost", "halts"), [("00:40", "01:00"), ("01:00", "01:00"), ("01:59", "01:59"), ("02:01", "")])
def test_a_link_that_is_down_when_the_login_ends_halts_and_pages_at_once(lost: str, halts: str) -> None:
    world = World(restart_at=-1)
    world.now = at("2026-11-22 00:30")  # a Sunday
    world.pass_to(at(f"2026-11-22 {lost}"))
    world.gate.hear(LinkChanged(world.now, up=False, reason="1100"))
    world.pass_to(at("2026-11-22 02:10"))
    halted = [item for item in world.posted if isinstance(item, Command)]
    assert [(item.name, item.at) for item in halted] == ([("halt", at(f"2026-11-22 {halts}"))] if halts else [])
    assert world.told.count("page login_lapsed") == len(halted)


def test_a_link_that_was_back_before_the_login_ended_halts_nothing() -> None:
    world = World(restart_at=-1)
    world.now = at("2026-11-22 00:30")
    world.gate.hear(LinkChanged(world.now, up=False, reason="1100"))
    world.pass_to(at("2026-11-22 00:59"))
    world.gate.hear(LinkChanged(world.now, up=True, reason="back"))
    world.pass_to(at("2026-11-22 03:00"))
    assert not [item for item in world.posted if isinstance(item, Command)]


@pytest.mark.parametrize(("up_for", "halts"), [(SECOND, 1), (2 * MINUTE, 2)])
def test_a_link_that_is_up_for_a_moment_has_no_new_login(up_for: int, halts: int) -> None:
    """A new socket to a gateway without a login comes up before it is told that the servers are out of reach."""
    world = World(restart_at=-1)
    world.now = at("2026-11-22 01:00")
    for _ in range(2):
        world.gate.hear(LinkChanged(world.now, up=False, reason="1100"))
        world.pass_to(world.now + SECOND)
        world.gate.hear(LinkChanged(world.now, up=True, reason="the link is up"))
        world.pass_to(world.now + up_for)
    assert [item.name for item in world.posted if isinstance(item, Command)] == ["halt"] * halts
    assert world.told.count("page login_lapsed") == halts


def test_what_else_the_broker_says_passes() -> None:
    world = World()
    world.gate.hear(TimerFired(world.now))
    assert world.posted == [TimerFired(FRIDAY)]


def test_a_clock_that_is_a_minute_off_the_broker_s_halts_once_each_time() -> None:
    world = World()
    for offset in (59 * SECOND, -MINUTE, -HOUR, 2 * SECOND, HOUR):
        world.offset = offset
        world.pass_to(world.now + 30 * SECOND)
    assert world.told == ["page clock_wrong"] * 2
    assert [item.name for item in world.posted if isinstance(item, Command)] == ["halt", "halt"]
