"""How far each stage of a run has come, from its feeds to its trades: state and lag, told from what was looked at.

Looking is the caller's. Times are microseconds UTC. Where time is played there is no lag: the market waits for the platform.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, Literal

import msgspec

from theo.domain.market_data import SECOND

FEED_LAG_MAX: Final = 60 * SECOND  # an index is told every 15 seconds, a future that trades much more often
BARS_LAG_MAX: Final = 20 * SECOND  # a bar closes two seconds after its end at most, and is stored five later
LEVELS_LAG_MAX: Final = 20 * SECOND  # they are stored with their bars
SCAN_LAG_MAX: Final = 20 * SECOND  # behind a bar's end and the grace of the scan
ORDER_LAG_MAX: Final = 30 * SECOND  # that the broker owes an answer
SIGNAL_LAG_MAX: Final = 10 * SECOND  # that a signal outlives its end: the clock is looked at every 5 seconds
NAMED_MAX: Final = 3

StageName = Literal["feed", "collection", "bars", "levels", "scan", "signal", "trade", "tables", "inbox", "stream"]


class StageState(StrEnum):
    """``stopped``: nobody is there to do it. ``closed``: the market is, so that nothing is due."""

    OK = "ok"
    LATE = "late"
    STOPPED = "stopped"
    CLOSED = "closed"


class Stage(msgspec.Struct, frozen=True):
    """One stage. ``lag_s`` is None where it cannot be told in seconds; ``of`` is whose it is, as a feed's name, "" of the run.

    ``remedy`` says what to do where it is late.
    """

    name: StageName
    state: StageState
    lag_s: float | None
    text: str
    of: str = ""
    remedy: str = ""


class FeedSeen(msgspec.Struct, frozen=True):
    """A source of ticks or bars: what came last, and when; ``since`` the market is open for one that it tells of, 0: closed."""

    name: str
    symbol: str
    newest: int
    since: int


class SeriesSeen(msgspec.Struct, frozen=True):
    """A series of bars: ends of the newest that is stored, and of the newest that has levels (None: none, or none are kept).

    ``awaited`` is the end of the first bar that is not stored, and is or will be due.
    """

    name: str
    bar: int | None
    levels: int | None
    awaited: int
    market_open: bool
    has_levels: bool = True


class ScanSeen(msgspec.Struct, frozen=True):
    """A configuration: ends of the newest bar of its primary and of that which it decided on last; ``pause`` between looks."""

    name: str
    bar: int | None
    decided: int | None
    awaited: int
    pause: int
    market_open: bool


class Waiting(msgspec.Struct, frozen=True):
    """What is open: how many, and since when the oldest that is overdue is that (0: none), with its name."""

    count: int
    since: int = 0
    name: str = ""


def stopped(name: StageName, text: str = "no trader runs") -> Stage:
    """Nobody does it."""
    return Stage(name, StageState.STOPPED, None, text)


def played(name: StageName, text: str = "") -> Stage:
    """The market waits for the platform."""
    return Stage(name, StageState.OK, None, text or "in played time")


def collection(seen: FeedSeen, now: int) -> Stage:
    """How long ago the feed told of anything, in open hours."""
    lag, silent = now - seen.newest, now - max(seen.newest, seen.since)
    said = f"{seen.symbol} came {_seconds(lag):,.0f} s ago" if seen.newest else "nothing came yet"
    if not seen.since:
        return Stage("collection", StageState.CLOSED, None, f"the market is closed; {said}", seen.name)
    if silent <= FEED_LAG_MAX:
        return Stage("collection", StageState.OK, _seconds(silent), said, seen.name)
    remedy = "See that TWS or the Gateway is connected to its market data: `theo doctor --broker`"
    return Stage("collection", StageState.LATE, _seconds(silent), said, seen.name, remedy)


def bars(seen: Sequence[SeriesSeen], now: int) -> Stage:
    """Against what the sessions say should have closed by now."""
    late = [(now - each.awaited, f"{each.name} {_up_to(each.bar)}") for each in seen if now - each.awaited > BARS_LAG_MAX]
    if not late:
        return _well("bars", market_open=any(each.market_open for each in seen))
    remedy = "See whether the feed tells of it; a bar without a trade is none. `theo status` and the log say what was left"
    return _late("bars", late, remedy)


def levels(seen: Sequence[SeriesSeen], now: int) -> Stage:
    """The newest levels against the newest bar."""
    late = [
        (now - each.bar, f"{each.name} {_up_to(each.levels)}")
        for each in seen
        if each.has_levels and each.bar is not None and each.levels != each.bar and now - each.bar > LEVELS_LAG_MAX
    ]
    if not late:
        return _well("levels", market_open=any(each.market_open for each in seen))
    remedy = "Look for `levels_left` in the log; `theo levels compute --run RUN` brings them, and so does the next start"
    return _late("levels", late, remedy)


def scan(seen: Sequence[ScanSeen], now: int) -> Stage:
    """The newest decision against the newest bar of its primary."""
    late = []
    for each in seen:
        due = each.awaited if each.bar is None else each.bar
        if (each.decided or 0) < due and now - due > SCAN_LAG_MAX + each.pause:
            late.append((now - due, f"{each.name} decided {_up_to(each.decided)}"))
    if not late:
        return _well("scan", market_open=any(each.market_open for each in seen))
    remedy = "`theo why SYMBOL TIME` says what a scan saw last; `theo status` says which series are not trusted"
    return _late("scan", late, remedy)


def signal(waiting: Waiting, now: int) -> Stage:
    """Signals that are neither promoted nor ended, and outlive their end."""
    remedy = "The trader is slow or waits for its broker: `theo status`; withdraw it with `theo signal cancel`"
    return _open("signal", waiting, now, SIGNAL_LAG_MAX, f"{waiting.name} has outlived its end", remedy)


def trade(waiting: Waiting, now: int) -> Stage:
    """Orders to which the broker owes an answer."""
    remedy = "See that the broker is connected; `theo reconcile` compares the books now"
    return _open("trade", waiting, now, ORDER_LAG_MAX, f"order {waiting.name} has no answer", remedy)


def _open(name: StageName, waiting: Waiting, now: int, lag_max: int, said: str, remedy: str) -> Stage:
    lag = now - waiting.since if waiting.since else 0
    if lag > lag_max:
        return Stage(name, StageState.LATE, _seconds(lag), said, remedy=remedy)
    return Stage(name, StageState.OK, _seconds(lag), f"{waiting.count} open" if waiting.count else "")


def _well(name: StageName, *, market_open: bool) -> Stage:
    if market_open:
        return Stage(name, StageState.OK, 0.0, "")
    return Stage(name, StageState.CLOSED, None, "the market is closed")


def _late(name: StageName, late: list[tuple[int, str]], remedy: str) -> Stage:
    """The worst first."""
    worst = sorted(late, key=lambda each: -each[0])
    more = f" and {len(worst) - NAMED_MAX} more" if len(worst) > NAMED_MAX else ""
    words = "; ".join(text for _, text in worst[:NAMED_MAX])
    return Stage(name, StageState.LATE, _seconds(worst[0][0]), words + more, remedy=remedy)


def _seconds(lag: int) -> float:
    return max(0.0, round(lag / SECOND, 1))


def _up_to(end: int | None) -> str:
    return "never" if end is None else f"up to {datetime.fromtimestamp(end // SECOND, UTC):%Y-%m-%d %H:%M} UTC"
