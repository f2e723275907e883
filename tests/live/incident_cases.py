"""Each incident with what the platform does, who is told, and how it is played; and a run of one."""

from pathlib import Path

import msgspec

from tests.gateway.conftest import START
from tests.ib.conftest import Told
from tests.live.incident_world import EITHER, HELD, WITH_INDEX, IncidentWorld, ended
from tests.live.incidents import (
    Play,
    advisory_codes,
    blind,
    cancel_races_fill,
    clock_skew,
    competing_session,
    corrected_execution,
    duplicate_callbacks,
    duplicate_ticks,
    entry_meets,
    farm_blip,
    fills_during_1100,
    half_open,
    index_has_no_quotes,
    nightly_restart,
    not_subscribed,
    oco_both_fill,
    pacing,
    partial_bracket,
    partial_restart,
    refused,
    reset_window,
    restarted_within,
    sampled_ticks,
    silent_streams,
    time_zone_shift,
    too_many_lines,
    two_permids,
    tws_order,
    weekly_2fa,
)
from tests.live.work_clock import WorkClock
from theo.gateway.building import Gateway
from theo.gateway.server import GatewayServer


class Case(msgspec.Struct, frozen=True):
    """``does``: what the platform does. ``alarms``: codes that a person is told. ``play`` gives the market seconds to recover.

    ``ib``: lines of the configuration's table of that name. ``speed``: times the true pace. ``data``: it touches the market's
    data, and the first bar that is trusted again is waited for.
    """

    name: str
    does: str
    alarms: tuple[str, ...]
    play: Play
    ib: str = ""
    speed: float = 20.0
    rules: str = HELD
    data: bool = False


BOOKS_FIRST = "sends nothing; asks for orders, executions and positions, compares, fills the hole in its data, then goes on"
CASES = (
    Case(
        "nightly-restart",
        f"closes the gate two minutes before and opens it five after; {BOOKS_FIRST}",
        (),
        nightly_restart,
        'restart = "10:15"',
        40.0,
        data=True,
    ),
    Case(
        "blind-after-1102",
        "notices each silent stream by its own rhythm, asks for it anew, fills the hole",
        ("feed_silent",),
        blind,
        data=True,
    ),
    Case("farm-blip", "the same", ("feed_silent",), farm_blip, data=True),
    Case("silent-streams", "the same", ("feed_silent",), silent_streams, data=True),
    Case(
        "competing-session",
        "says who took the data, trades neither the bar that was cut short nor any after it, tries again until data come",
        ("feed_competing",),
        competing_session,
        data=True,
    ),
    Case(
        "reset-window-1100",
        "sends nothing; pages after 15 minutes, and each hour",
        ("session_closed",),
        reset_window,
        speed=80.0,
        data=True,
    ),
    Case(
        "weekly-2fa",
        "a reminder comes before; when it has lapsed trading halts and a person is paged at once; goes on when he resumes",
        ("login_lapses", "login_lapsed"),
        weekly_2fa,
        'login_day = "Friday"\nlogin_time = "10:05"',
        data=True,
    ),
    Case(
        "advisory-codes",
        "keeps the stream; calls its series DELAYED and refuses signals on it with that word",
        ("feed_delayed",),
        advisory_codes,
        rules=EITHER,
    ),
    Case(
        "not-subscribed",
        "names what is missing and what to do; trades nothing; asks again now and then",
        ("feed_refused",),
        not_subscribed,
        data=True,
    ),
    Case(
        "index-has-no-quotes",
        "subscribes to an index's last values alone, and builds its bars of them",
        (),
        index_has_no_quotes,
        speed=8.0,
        rules=WITH_INDEX,
        data=True,
    ),
    Case(
        "sampled-ticks",
        "takes each trade, or exact bars of five seconds, where IB grants it; each tick names its stream and whose time it has",
        (),
        sampled_ticks,
        speed=8.0,
        rules=WITH_INDEX,
        data=True,
    ),
    Case("time-zone-shift", "reads no time that names no zone: every one is asked for in UTC", (), time_zone_shift, data=True),
    Case(
        "too-many-lines",
        "says which series has none, trades nothing that rests on it, asks again; ticks one by one take no line and go on",
        ("feed_refused",),
        too_many_lines,
        rules=WITH_INDEX,
        data=True,
    ),
    Case(
        "pacing",
        "says that a hole is not filled yet, trades nothing until it is, asks again within its budget; nothing is lost",
        ("backfill_late",),
        pacing,
        data=True,
    ),
    Case("duplicate-and-late-ticks", "counts each tick once, and late ones from history", (), duplicate_ticks, data=True),
    Case(
        "half-open",
        f"asks for the time each half minute; without an answer it takes a new socket; {BOOKS_FIRST}",
        (),
        half_open,
        speed=4.0,
        data=True,
    ),
    Case(
        "clock-skew",
        "says how far the clocks are apart; from a minute on trading halts and a person is paged; goes on when he resumes",
        ("clock_skew", "clock_wrong"),
        clock_skew,
        data=True,
    ),
    Case(
        "sent-no-answer", "asks for the books and finds the order there; sends nothing twice", (), entry_meets("sent-no-answer")
    ),
    Case(
        "lost-orders",
        "asks for the books and, when they lack the order, sends it again under its own name",
        (),
        entry_meets("lost-orders", count=3),
    ),
    Case(
        "fills-during-1100",
        "finds the executions when it asks for them, and counts them by the exchange's time",
        (),
        fills_during_1100,
    ),
    Case("two-permids", "keeps the older of the two orders, cancels the other, and pages", ("two_orders",), two_permids),
    Case("partial-restart", "counts the part once; stop and target are of what is left", (), partial_restart),
    Case("partial-bracket", "makes stop and target as large as what is held", (), partial_bracket),
    Case("oco-both-fill", "sells back what was closed in excess, and pages", ("excess_fill",), oco_both_fill),
    Case("tws-order", "reports it, and leaves it alone", ("foreign_order",), tws_order),
    Case("duplicate-id", "begins its own numbers beyond all that were ever used", (), entry_meets("duplicate-id")),
    Case("duplicate-callbacks", "counts each execution once; a correction wins; late charges count", (), duplicate_callbacks),
    Case("corrected-execution", "the correction takes the place of the execution", (), corrected_execution),
    Case(
        "reject-201",
        "closes the trade with the reason; the next bar may try again",
        ("order_rejected",),
        lambda world: refused(world, "reject-201"),
    ),
    Case("inactive", "the same", ("order_rejected",), lambda world: refused(world, "inactive")),
    Case("cancel-races-fill", "the fill counts, and nothing is closed twice", (), cancel_races_fill),
    Case("crash-anywhere", "goes on from its journal, and learns what filled meanwhile", (), restarted_within),
)


class Outcome(msgspec.Struct, frozen=True):
    """Market seconds to recover, and until the first bar that is trusted again (None where it is not asked for); who was told."""

    took: float
    bar: float | None
    told: list[tuple[str, str, str]]


async def outcome(case: Case, home: Path, gateway: Gateway) -> Outcome:
    """Play one."""
    clock, told = WorkClock(START, case.speed), Told()
    server = GatewayServer(gateway.simulator, clock, port=0)
    await server.start()
    try:
        world = IncidentWorld(home, server, gateway, clock, told, ib=case.ib, rules=case.rules)
        try:
            took = await case.play(world)
            bar = await world.first_trusted_bar() if case.data else None
        finally:
            await ended(world)
    finally:
        await server.stop()
    return Outcome(took, bar, told.messages)
