"""Futures roll: when the next contract takes over, the roll calendar as values, and continuous series made with it.

One definition for roll calendars of stored bars and for live runs: `due` is asked when a session has ended, and what it decides
acts at the next session's open. Back-adjusted: bars of an earlier contract are moved by the differences of the rolls after it
(next minus front, at one instant at which both traded), so that the newest contract's prices are its own.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Literal

import msgspec

from theo.domain.errors import ConfigError, DataError
from theo.domain.market_data import Bar
from theo.market.last_trades import Cycle
from theo.market.sessions import Hours, Session

DAYS_MAX = 30  # trading days before the last trade: earlier, hardly any contract's successor is traded
ROLLS_MAX = 10_000  # of one calendar: a century of monthly contracts has 1,200

Rule = Literal["volume", "days", "calendar"]


class RollRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When and how an instrument rolls.

    ``rule``: "volume" when the next contract's volume of a session exceeds the front's, "calendar" on the session ``dates`` (days
    since the epoch), "days" by the last trade alone; all at the latest ``days`` trading days before it. ``carry``: open trades go
    on in the next contract, else they are closed. ``method``: "close_and_open" one order after the other; "spread" one order of
    two legs (on the simulated exchange at the prices of the common instant). ``last_trade``: which day a stored contract of a
    month trades last.
    """

    rule: Rule = "volume"
    days: int = 5
    carry: bool = True
    method: Literal["close_and_open", "spread"] = "close_and_open"
    dates: tuple[int, ...] = ()
    last_trade: Cycle = "third_friday"

    def __post_init__(self) -> None:
        if not 1 <= self.days <= DAYS_MAX:
            raise ConfigError(
                f"a roll {self.days} trading days before the last trade",
                why="on its last trade day a contract is settled",
                remedy=f"Use 1 to {DAYS_MAX}",
            )
        if (self.rule == "calendar") != bool(self.dates):
            raise ConfigError(
                f'rule = "{self.rule}" with {len(self.dates)} dates',
                remedy='Give the session dates of the rolls with rule = "calendar", and with no other',
            )


class SessionEnded(msgspec.Struct, frozen=True):
    """What is asked when a session has ended: its date and the next one's, and how far the front contract's end is.

    ``left``: sessions after the ended one up to the front's last trade, that day included. Volumes are of the ended session.
    """

    date: int
    following: int
    left: int
    front_volume: int
    next_volume: int


class Due(msgspec.Struct, frozen=True):
    """A roll that is due: decided when ``session`` had ended, acting at the next one's open ``at`` (microseconds UTC)."""

    session: Session
    previous: str
    contract: str
    at: int
    why: str


class Roll(msgspec.Struct, frozen=True, kw_only=True):
    """One roll. ``difference``: next minus front, price units, at ``measured_at``; from ``at`` on the next one is the front.

    ``source``: whose bars said it, where that is not the calendar's own business.
    """

    previous: str
    contract: str
    at: int
    difference: int
    measured_at: int
    source: str = ""

    def __post_init__(self) -> None:
        if self.previous == self.contract or not self.contract or not self.previous:
            raise DataError(f"a roll from {self.previous!r} to {self.contract!r}", remedy="Name two contracts")
        if self.measured_at > self.at:
            raise DataError(
                f"the roll to {self.contract} at {self.at} has a difference of {self.measured_at}",
                why="it would not have been known",
                remedy="Measure the difference at or before the roll",
            )


def checked_calendar(rolls: Sequence[Roll]) -> tuple[Roll, ...]:
    """The rolls of one instrument, oldest first. Raises DataError when they do not follow each other."""
    if len(rolls) > ROLLS_MAX:
        raise DataError(f"a roll calendar of {len(rolls)} rolls", remedy=f"Use at most {ROLLS_MAX}")
    for before, after in pairwise(rolls):
        if after.at <= before.at or after.previous != before.contract:
            raise DataError(
                f"the roll to {after.contract} does not follow the roll to {before.contract}",
                why="each roll leaves the contract that the one before it chose, later than it",
                remedy="Put the missing roll in, or correct the names and times",
            )
    return tuple(rolls)


def due(rule: RollRule, ended: SessionEnded) -> str:
    """Why the next session trades the next contract; "" when it does not."""
    if ended.left - 1 <= rule.days:
        return f"{max(ended.left - 1, 0)} trading days before the last trade"
    if rule.rule == "volume" and ended.next_volume > ended.front_volume:
        return f"volume {ended.next_volume} exceeds {ended.front_volume}"
    if any(ended.date < date <= ended.following for date in rule.dates):
        return "the roll calendar names this session"
    return ""


def sessions_left(hours: Hours, date: int, last_trade: int) -> int:
    """Sessions after the session date ``date`` up to ``last_trade`` (both days since the epoch), that day included."""
    return sum(1 for _ in hours.sessions_between(date + 1, last_trade)) if last_trade > date else 0


