"""Whether a rule set can ever enter: its days and hours against the sessions of what it trades."""

from datetime import date
from typing import Final

from msgspec.structs import replace

from theo.domain.timeframe import timeframe
from theo.market.sessions import Hours
from theo.market.wall_clock import WallClock
from theo.strategy.mistakes import Mistakes
from theo.strategy.ruleset import RuleSet
from theo.strategy.trading_window import BoundWindow

LOOK_AHEAD_DAYS: Final = 28  # each weekday four times: no holidays take all of them
EPOCH: Final = date(1970, 1, 1)
MARGIN_DAYS: Final = 14  # that sessions must be known beyond it, on both sides
TABLES: Final = ("symbols", "trading", "timeframe", "session")  # whose mistakes leave nothing to judge


def judge_hours(ruleset: RuleSet, hours: Hours, wall: WallClock, today: int, mistakes: Mistakes) -> None:
    """Note hours that run over midnight where no session does, and a window in which no bar of the primary ends.

    ``today`` counts days since 1970-01-01. Sessions and the wall clock of the window's zone must be known from MARGIN_DAYS
    before it to MARGIN_DAYS after LOOK_AHEAD_DAYS from it.
    """
    window = ruleset.window
    sessions = list(hours.sessions_between(today, today + LOOK_AHEAD_DAYS))
    if window.end < window.start:
        over_midnight = any(
            wall.day(opened) != wall.day(closes - 1) for opened, closes in (hours.bounds(session) for session in sessions)
        )
        if not over_midnight:
            mistakes.add(
                "trading.to",
                "lies before from",
                why=f"no session of {ruleset.naming.primary} runs over midnight of {window.zone}",
                remedy="Exchange the two, or trade all of its hours",
            )
            return
    over = bool(window.last_day) and (date.fromisoformat(window.last_day) - EPOCH).days < today  # judge_last_day says so
    bound = BoundWindow(replace(window, last_day="") if over else window, wall, hours)
    length = timeframe(ruleset.naming.timeframe).length
    start = wall.utc(today, 0)
    ends = (end for session in sessions for _, end in hours.bars_of(session, length) if end > start)
    if not any(bound.allows(end) for end in ends):
        until = f"up to {window.last_day}" if window.last_day and not over else f"in the next {LOOK_AHEAD_DAYS} days"
        mistakes.add(
            "trading.days",
            f"and hours allow no entry {until}",
            why=f"no {ruleset.naming.timeframe} bar of {ruleset.naming.primary}'s sessions ends in them",
            remedy="See the market's sessions and holidays; then change days, from, to or valid_until",
        )


def judge_last_day(ruleset: RuleSet, today: str, mistakes: Mistakes) -> None:
    """Note a last day that lies before ``today`` (an ISO date)."""
    last = ruleset.window.last_day
    if last and last < today:
        mistakes.add(
            "trading.valid_until", f"is {last}", why=f"that day has passed on {today}", remedy="Write a later day, or none"
        )
