"""What a roll is decided and measured by: daily volumes and minutes of two contracts, from the broker's history."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from theo.domain.errors import DataError
from theo.domain.instrument import Instrument
from theo.domain.market_data import DAY, MINUTE, Bar, Timeframe
from theo.market.rolls import DAYS_MAX, Due, Roll, RollRule, difference_at, rolls_due, session_volumes
from theo.market.sessions import Hours, Session, Span
from theo.ports.feed import BarHistory, Progress
from theo.ports.months import Months

MINUTES, SESSIONS = Timeframe("1min", MINUTE), Timeframe("1d", 0)
EVER = 1 << 62

HistoryOf = Callable[[str], BarHistory]  # of a contract by its name; "" is the one that trades


class Chain(msgspec.Struct, frozen=True):
    """The contracts of an instrument in the order of time: ``first`` until the first of ``rolls``, and so on.

    ``named``: whether the core knows the first one already.
    """

    first: str = ""
    rolls: tuple[Roll, ...] = ()
    named: bool = True

    @property
    def front(self) -> str:
        """The contract that trades."""
        return self.rolls[-1].contract if self.rolls else self.first

    @property
    def since(self) -> int:
        """From when on it does; 0: ever since."""
        return self.rolls[-1].at if self.rolls else 0

    def pieces(self, start: int, end: int) -> Iterator[tuple[str, Span]]:
        """Each contract with its part of a span."""
        names = self.first, *(roll.contract for roll in self.rolls)
        begins = 0, *(roll.at for roll in self.rolls)
        for name, low, high in zip(names, begins, (*begins[1:], EVER), strict=True):
            if max(low, start) < min(high, end):
                yield name, (max(low, start), min(high, end))


class UnmeasuredError(DataError):
    """Of two contracts there is no price of one instant; ``contract`` is the later one."""

    def __init__(self, due: Due) -> None:
        super().__init__(f"no minute of the last session has a trade of both {due.previous} and {due.contract}")
        self.contract = due.contract


class RollReading:
    """One instrument that rolls by a rule in ``hours``. What history refuses or does not answer is raised."""

    def __init__(self, instrument: Instrument, rule: RollRule, hours: Hours, months: Months, history_of: HistoryOf) -> None:
        self.instrument, self.rule, self.hours = instrument, rule, hours
        self._months, self._history_of = months, history_of

    def first(self) -> str:
        """The contract that ends first. Raises DataError when none is listed."""
        listed = self._months.months(self.instrument.id)
        if not listed:
            raise DataError(f"the broker lists no contracts of {self.instrument.symbol} that end")
        return listed[0].name

    def following(self, front: str) -> tuple[str, ...]:
        """The contracts from ``front`` on. Raises DataError when it is not listed."""
        names = [month.name for month in self._months.months(self.instrument.id)]
        if front not in names:
            raise DataError(f"the broker does not list {front}", remedy="Close by hand what is held in it")
        return tuple(names[names.index(front) :])

    def latest(self, contract: str) -> int | None:
        """When the roll out of a contract acts at the latest, microseconds UTC; None for one that is not listed, or is over."""
        last, table = self._last_trades().get(contract), self.hours.table
        if last is None or last < table.first_date:
            return None
        days = max(last - 2 * DAYS_MAX, table.first_date), min(last, table.last_date)
        sessions = list(self.hours.sessions_between(*days))
        return self.hours.bounds(sessions[-1 - self.rule.days])[0] if len(sessions) > self.rule.days else None

    async def due(self, front: str, sessions: Sequence[Session]) -> Due | None:
        """The first roll that was due at the end of one of some sessions that have ended.

        Raises DataError when there is nothing to roll to, or the volume is not known on which the only session depends.
        """
        order, last_trades = self.following(front)[:2], self._last_trades()
        names = order if len(order) > 1 else (*order, "")  # what would come next, so that the end is seen
        unknown: dict[str, dict[int, int]] = {name: {} for name in names}
        by_time = next(rolls_due(names, last_trades, unknown, sessions, self.hours, self.rule), None)
        if by_time is not None and not by_time.contract:
            raise DataError(f"no contract after {front} is listed")
        if self.rule.rule != "volume" or len(order) == 1 or (by_time is not None and len(sessions) == 1):
            return by_time
        volumes = {name: await self._volumes(name, sessions) for name in order}
        found = next(rolls_due(order, last_trades, volumes, sessions, self.hours, self.rule), None)
        if found is None and len(sessions) == 1 and sessions[0].date not in volumes[front]:
            raise DataError(f"the volume of {front} in the session that has ended is not known")
        return found

    def _last_trades(self) -> Mapping[str, int]:
        return {month.name: month.last_trade for month in self._months.months(self.instrument.id)}

    async def _volumes(self, name: str, sessions: Sequence[Session]) -> dict[int, int]:
        span = self.hours.bounds(sessions[0])[0], self.hours.bounds(sessions[-1])[1]
        return session_volumes(await self._bars(name, SESSIONS, span), self.hours)

    async def measured(self, due: Due) -> Roll:
        """With the difference of the closes of the last minute of its session in which both traded. Raises UnmeasuredError."""
        opened, closes = self.hours.bounds(due.session)
        span = max(opened, closes - DAY), closes
        front, following = [await self._bars(name, MINUTES, span) for name in (due.previous, due.contract)]
        found = difference_at(front, following, due.at)
        if found is None:
            raise UnmeasuredError(due)
        return Roll(
            previous=due.previous,
            contract=due.contract,
            at=due.at,
            difference=found[0],
            measured_at=found[1],
            source=front[0].source,
        )

    async def _bars(self, name: str, timeframe: Timeframe, span: Span) -> list[Bar]:
        pieces = self._history_of(name).bars(self.instrument, timeframe, self.hours, span, _quiet)
        return [bar async for piece in pieces for bar in piece]

    async def rolls(self, front: str, since: int, now: int) -> tuple[Roll, ...]:
        """The rolls that were to act after ``since`` and up to ``now``, oldest first."""
        sessions, found = self._sessions(since, now), []
        while sessions and (due := await self.due(front, sessions)) is not None:
            found.append(await self.measured(due))
            front = due.contract
            sessions = [session for session in sessions if session.date > due.session.date]
        return tuple(found)

    def _sessions(self, since: int, now: int) -> list[Session]:
        """Those after which the next one opened in that time."""
        hours, table = self.hours, self.hours.table
        days = max(since // DAY - 8, table.first_date), min(now // DAY + 1, table.last_date)
        known = list(hours.sessions_between(*days))
        opened = [hours.bounds(session)[0] for session in known]
        return [session for session, follows in zip(known, opened[1:], strict=False) if since < follows <= now]


def _quiet(_progress: Progress) -> None:
    """How far it is is nobody's concern."""