def difference_at(front: Sequence[Bar], following: Sequence[Bar], until: int) -> tuple[int, int] | None:
    """(next minus front, the instant) at the latest common bar end up to ``until``; None without one. Bars are oldest first."""
    ends = {bar.end: bar.close for bar in front[: bisect_right(front, until, key=lambda bar: bar.end)]}
    for bar in reversed(following[: bisect_right(following, until, key=lambda bar: bar.end)]):
        if bar.end in ends:
            return bar.close - ends[bar.end], bar.end
    return None


def roll_calendar(
    bars: Mapping[str, Sequence[Bar]], last_trades: Mapping[str, int], hours: Hours, rule: RollRule
) -> tuple[Roll, ...]:
    """The rolls of contracts by their stored bars (oldest first, of one timeframe) and last trade days (days since the epoch).

    It begins with the contract that ends first; a roll needs bars of both contracts at one instant. Raises DataError when a
    contract that is rolled to has none, or its last trade day is not known.
    """
    if unknown := sorted(bars.keys() - last_trades.keys()):
        raise DataError(f"the last trade day of {', '.join(unknown)} is not known")
    order = sorted((name for name, held in bars.items() if held), key=lambda name: last_trades[name])
    volumes = {name: session_volumes(bars[name], hours) for name in order}
    found = rolls_due(order, last_trades, volumes, _sessions(bars, order, hours), hours, rule)
    return checked_calendar([_measured(each.previous, each.contract, bars, each.at) for each in found])


def rolls_due(
    order: Sequence[str],
    last_trades: Mapping[str, int],
    volumes: Mapping[str, Mapping[int, int]],
    sessions: Iterable[Session],
    hours: Hours,
    rule: RollRule,
) -> Iterator[Due]:
    """The rolls from contract to contract in their ``order``, of which the first is the front when ``sessions`` begin.

    ``volumes`` by contract and session date; what is not there is 0.
    """
    place = 0
    for session in sessions:
        if place + 1 >= len(order):
            return
        front, following = order[place], order[place + 1]
        after = hours.session_next(hours.bounds(session)[1] - 1)
        left = sessions_left(hours, session.date, last_trades[front])
        counted = volumes[front].get(session.date, 0), volumes[following].get(session.date, 0)
        why = due(rule, SessionEnded(session.date, after.date, left, *counted))
        if why:
            yield Due(session, front, following, hours.bounds(after)[0], why)
            place += 1


def _measured(front: str, following: str, bars: Mapping[str, Sequence[Bar]], at: int) -> Roll:
    found = difference_at(bars[front], bars[following], at)
    if found is None:
        raise DataError(
            f"{front} and {following} have no bar of one instant before {at}",
            why="the difference of their prices is not known",
            remedy="Import bars of the next contract that begin before the roll",
        )
    return Roll(previous=front, contract=following, at=at, difference=found[0], measured_at=found[1])


def session_volumes(bars: Iterable[Bar], hours: Hours) -> dict[int, int]:
    """Volume by session date of the bars that lie in a session."""
    found: dict[int, int] = {}
    for bar in bars:
        session = hours.session_around(bar.start)
        if session is not None:
            found[session.date] = found.get(session.date, 0) + bar.volume
    return found


def _sessions(bars: Mapping[str, Sequence[Bar]], order: Sequence[str], hours: Hours) -> Iterator[Session]:
    """Every session from the first bar of the contracts to the last."""
    if not order:
        return
    first, last = min(bars[name][0].start for name in order), max(bars[name][-1].start for name in order)
    for session in hours.table.sessions:
        if not session.spans(hours.scope):
            continue
        opened, closes = hours.bounds(session)
        if closes > first and opened <= last:
            yield session


def unadjusted(bars: Mapping[str, Sequence[Bar]], rolls: Sequence[Roll]) -> Iterator[Bar]:
    """The continuous series as traded: of each time the bars of the contract that is the front, each with its contract.

    Without a roll all contracts but the only one raise DataError.
    """
    if not rolls:
        if len(bars) > 1:
            raise DataError(f"{', '.join(sorted(bars))}: several contracts and no roll between them")
        chain = list(bars)
    else:
        chain = [rolls[0].previous, *(roll.contract for roll in rolls)]
    starts = [-(1 << 62), *(roll.at for roll in rolls), 1 << 62]
    for name, start, end in zip(chain, starts, starts[1:], strict=False):
        for bar in bars.get(name, ()):
            if start <= bar.start < end:
                yield bar if bar.contract == name else msgspec.structs.replace(bar, contract=name)


def back_adjusted(bars: Iterable[Bar], rolls: Sequence[Roll]) -> Iterator[Bar]:
    """An unadjusted continuous series in the newest contract's prices. Raises DataError for a bar of an unknown contract."""
    later: dict[str, int] = {}
    for roll in reversed(rolls):
        later.setdefault(roll.contract, 0)
        later[roll.previous] = later[roll.contract] + roll.difference
    for bar in bars:
        if rolls and bar.contract not in later:
            raise DataError(f"a bar of {bar.contract or 'no contract'}, of which the roll calendar says nothing")
        moved = later.get(bar.contract, 0)
        yield bar.moved(moved) if moved else bar
