"""The futures roll beside a real broker: decided when a session has ended, measured, and done at the next session's open.

Of each contract no tick is taken but those of its own time: up to the roll the old one's, from its instant on the next one's. The
old one's must be whole up to there before the core hears of the roll. What cannot be decided or measured is no roll: a person is
paged, and the guard of delivery closes what is open before the contract ends.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

import msgspec

from theo.domain.errors import RefusedError, TheoError, UserError
from theo.domain.inputs import Input
from theo.domain.market_data import MINUTE, SECOND, ContractRolled, Tick
from theo.market.rolls import Due, Roll
from theo.market.series import Series
from theo.market.sessions import Hours, Session
from theo.ports.clock import Clock
from theo.ports.feed import Feed, FeedState, Heard, Standing, Take, Wish
from theo.ports.months import Months
from theo.ports.notifier import Notifier
from theo.runtime.marking import COMES, Marking
from theo.runtime.roll_reading import EVER, Chain, RollReading, UnmeasuredError
from theo.runtime.warm_up import first_start, goes_on

SETTLED = 2 * MINUTE  # after a session's end its daily volumes are asked for
ASK_AGAIN = 5 * MINUTE
LISTENED_BEFORE = 15 * MINUTE  # the roll, to the next contract
LOOK_INTERVAL = SECOND // 2
ROLL_WAIT = 30 * MINUTE  # for what is missing of the old contract before the roll, and for the books
BOOKS_WAIT = 5 * MINUTE  # for the books at a start: nothing is listened to meanwhile
CARRYING = 15 * MINUTE  # that open trades have to go on in the next contract, before the guard of delivery closes them
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

NOT_TO_BE_HAD = frozenset({FeedState.REFUSED, FeedState.DEAD, FeedState.POLLED})

Answer = TypeVar("Answer")


class Line:
    """The ticks of one contract, from ``since`` until ``until`` (the exchange's time): held until it is the front."""

    def __init__(self, take: Take, heard: Heard, *, since: int, front: bool) -> None:
        self._take, self._heard, self.since, self.until, self.front = take, heard, since, EVER, front
        self.standing: Standing | None = None
        self._held: list[Tick] = []  # for as long as our clock is behind the exchange's

    def take(self, tick: Tick) -> None:
        """A tick of it."""
        if self.since <= tick.timestamp < self.until:
            if self.front:
                self._take(tick)
            else:
                self._held.append(tick)

    def heard(self, standing: Standing) -> None:
        """How it stands."""
        self.standing = standing
        if self.front:
            self._heard(standing)

    def begins(self) -> None:
        """It is the front from now on."""
        self.front = True
        if self.standing is not None:
            self._heard(self.standing)
        for tick in self._held:
            self._take(tick)
        self._held.clear()

    @property
    def refused(self) -> bool:
        """Whether nothing of it is to be had."""
        return self.standing is not None and self.standing.state in NOT_TO_BE_HAD

    @property
    def why(self) -> str:
        """What its feed says."""
        return "" if self.standing is None else self.standing.why

    @property
    def whole(self) -> bool:
        """Whether everything up to now is here."""
        return self.standing is not None and self.standing.state in COMES and not self.standing.hole_since


class LiveRolls:
    """``begin`` before bars are read; ``run`` once ticks are listened to.

    ``fronts``: the contract that trades by instrument, as far as the core knows it; it is kept up to date here, and ``months``,
    the broker's and the feed's, are told of it. ``agreed``: whether the broker's books and ours agree; until then nothing rolls.
    ``whole_hours`` are those in which silence means something. ``ready`` returns when the broker can be asked.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the market's ports, and what is known of the market
        self,
        readings: Sequence[RollReading],
        fronts: MutableMapping[int, str],
        months: Sequence[Months],
        feed: Feed,
        whole_hours: Mapping[int, Hours],
        post: Callable[[Input], None],
        marking: Marking,
        agreed: Callable[[], bool],
        ready: Callable[[], Awaitable[None]],
        clock: Clock,
        notifier: Notifier,
    ) -> None:
        self._readings = {reading.instrument.id: reading for reading in readings}
        self._fronts, self._months = fronts, months
        self._feed, self._whole_hours, self._post, self._marking = feed, whole_hours, post, marking
        self._agreed, self._ready, self._clock, self._notifier = agreed, ready, clock, notifier
        self._lines: dict[tuple[int, str], Line] = {}
        self._overdue: dict[int, Roll] = {}
        self._after: dict[int, int] = {}  # up to when all rolls are known, by instrument
        self._failed: set[int] = set()

    # Before anything is listened to

    async def begin(self, series: Sequence[Series], heard: dict[int, int], now: int) -> dict[int, Chain]:
        """The contracts of each instrument that rolls, from the time on of which its series know nothing."""
        return {one: await self._chain(reading, series, heard, now) for one, reading in self._readings.items()}

    async def _chain(self, reading: RollReading, series: Sequence[Series], heard: dict[int, int], now: int) -> Chain:
        one = reading.instrument.id
        own = [each for each in series if each.instrument.id == one]
        known = max([heard.get(one, 0), *(each.last_end for each in own)])
        named, ongoing = self._fronts.get(one, ""), known and goes_on(one, heard, now)
        self._after[one] = heard[one] if ongoing else now
        if known:
            first = named or reading.first()
            rolls = await self._rolls(reading, first, heard[one] if ongoing else known, now)
        else:
            starts = (first_start(reading.hours, each.timeframe.length, now) for each in own)
            first, rolls = await self._from_the_first(reading, min(starts, default=now), now)
        if named and rolls and not ongoing and not await self._until(self._agreed, BOOKS_WAIT):
            rolls = ()
            self._fail(one, first, "the broker's books and ours do not agree")
        if ongoing and rolls:  # its ticks go on where they ended: up to the roll they are the old one's
            self._overdue[one], rolls = rolls[0], ()
        chain = Chain(first, rolls, named=bool(named))
        for roll in rolls:
            self._tell_rolled(one, roll)
        self._is_front(one, chain.front)
        return chain

    async def _rolls(self, reading: RollReading, first: str, since: int, now: int) -> tuple[Roll, ...]:
        try:
            return await self._asked(partial(reading.rolls, first, since, now), EVER)
        except TheoError as error:
            self._fail(reading.instrument.id, first, str(error))
            return ()

    async def _from_the_first(self, reading: RollReading, since: int, now: int) -> tuple[str, tuple[Roll, ...]]:
        """Nothing is known yet: it begins with the first contract that is listed, or after a roll that cannot be measured."""
        first = reading.first()
        while True:
            try:
                return first, await self._asked(partial(reading.rolls, first, since, now), EVER)
            except UnmeasuredError as error:
                first = error.contract
                self._tell("warning", "roll_unknown", f"{reading.instrument.symbol} begins with {first} alone: {error}")
            except TheoError as error:
                self._fail(reading.instrument.id, first, str(error))
                return first, ()

    def items(self, chains: Mapping[int, Chain]) -> list[ContractRolled]:
        """What the core has to hear of them, in its place in time."""
        found = []
        for one, chain in chains.items():
            if not chain.named:
                found.append(ContractRolled(at=0, instrument=one, previous="", contract=chain.first, difference=0))
            found += [self._item(one, roll) for roll in chain.rolls]
        return found

    def listen(self, wish: Wish) -> None:
        """Subscribe an instrument: where it rolls, to ticks of its contract's own time."""
        if wish.contract:
            line = self._line(wish.instrument.id, wish.contract, since=0, front=True)
            if wish.instrument.id in self._overdue:
                line.until = self._overdue[wish.instrument.id].at
            self._feed.subscribe([wish], line.take, line.heard)
        else:
            self._feed.subscribe([wish], self._post, self._marking.heard)

    def _line(self, one: int, contract: str, *, since: int, front: bool) -> Line:
        made = self._lines[one, contract] = Line(self._post, self._marking.heard, since=since, front=front)
        return made

    # While it runs

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for reading in self._readings.values():
                group.create_task(self._follow(reading))

    async def _follow(self, reading: RollReading) -> None:
        one, hours = reading.instrument.id, reading.hours
        overdue, after = self._overdue.pop(one, None), self._after[one]
        if overdue is not None:
            await self._switch(reading, overdue)
            after = overdue.at
        session = hours.session_around(after) or self._ended(hours, after)
        while True:
            due = await self._decided(reading, session)
            if due is not None:
                await self._roll(reading, due)
            session = hours.session_next(hours.bounds(session)[1] - 1)

    @staticmethod
    def _ended(hours: Hours, at: int) -> Session:
        """The last session that has ended."""
        found = hours.session_around(hours.previous_close(at) - 1)
        assert found is not None, "a session has ended where it closed"
        return found

    async def _decided(self, reading: RollReading, session: Session) -> Due | None:
        """Whether the session after ``session`` is the next contract's: asked when it has ended."""
        one, hours = reading.instrument.id, reading.hours
        ends = hours.bounds(session)[1]
        await self._clock.sleep_until(ends + SETTLED)
        opens = hours.bounds(hours.session_next(ends - 1))[0]
        if self._clock.now() >= opens:
            return None  # ``begin`` has looked at it
        try:
            found = await self._asked(lambda: reading.due(self._fronts[one], [session]), opens)
        except TheoError as error:
            self._fail(one, self._fronts[one], str(error))
            return None
        self._failed.discard(one)
        return found

    async def _roll(self, reading: RollReading, due: Due) -> None:
        one = reading.instrument.id
        self._tell("info", "roll_due", f"{reading.instrument.symbol} rolls from {due.previous} to {due.contract}: {due.why}")
        try:
            roll = await self._asked(lambda: reading.measured(due), due.at)
        except TheoError as error:
            self._fail(one, due.previous, str(error))
            return
        await self._clock.sleep_until(roll.at - LISTENED_BEFORE)
        if self._clock.now() >= roll.at:
            self._fail(one, roll.previous, "the difference was known too late")
            return
        following = self._listen_to(reading, roll.contract, at=roll.at, front=False)
        await self._clock.sleep_until(roll.at)
        if following.refused:
            self._drop(one, roll.contract)
            self._fail(one, roll.previous, f"{roll.contract} is not to be had: {following.why}")
            return
        await self._switch(reading, roll)

    async def _switch(self, reading: RollReading, roll: Roll) -> None:
        """Go on with the next contract once the old one's ticks are whole, and the books agree."""
        one = reading.instrument.id
        old = self._lines[one, roll.previous]
        old.until = roll.at
        if not (old.whole and self._agreed()):
            if (one, roll.contract) in self._lines:
                self._drop(one, roll.contract)
            if not await self._until(lambda: old.whole and self._agreed(), ROLL_WAIT):
                self._drop(one, roll.previous)  # what came since the roll's time was not taken: it is asked for again
                self._listen_to(reading, roll.previous, at=roll.at, front=True)
                why = f"ticks of {roll.previous} are missing" if self._agreed() else "the broker's books and ours do not agree"
                self._fail(one, roll.previous, why)
                return
        self._post(msgspec.structs.replace(self._item(one, roll), at=self._clock.now()))
        self._is_front(one, roll.contract)
        self._drop(one, roll.previous)
        if (one, roll.contract) in self._lines:
            self._lines[one, roll.contract].begins()
        else:
            self._listen_to(reading, roll.contract, at=roll.at, front=True)
        self._failed.discard(one)
        self._tell_rolled(one, roll)

    async def _until(self, holds: Callable[[], bool], wait: int) -> bool:
        """Whether it does before that time is over."""
        ends = self._clock.now() + wait
        while not holds() and self._clock.now() < ends:
            await self._clock.sleep_until(self._clock.now() + LOOK_INTERVAL)
        return holds()

    def _listen_to(self, reading: RollReading, contract: str, *, at: int, front: bool) -> Line:
        """To the ticks of a contract from ``at`` on; what is over before its stream begins comes from history."""
        one = reading.instrument.id
        line = self._line(one, contract, since=at, front=front)
        since = min(at, self._clock.now())
        wish = Wish(instrument=reading.instrument, hours=self._whole_hours[one], since=since, contract=contract)
        self._feed.subscribe([wish], line.take, line.heard)
        return line

    def _drop(self, one: int, contract: str) -> None:
        self._feed.drop(one, contract)
        del self._lines[one, contract]

    def _is_front(self, one: int, contract: str) -> None:
        self._fronts[one] = contract
        for months in self._months:
            months.trade(one, contract)

    def _item(self, one: int, roll: Roll) -> ContractRolled:
        return ContractRolled(
            at=roll.at,
            instrument=one,
            previous=roll.previous,
            contract=roll.contract,
            difference=roll.difference,
            carry=self._readings[one].rule.carry,
            spread=self._readings[one].rule.method == "spread",
            measured_at=roll.measured_at,
            source=roll.source,
        )

    # What others are told

    def takes(self, instrument: int, contract: str) -> bool:
        """Whether what is open in a contract that ends soon is still left to the roll."""
        reading = self._readings.get(instrument)
        if reading is None or instrument in self._failed:
            return False
        opens = reading.latest(contract)
        return opens is not None and self._clock.now() < opens + CARRYING

    def _fail(self, one: int, front: str, why: str) -> None:
        self._failed.add(one)
        symbol = self._readings[one].instrument.symbol
        self._tell("page", "no_roll", f"{symbol} stays in {front}: {why}. What is open in it is closed before it ends")

    def _tell_rolled(self, one: int, roll: Roll) -> None:
        instrument = self._readings[one].instrument
        when = f"{EPOCH + timedelta(microseconds=roll.measured_at):%Y-%m-%d %H:%M} UTC"
        text = (
            f"{instrument.symbol} goes on from {roll.previous} to {roll.contract}, difference {instrument.text(roll.difference)}"
        )
        self._tell("info", "rolled", f"{text} by the closes of the minute to {when} ({roll.source})")

    def _tell(self, severity: str, code: str, text: str) -> None:
        self._notifier.tell(self._clock.now(), severity, code, text)

    async def _asked(self, ask: Callable[[], Awaitable[Answer]], until: int) -> Answer:
        """Asked again until a time when it is refused or not answered; raises the last error. At EVER a refusal is final."""
        told = False
        while True:
            await self._ready()
            try:
                return await ask()
            except TheoError as error:
                final = until == EVER and isinstance(error, RefusedError | UserError)
                if final or self._clock.now() + ASK_AGAIN >= until:
                    raise
                if not told:
                    self._tell("warning", "roll_waits", f"what a roll needs to be known is asked for again: {error}")
                    told = True
            await self._clock.sleep_until(self._clock.now() + ASK_AGAIN)
