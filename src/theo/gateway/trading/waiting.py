"""Orders that wait: which market, which moment concerns which of them, and what is done when it comes."""

from collections.abc import Iterator

from theo.domain.instrument import SecurityType
from theo.domain.market_data import Tick, TickKind
from theo.gateway.desk import NEVER, Desk
from theo.gateway.trading import conditions, triggers
from theo.gateway.trading.dealing import Dealing
from theo.gateway.trading.spreads import met
from theo.gateway.trading.terms import PEGGED, STOPS, TOUCHED
from theo.gateway.trading.working import LIVE, Phase, Worked

QUOTES = frozenset({TickKind.BID, TickKind.ASK})


class Waiting:
    """Looks at the orders of one dealing. ``due``: when time alone next does something, without the exchange's own times."""

    def __init__(self, dealing: Dealing) -> None:
        self._dealing = dealing
        self._attentive: dict[int, list[Worked]] = {}  # by conId: what looks at each tick itself
        self._at_venue: set[int] = set()  # conIds of what is at the exchange
        self.due = NEVER

    def look_around(self, desk: Desk) -> None:
        """After anything has changed: note again what is waited for."""
        dealing = self._dealing
        if not dealing.stale:
            return
        dealing.stale, self.due = False, NEVER
        self._attentive, self._at_venue = {}, set()
        for worked in dealing.blotter.unfinished():
            self.due = min(self.due, worked.reject_at, worked.tell_at)
            if worked.phase not in LIVE:
                continue
            self.due = min(self.due, *self._moments(desk, worked))
            if worked.at_venue:
                self._at_venue.add(worked.listing.con_id)
            for con_id in dict.fromkeys(self._contracts(worked)):
                self._attentive.setdefault(con_id, []).append(worked)

    def _moments(self, desk: Desk, worked: Worked) -> Iterator[int]:
        yield NEVER
        yield worked.terms.good_till or NEVER
        if worked.phase is Phase.TIMED:
            yield worked.release_at
        elif worked.phase is Phase.ARMED or worked.legs:
            yield worked.expires_at
            yield from conditions.times(desk, worked.order.conditions)

    def _contracts(self, worked: Worked) -> Iterator[int]:
        follows = worked.phase is Phase.WORKING and worked.terms.type in STOPS | PEGGED
        if follows or worked.phase is Phase.ARMED:
            yield worked.listing.con_id
        if worked.phase is Phase.WORKING:
            yield from (leg.con_id for leg in worked.legs)
        if worked.phase is Phase.ARMED:
            yield from conditions.contracts(worked.order.conditions)

    def on_tick(self, desk: Desk, tick: Tick) -> None:
        """The exchange first, then what waits here, then pegs."""
        dealing = self._dealing
        if tick.instrument in self._at_venue:
            dealing.hear(desk, dealing.floor.venue.on_tick(tick))
        for worked in self._attentive.get(tick.instrument, ()):
            if worked.phase is Phase.WORKING and worked.legs:
                prices = met(desk, worked, tick)
                if prices:
                    dealing.fill_spread(desk, worked, worked.remaining, prices)
            elif worked.phase is Phase.WORKING:
                dealing.look_at_stop(desk, worked)
                self._follow(desk, worked, tick)
            elif worked.phase is Phase.ARMED:
                self._meet(desk, worked, tick)

    def _meet(self, desk: Desk, worked: Worked, tick: Tick) -> None:
        """A tick meets an order that waits for its price or its conditions."""
        trades = worked.listing.instrument.security_type is not SecurityType.CASH
        if tick.instrument == worked.listing.con_id and triggers.concerns(tick, worked.terms.side, trades=trades):
            self._test(worked, tick.price)
        if self._dealing.is_ready(desk, worked):
            self._dealing.arm(desk, worked)

    def _test(self, worked: Worked, price: int) -> None:
        """Test a price against the trigger; a trailing level is tested as it was before the price moves it."""
        terms, increment = worked.terms, worked.listing.instrument.tick
        if worked.triggered or not triggers.is_simulated(terms):
            return
        if terms.type in TOUCHED:
            worked.triggered = triggers.is_touched(terms, price)
            return
        level = triggers.moved_level(terms, None, price, increment) if worked.level is None else worked.level
        worked.triggered = triggers.is_stopped(terms, level, price)
        worked.level = level if worked.triggered else triggers.moved_level(terms, level, price, increment)

    def _follow(self, desk: Desk, worked: Worked, tick: Tick) -> None:
        """A pegged order moves with the quote."""
        if worked.terms.type not in PEGGED or tick.kind not in QUOTES:
            return
        level = self._dealing.pegged(desk, worked)
        if level is not None and level != worked.level:
            worked.level = level
            self._dealing.floor.amend(worked, desk.now)

    def on_time(self, desk: Desk, at: int) -> None:
        """Release, expire, tell late."""
        dealing = self._dealing
        if dealing.floor.venue.next_due <= at:
            dealing.hear(desk, dealing.floor.venue.on_time(at))
        if self.due > at:
            return
        dealing.stale = True
        for worked in dealing.blotter.unfinished():
            if worked.tell_at <= at:
                dealing.speak(desk, worked)
            if worked.reject_at <= at:
                dealing.tell_reject(desk, worked)
            elif worked.phase in LIVE:
                self._pass(desk, worked, at)

    def _pass(self, desk: Desk, worked: Worked, at: int) -> None:
        dealing = self._dealing
        over = worked.terms.good_till and worked.terms.good_till <= at
        own = worked.phase is Phase.ARMED or (worked.phase is Phase.WORKING and worked.legs)
        if over or (own and worked.expires_at <= at):
            if worked.at_venue:
                dealing.floor.cancel(worked, desk.now)
            dealing.end(desk, worked)
        elif worked.phase not in {Phase.TIMED, Phase.ARMED}:
            return
        elif worked.release_at <= at if worked.phase is Phase.TIMED else dealing.is_ready(desk, worked):
            dealing.arm(desk, worked)
