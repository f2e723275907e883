"""Which listed option each instrument that stands for one means: chosen ahead of signals, anew when another is the one.

A choice follows the session (the series ends at least one session away) and the underlying's price, at most once a minute, and
never while something is open in the one chosen before, in whatever run. Quotes of the new one are there before the core hears of
it. What cannot be chosen is told once, with what follows, and again when it is over.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from theo.domain.errors import RefusedError, TheoError
from theo.domain.inputs import Input
from theo.domain.instrument import Instrument
from theo.domain.market_data import MINUTE, SECOND, ContractRolled
from theo.domain.option_contract import is_option_name, option_contract
from theo.market.sessions import Hours
from theo.ports.chains import Chains
from theo.ports.clock import Clock
from theo.ports.feed import Feed, Wish
from theo.ports.market_questions import OptionSeries
from theo.ports.notifier import Notifier
from theo.runtime.option_candidates import Best, Named, Wanted, best_of
from theo.runtime.quote_line import QuoteLine
from theo.runtime.sharing import Reading
from theo.strategy.option_choice import NotChosen
from theo.strategy.option_front import OptionFront

LOOK_EVERY: Final = 5 * SECOND
CHANGE_AFTER: Final = MINUTE  # of the change before, while that one may still be traded
ASK_AGAIN: Final = MINUTE  # what was refused, or not answered
QUOTES_WAIT: Final = 5 * SECOND  # for the first quotes of a new one: of a closed market there are none
QUIET_WAIT: Final = 2 * SECOND  # for the runs to have worked off what they were posted
TOLD_AGAIN: Final = 10 * MINUTE  # what comes and goes is not told more often
STEP: Final = SECOND // 10
CANDIDATES_MAX: Final = 20  # that are asked for in one look
EPOCH: Final = date(1970, 1, 1)

Post = Callable[[Input], None]


class User:
    """A run that trades in what is chosen. ``busy``: whether inputs wait to be worked off; ``over``: it is no more."""

    def __init__(self, reading: Reading, post: Post, busy: Callable[[], bool], over: Callable[[], bool]) -> None:
        self.reading, self.post, self.busy, self.over = reading, post, busy, over


class _Standing:
    """How one stands: the option that is listened to ("": none), its last trade day, since when; and its trouble.

    ``trouble``: what follows from that of now, "" without; ``follows``: what was told last, at ``told_at``, and its end.
    """

    def __init__(self, front: OptionFront) -> None:
        self.front, self.one = front, front.instrument.id
        self.wanted = Wanted(front.right, front.category, front.expiry, front.split)
        self.contract, self.ends, self.changed_at, self.trouble = "", date.max, 0, ""
        self.line: QuoteLine | None = None
        self.follows, self.told_at, self.again_at = "", 0, 0


class _Found:
    """An option that may be traded, and why it is this one."""

    def __init__(self, name: str, best: Best, why: str) -> None:
        self.name, self.ends, self.why = name, best.option.expiry, why


class OptionChoosing:
    """``run`` is a service of a run. ``hours`` by underlying: the regular ones. ``post`` takes the quotes; ``ready`` as ever."""

    def __init__(  # noqa: PLR0913, PLR0917 - the market's ports, and who trades in what is chosen
        self,
        fronts: Sequence[OptionFront],
        users: Sequence[User],
        chains: Chains,
        feed: Feed,
        hours: Mapping[int, Hours],
        post: Post,
        ready: Callable[[], Awaitable[None]],
        clock: Clock,
        notifier: Notifier,
    ) -> None:
        self._all = [_Standing(front) for front in fronts]
        self._users, self._chains, self._feed, self._hours = users, chains, feed, hours
        self._post, self._ready, self._clock, self._notifier = post, ready, clock, notifier
        self._listed: dict[int, tuple[date, Sequence[OptionSeries]]] = {}  # chains by underlying, of which day
        self._names: dict[int, tuple[date, dict[Named, str]]] = {}  # what single options are called, by who asks, of which day
        self._told: dict[tuple[User, int], str] = {}  # what each run was told last
        self._asked: dict[tuple[str, int], tuple[int, Decimal | TheoError]] = {}  # until when an answer stands

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._ready()
            for each in self._all:
                await self._look(each)
            await self._clock.sleep_until(self._clock.now() + LOOK_EVERY)

    async def _look(self, each: _Standing) -> None:
        try:
            held = self._held(each.one)
            if held:
                self._go_on(each, held)
            else:
                await self._follow(each)
        except TheoError as error:
            self._in_trouble(each, error)
        else:
            self._is_well(each)

    # Which one

    async def _follow(self, each: _Standing) -> None:
        """Choose, where nothing is open in it; raises TheoError for what cannot be chosen."""
        under, after = each.front.underlying, self._after(each.front.underlying)
        chain = await self._chain(under, after)
        found = await self._best(each, await self._price(under), chain, after)
        usable = each.contract and each.ends >= after
        if found.name == each.contract:
            self._say(each, found)
        elif not usable or self._clock.now() >= each.changed_at + CHANGE_AFTER:
            await self._change(each, found)

    async def _best(self, each: _Standing, price: Decimal, chain: Sequence[OptionSeries], after: date) -> _Found:
        """The first that IB lists for that expiry, that nothing else stands for, and of which the account holds none by hand."""
        without: dict[Named, str] = {}
        for _ in range(CANDIDATES_MAX):
            best = best_of(each.wanted, price, chain, after, without)
            if isinstance(best, NotChosen):
                raise RefusedError("; ".join((best.why, *without.values())))
            name = await self._name(each.front, best.named, after)
            unfit = self._unfit(each, best, name)
            if not unfit:
                why = "; ".join((f"{each.front.underlying.symbol} {price}: {best.option.why}", *without.values()))
                return _Found(name, best, why)
            without[best.named] = unfit
        raise RefusedError("; ".join(without.values()))

    def _unfit(self, each: _Standing, best: Best, name: str) -> str:
        strike = f"{best.series.trading_class} {best.option.expiry} {best.option.strike}"
        if not name:
            return f"{strike} is not listed"
        if not is_option_name(name):
            return f"{strike} is called {name}, which cannot be read"
        if any(name == other.contract for other in self._all if other is not each):
            return f"{strike} is what another one stands for"
        return f"{strike} is held by hand" if self._chains.taken(name) else ""

    async def _name(self, front: OptionFront, named: Named, after: date) -> str:
        """An empty one for what is not listed. Each is asked for once a session."""
        day, known = self._names.get(front.instrument.id, (date.min, {}))
        if day != after:
            known = {}
            self._names[front.instrument.id] = after, known
        if named not in known:
            known[named] = await self._chains.listed(front.instrument, *named)
        return known[named]

    # What it depends on

    def _after(self, under: Instrument) -> date:
        """The trade date after the session that is on, or that comes next: no series ends before it."""
        hours, now = self._hours[under.id], self._clock.now()
        today = hours.session_around(now) or hours.session_next(now)
        return EPOCH + timedelta(days=hours.session_next(hours.bounds(today)[1]).date)

    async def _chain(self, under: Instrument, after: date) -> Sequence[OptionSeries]:
        """Asked once a session."""
        known = self._listed.get(under.id)
        if known is not None and known[0] == after:
            return known[1]
        self._wait("chain", under)
        try:
            chain = await self._chains.chain(under)
            if not chain:
                raise RefusedError(f"IB lists no options on {under.symbol}")
        except TheoError as error:
            self._asked["chain", under.id] = self._clock.now() + ASK_AGAIN, error
            raise
        self._listed[under.id] = after, chain
        return chain

    async def _price(self, under: Instrument) -> Decimal:
        """The newest one that a run has heard; where none listens, the market's own, once a minute."""
        for user in self._users:
            last = user.reading.last(under.id)
            if last:
                return under.decimal(last)
        stands = self._wait("price", under)
        if stands is not None:
            return stands
        answer: Decimal | TheoError
        try:
            answer = await self._chains.price(under) or RefusedError(f"{under.symbol} has no price")
        except TheoError as error:
            answer = error
        self._asked["price", under.id] = self._clock.now() + ASK_AGAIN, answer
        if isinstance(answer, TheoError):
            raise answer
        return answer

    def _wait(self, what: str, under: Instrument) -> Decimal | None:
        """The answer that still stands; None: it may be asked for. Raises the refusal that does."""
        until, answer = self._asked.get((what, under.id), (0, None))
        if self._clock.now() >= until:
            return None
        if isinstance(answer, TheoError):
            raise answer
        return answer

    # What is done

    def _held(self, one: int) -> str:
        """The contract in which something is open, in the first run that has it so."""
        held = (user.reading.open_contract(one) for user in self._users if not user.over())
        return next(filter(None, held), "")

    def _go_on(self, each: _Standing, contract: str) -> None:
        """What is open keeps its contract: it is listened to, and runs that hold nothing hear of it too."""
        if each.contract != contract:
            self._forget(each)
            each.ends = option_contract(contract).expiry
            self._listen(each, contract).begins()
        self._tell_runs(each, contract, "a trade is open in it")

    async def _change(self, each: _Standing, found: _Found) -> None:
        """Its quotes first, then the core, then the old one's are dropped. Not when something was opened meanwhile."""
        before = each.contract, each.line, each.ends
        line = self._listen(each, found.name)
        await self._until(lambda: line.settled, QUOTES_WAIT)
        if not await self._until(self._quiet, QUIET_WAIT) or self._held(each.one):
            self._feed.drop(each.one, found.name)
            each.contract, each.line, each.ends = before
            return
        self._say(each, found)
        line.begins()
        if before[0]:
            self._feed.drop(each.one, before[0])
        each.changed_at = self._clock.now()
        self._tell("info", "option_chosen", f"{each.front.instrument.symbol} is {found.name}: {found.why}")

    def _quiet(self) -> bool:
        """Whether no run has inputs of which nobody knows what they open."""
        return not any(user.busy() for user in self._users if not user.over())

    def _say(self, each: _Standing, found: _Found) -> None:
        each.ends = found.ends
        self._tell_runs(each, found.name, found.why)

    def _tell_runs(self, each: _Standing, contract: str, why: str) -> None:
        """Those that mean another one, hold nothing in it, and have no input left that could open something."""
        self._chains.trade(each.one, contract)
        for user in self._users:
            own = user.reading.fronts.get(each.one, "")
            reads = each.one in user.reading.instruments and self._told.get((user, each.one), own) != contract
            if reads and not user.busy() and not user.reading.open_contract(each.one):
                self._told[user, each.one] = contract
                rolled = ContractRolled(
                    at=self._clock.now(), instrument=each.one, previous=own, contract=contract, difference=0, why=why
                )
                user.post(rolled)

    def _listen(self, each: _Standing, contract: str) -> QuoteLine:
        front = each.front
        line = QuoteLine(each.one, self._post, self._clock.now)
        each.contract, each.line = contract, line
        wish = Wish(instrument=front.instrument, hours=self._hours[front.underlying.id], quotes=True, contract=contract)
        self._feed.subscribe([wish], line.take, line.heard)
        return line

    def _forget(self, each: _Standing) -> None:
        """Nothing is chosen any more, and no quote of it stands."""
        if each.contract:
            self._feed.drop(each.one, each.contract)
        if each.line is not None:
            each.line.ends()
        each.contract, each.line = "", None

    async def _until(self, holds: Callable[[], bool], wait: int) -> bool:
        ends = self._clock.now() + wait
        while not holds() and self._clock.now() < ends:
            await self._clock.sleep_until(self._clock.now() + STEP)
        return holds()

    # What is told

    def _in_trouble(self, each: _Standing, error: TheoError) -> None:
        """What may be traded no more is dropped: without quotes its signals are refused."""
        with suppress(TheoError):  # of the hours, whose trouble this may be
            if each.contract and each.ends < self._after(each.front.underlying):
                self._forget(each)
        follows = f"it stays {each.contract}" if each.contract else "its signals are refused until one is chosen"
        now = self._clock.now()
        if each.trouble != follows and (each.follows != follows or now >= each.told_at + TOLD_AGAIN):
            each.follows, each.told_at = follows, now
            self._tell("warning", "no_option", f"{each.front.instrument.symbol}: {error}; {follows}")
        each.trouble = follows

    def _is_well(self, each: _Standing) -> None:
        if each.trouble:
            each.trouble = ""
            if self._clock.now() < each.told_at + TOLD_AGAIN and each.again_at >= each.told_at:
                return  # it comes and goes
            each.again_at = self._clock.now()
            self._tell("info", "option_again", f"{each.front.instrument.symbol} is {each.contract}, and chosen as usual again")

    def _tell(self, severity: str, code: str, text: str) -> None:
        self._notifier.tell(self._clock.now(), severity, code, text)
