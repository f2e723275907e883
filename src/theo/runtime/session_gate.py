"""The gate between the broker's link and the core: closed while the link is down, and around the gateway's nightly restart.

A closed gate is a link that is down to the core: nothing is sent, resting orders stay, and when it opens the books are compared
before new risk. That the orders, executions and positions agree is the core's own condition, and that the data lives is the
rule of trust: both hold behind the gate too. A gate that stays closed for too long is told to a person, again and again. A link
that is down when the weekly login ends does not come back by itself: trading halts, and a person is paged at once. So it is when
our clock is off the broker's so far that sessions would be wrong.
"""

from collections.abc import Callable

import msgspec

from theo.domain.inputs import Command, Input, LinkChanged
from theo.domain.market_data import DAY, HOUR, MINUTE, SECOND
from theo.market.wall_clock import WallClock
from theo.ports.notifier import Notifier

NEVER_RESTARTS = -1
WEEK = 7 * DAY


class GateSettings(msgspec.Struct, frozen=True, kw_only=True):
    """When TWS or IB Gateway restarts, by its own clock, and how long a closed gate is nothing to worry about.

    ``restart_at`` is a time of day in microseconds, NEVER_RESTARTS for none. ``weekly_login_at`` is microseconds since Monday
    00:00: IB ends the login once a week, and a person with a second factor must log in again.
    """

    restart_at: int = NEVER_RESTARTS
    closes_before: int = 2 * MINUTE
    opens_after: int = 5 * MINUTE
    closed_bound: int = 15 * MINUTE
    told_again: int = HOUR
    weekly_login_at: int = 6 * DAY + 1 * HOUR  # after Sunday 01:00
    reminded_before: int = 12 * HOUR
    clock_wrong: int = MINUTE  # between the broker's clock and ours: from then on nobody knows which is right
    lapse_within: int = HOUR  # a link that is down so soon after the weekly end of the login has lost the login
    login_shown: int = MINUTE  # a link that is up for so long has a login: without one a new socket is up for a moment too


class SessionGate:
    """``hear`` takes what the broker answers and passes it on; ``look`` is called by whoever drives the shell.

    ``offset`` is the broker's clock minus ours, microseconds, as it was measured last.
    """

    def __init__(
        self,
        settings: GateSettings,
        zone: WallClock,
        post: Callable[[Input], None],
        now: Callable[[], int],
        offset: Callable[[], int],
        notifier: Notifier,
    ) -> None:
        self._settings, self._zone, self._post, self._now, self._notifier = settings, zone, post, now, notifier
        self._offset = offset
        self._link_up, self._why, self._up_since = True, "", 0
        self.open = True
        self._closed_at = self._told_at = 0
        self._reminded_at = 0
        self._lapsed = self._off = False

    def hear(self, item: Input) -> None:
        """An answer of the broker. Its link is one condition of the gate among others."""
        if isinstance(item, LinkChanged):
            if item.up and not self._link_up:
                self._up_since = self._now()
            self._link_up, self._why = item.up, item.reason
            self.look()
        else:
            self._post(item)

    def look(self) -> None:
        """Open or close by what holds now, and tell a person what has not held for too long."""
        now = self._now()
        why = self._closed_because(now)
        if self.open and why:
            self.open, self._closed_at, self._told_at = False, now, 0
            self._post(LinkChanged(now, up=False, reason=why))
        elif not self.open and not why:
            self.open = True
            self._post(LinkChanged(now, up=True, reason="the link is up"))
        elif not self.open:
            self._escalate(now, why)
        self._lapse(now)
        self._compare_clocks(now)
        self._remind(now)

    def _closed_because(self, now: int) -> str:
        if not self._link_up:
            return self._why or "the broker's link is down"
        settings = self._settings
        if settings.restart_at == NEVER_RESTARTS:
            return ""
        since = (self._zone.time_of_day(now) - settings.restart_at + settings.closes_before) % DAY
        if since < settings.closes_before + settings.opens_after:
            return "the gateway's nightly restart"
        return ""

    def _escalate(self, now: int, why: str) -> None:
        settings = self._settings
        if now - self._closed_at >= settings.closed_bound and (not self._told_at or now - self._told_at >= settings.told_again):
            self._told_at = now
            minutes = (now - self._closed_at) // MINUTE
            self._notifier.tell(
                now,
                "page",
                "session_closed",
                f"no orders can be sent for {minutes} minutes: {why}. Protective stops rest at the broker",
            )

    def _lapse(self, now: int) -> None:
        """Once for each login that is lost: the link is down at its weekly end, or goes down soon after it."""
        if self._link_up:
            self._lapsed = self._lapsed and now - self._up_since < self._settings.login_shown
        elif not self._lapsed and WEEK - self._until_login(now) <= self._settings.lapse_within:
            self._lapsed = True
            self._halt(now, "login_lapsed", "the weekly login has lapsed: log in with the second factor, then resume")

    def _compare_clocks(self, now: int) -> None:
        """Once for each time that they are too far apart."""
        offset = self._offset()
        off = abs(offset) >= self._settings.clock_wrong
        if off and not self._off:
            reason = (
                f"the broker's clock and ours are {offset / SECOND:+,.0f} s apart: set this machine's, begin again, then resume"
            )
            self._halt(now, "clock_wrong", reason)
        self._off = off

    def _halt(self, now: int, code: str, reason: str) -> None:
        """And page."""
        self._post(Command(at=now, id=f"{code.replace('_', '-')}-{now}", actor="session gate", name="halt", reason=reason))
        self._notifier.tell(now, "page", code, f"{reason}. Protective stops rest at the broker")

    def _until_login(self, now: int) -> int:
        """Microseconds until the login ends next: more than none, a week at most."""
        monday = self._zone.day(now) - (self._zone.day(now) + 3) % 7  # day 0 of the epoch was a Thursday
        into_week = (self._zone.day(now) - monday) * DAY + self._zone.time_of_day(now)
        return (self._settings.weekly_login_at - into_week - 1) % WEEK + 1

    def _remind(self, now: int) -> None:
        """Once before each weekly end of the login."""
        left, before = self._until_login(now), self._settings.reminded_before
        if left <= before and now - self._reminded_at > before:
            self._reminded_at = now
            self._notifier.tell(
                now,
                "warning",
                "login_lapses",
                f"IB ends the login in about {left / HOUR:.0f} hours: log in again after it, with the second factor",
            )
