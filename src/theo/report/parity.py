"""Each difference between the fills of a recorded run and those that a backtest has for the same orders, and what it comes from.

A cause is a claim that the record can refuse: it holds only where the order's times, the link, the recorded trades or words of
the broker show it. What no cause covers is unexplained. Pure: it reads facts and trades, and decides nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from theo.domain.instrument import Instrument
from theo.domain.market_data import SECOND
from theo.domain.orders import Order, OrderRole, OrderType
from theo.report.recorded_orders import Execution, Placed, RecordedOrders
from theo.report.tape import Tape

SAME_TIME = SECOND  # IB tells executions in whole seconds
QUOTE_TICKS_MAX = 2  # between a last price and the quote that an order takes; trades alone are recorded
SILENCE_MIN = 60 * SECOND  # a recording that holds no trade for so long does not know what an execution met
LATE_MIN = 2 * SECOND  # after its time at the exchange: past the grace of a bar
UNFINISHED_WITHIN = 60 * SECOND  # of the end of the record


class Cause(StrEnum):
    """Where a difference of fills comes from."""

    LATENCY = "latency"  # the order reached the exchange later, and the market had moved within what was recorded meanwhile
    QUOTE = "quote"  # it took or was set off by a quote, at most QUOTE_TICKS_MAX from the recorded trades
    TOUCHED = "touched"  # a limit was filled where price only touched it
    PARTS = "parts"  # it was filled in parts, as sizes allowed
    OUTAGE = "outage"  # the link was down, the process was away, or the broker's gate closed in between
    GAP = "gap"  # the recording holds no trade around the execution
    LATE_DATA = "late_data"  # the trade that it met came to us late
    BROKER = "broker"  # the broker refused, ended or lost it
    CORRECTED = "corrected"  # the broker corrected the execution
    EXCESS = "excess"  # the broker filled more than was asked: an order twice, or both exits of a trade
    FOLLOWS = "follows"  # another order of its trade was filled otherwise before
    UNFINISHED = "unfinished"  # the record ends before the broker's answer
    UNEXPLAINED = "unexplained"


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One order that was filled otherwise. ``turnover`` is the sum of price units x quantity; ``at`` is of the first fill or 0.

    ``cost``: what the broker's fill costs more than the backtest's, micros, where both filled the same quantity, else 0.
    """

    order: str
    trade: str
    instrument: int
    role: OrderRole
    side: str
    cause: Cause
    text: str
    quantity: int
    turnover: int
    at: int
    expected_quantity: int
    expected_turnover: int
    expected_at: int
    cost: int


class ChargesDifference(msgspec.Struct, frozen=True, kw_only=True):
    """Charges that the broker reported, and what the schedule estimates for the same fill, micros."""

    order: str
    reported: int
    estimated: int


class _Filled(msgspec.Struct, frozen=True):
    """The executions of one order together."""

    parts: tuple[Execution, ...]

    @property
    def quantity(self) -> int:
        return sum(part.quantity for part in self.parts)

    @property
    def turnover(self) -> int:
        return sum(part.quantity * part.price for part in self.parts)

    @property
    def charges(self) -> int:
        return sum(part.charges for part in self.parts)

    @property
    def first(self) -> int:
        return min((part.timestamp for part in self.parts), default=0)

    @property
    def last(self) -> int:
        return max((part.timestamp for part in self.parts), default=0)


class Attribution:
    """Compares, order by order. ``expected`` are the fills of the simulated exchange, ``tape`` the recorded trades."""

    def __init__(
        self, recorded: RecordedOrders, expected: Iterable[Execution], tape: Tape, instruments: Mapping[int, Instrument]
    ) -> None:
        self._recorded, self._tape, self._instruments = recorded, tape, instruments
        found: dict[str, list[Execution]] = defaultdict(list)
        for execution in expected:
            found[execution.order].append(execution)
        self._expected = {order: _Filled(tuple(parts)) for order, parts in found.items()}
        self._live = {order: _Filled(tuple(placed.fills)) for order, placed in recorded.orders.items()}

    def differences(self) -> list[Difference]:
        """Of every order, in the order of their intents."""
        return [found for placed in self._recorded.orders.values() if (found := self._of(placed)) is not None]

    def charges(self) -> list[ChargesDifference]:
        """Orders that were filled alike in quantity, and charged otherwise."""
        return [
            ChargesDifference(order=order, reported=live.charges, estimated=wanted.charges)
            for order, live in self._live.items()
            if (wanted := self._expected.get(order)) and live.quantity == wanted.quantity and live.charges != wanted.charges
        ]

    def _of(self, placed: Placed) -> Difference | None:
        order = placed.order
        live, wanted = self._live[order.id], self._expected.get(order.id, NO_FILL)
        alike = (live.quantity, live.turnover) == (wanted.quantity, wanted.turnover)
        if alike and abs(live.first - wanted.first) <= SAME_TIME and abs(live.last - wanted.last) <= SAME_TIME:
            return None
        cause, text = self._cause(placed, live, wanted)
        unit = self._instruments[order.instrument].unit_value
        cost = order.side.sign * (live.turnover - wanted.turnover) * unit if live.quantity == wanted.quantity else 0
        return Difference(
            order=order.id,
            trade=order.trade,
            instrument=order.instrument,
            role=order.role,
            side=str(order.side),
            cause=cause,
            text=text,
            quantity=live.quantity,
            turnover=live.turnover,
            at=live.first,
            expected_quantity=wanted.quantity,
            expected_turnover=wanted.turnover,
            expected_at=wanted.first,
            cost=cost,
        )

    def _cause(self, placed: Placed, live: _Filled, wanted: _Filled) -> tuple[Cause, str]:
        """The first of the causes that the record bears out."""
        found = self._of_the_broker(placed, live, wanted)
        if found is None and self._possible(placed.order, live, wanted):
            found = self._of_its_trade(placed.order, live, wanted) or self._of_the_link(placed, live, wanted)
            found = found or self._of_the_data(placed, live, wanted)
            if found is None:
                both = live.parts and wanted.parts
                found = self._of_the_market(placed, live, wanted) if both else self._one_sided(placed, live, wanted)
        return found or (Cause.UNEXPLAINED, self._numbers(placed, live, wanted))

    def _possible(self, order: Order, live: _Filled, wanted: _Filled) -> bool:
        """Whether the market was there, as far as it was recorded: a hole in it is filled some time after the broker's word."""
        if not live.parts or self._tape.silence(order.instrument, live.first) >= SILENCE_MIN:
            return True
        since = min(live.first, wanted.first or live.first) - SAME_TIME
        return self._within(order, live, (since, max(part.at for part in live.parts) + SILENCE_MIN), QUOTE_TICKS_MAX)

    def _of_the_broker(self, placed: Placed, live: _Filled, wanted: _Filled) -> tuple[Cause, str] | None:
        if placed.corrected:
            return Cause.CORRECTED, f"the broker corrected {placed.corrected} executions"
        if live.quantity > placed.order.quantity or self._exits_exceed(placed.order):
            return Cause.EXCESS, f"{live.quantity} of {placed.order.quantity} were filled, more than its trade held"
        if placed.ended and live.quantity < wanted.quantity and not self._sibling(placed.order, self._live, placed.ended_at):
            return Cause.BROKER, f"{placed.ended} by the broker: {placed.why}"
        return None

    def _exits_exceed(self, order: Order) -> bool:
        """Whether this exit and another one were filled, and together more than the entry was."""
        if order.role is OrderRole.ENTRY or not self._live[order.id].parts:
            return False
        filled = [(other, self._live[other.id].quantity) for other in self._recorded.by_trade[order.trade]]
        entries = sum(quantity for other, quantity in filled if other.role is OrderRole.ENTRY)
        return sum(quantity for other, quantity in filled if other.side is order.side) > entries

    def _of_its_trade(self, order: Order, live: _Filled, wanted: _Filled) -> tuple[Cause, str] | None:
        """A child that slept longer on one side; an exit whose group had been ended by another one."""
        if order.parent:
            lives, wants = self._live.get(order.parent, NO_FILL).last, self._expected.get(order.parent, NO_FILL).last
            first, other = (live.first or wanted.first), (wanted.first or live.first)
            if abs(lives - wants) > SAME_TIME and min(first, other) <= max(lives, wants):
                return Cause.FOLLOWS, f"its entry was filled {_apart(lives - wants)} than the backtest's"
        if not live.parts and (by := self._sibling(order, self._live, wanted.first)):
            return Cause.FOLLOWS, f"exit {by} had been filled"
        if not wanted.parts and (by := self._sibling(order, self._expected, live.first)):
            return Cause.FOLLOWS, f"in the backtest exit {by} had been filled"
        return None

    def _sibling(self, order: Order, fills: Mapping[str, _Filled], until: int) -> str:
        """Another exit of the same trade that was filled by then, "" when none was."""
        if order.role is OrderRole.ENTRY:
            return ""
        for other in self._recorded.by_trade[order.trade]:
            filled = fills.get(other.id, NO_FILL)
            if other.id != order.id and other.role is not OrderRole.ENTRY and filled.parts and filled.first <= until + SAME_TIME:
                return other.id
        return ""

    def _of_the_link(self, placed: Placed, live: _Filled, wanted: _Filled) -> tuple[Cause, str] | None:
        """An interruption from the first fill to the broker's word of its own; or while the order was on its way."""
        learned = max((part.at for part in live.parts), default=wanted.first)
        since = min(live.first or wanted.first, wanted.first or live.first)
        until = max(live.first, learned) if live.parts and live.first <= since else max(since, learned)
        if placed.accepted_at > since or not placed.accepted_at:
            since = min(since, placed.intended_at)
        for gone, back, why in self._recorded.outages:
            if gone <= until and back >= since:
                return Cause.OUTAGE, f"{why}, for {_seconds(back - gone)}"
        if placed.resent_at:
            return Cause.OUTAGE, f"it was sent again {_seconds(placed.resent_at - placed.intended_at)} after its intent"
        return None

    def _of_the_data(self, placed: Placed, live: _Filled, wanted: _Filled) -> tuple[Cause, str] | None:
        instrument, at = placed.order.instrument, live.first or wanted.first
        silent = self._tape.silence(instrument, at)
        if silent >= SILENCE_MIN:
            return Cause.GAP, f"the recording holds no trade for {_seconds(silent)} around it"
        late = self._tape.latest(instrument, wanted.first - SAME_TIME, wanted.first + SAME_TIME) if wanted.parts else 0
        if late >= LATE_MIN:
            return Cause.LATE_DATA, f"the trade that it met came to us {_seconds(late)} late"
        return None

    def _of_the_market(self, placed: Placed, live: _Filled, wanted: _Filled) -> tuple[Cause, str] | None:
        """Filled on both sides: in parts, or at what the market was meanwhile, or at a quote beside it."""
        if len(live.parts) > 1 and self._near(placed.order, live, wanted, QUOTE_TICKS_MAX):
            prices = len({part.price for part in live.parts})
            return Cause.PARTS, f"{live.quantity} of {placed.order.quantity} in {len(live.parts)} parts at {prices} prices"
        on_its_way = placed.intended_at < placed.accepted_at and wanted.first <= placed.accepted_at + SAME_TIME
        slower = live.first - wanted.first > SAME_TIME or on_its_way
        if slower and self._near(placed.order, live, wanted, 0):
            return Cause.LATENCY, self._numbers(placed, live, wanted)
        if self._near(placed.order, live, wanted, QUOTE_TICKS_MAX):
            return Cause.QUOTE, self._numbers(placed, live, wanted)
        return None

    def _one_sided(self, placed: Placed, live: _Filled, wanted: _Filled) -> tuple[Cause, str] | None:
        if not live.parts:
            if not placed.accepted_at or wanted.first <= placed.accepted_at:
                return Cause.LATENCY, f"the backtest filled it before the broker had it: {self._numbers(placed, live, wanted)}"
            ends = self._recorded.ends
            alive = not placed.ended and ends - wanted.first <= UNFINISHED_WITHIN
            return (
                (Cause.UNFINISHED, f"the record ends {_seconds(ends - wanted.first)} after the backtest's fill")
                if alive
                else None
            )
        if self._near(placed.order, live, live, QUOTE_TICKS_MAX):
            limit = placed.order.type is OrderType.LIMIT
            return (Cause.TOUCHED if limit else Cause.QUOTE), self._numbers(placed, live, wanted)
        return None

    def _near(self, order: Order, live: _Filled, wanted: _Filled, ticks: int) -> bool:
        """Whether every part lies within what was traded from the one fill to the other, or so many ticks beside it."""
        since, until = min(live.first, wanted.first) - SAME_TIME, max(live.last, wanted.last) + 2 * SAME_TIME
        return self._within(order, live, (since, until), ticks)

    def _within(self, order: Order, live: _Filled, span: tuple[int, int], ticks: int) -> bool:
        traded = self._tape.range(order.instrument, *span)
        if traded is None:
            return False
        beside = ticks * self._instruments[order.instrument].tick
        return all(traded[0] - beside <= part.price <= traded[1] + beside for part in live.parts)

    def _numbers(self, placed: Placed, live: _Filled, wanted: _Filled) -> str:
        """What is known of it: how long it took to the broker, and how far the two fills lie apart in time and price."""
        said = []
        if placed.accepted_at:
            said.append(f"{(placed.accepted_at - placed.intended_at) / 1_000:,.1f} ms from decision to the broker's answer")
        if live.parts and wanted.parts:
            moved = live.turnover / live.quantity - wanted.turnover / wanted.quantity
            tick = self._instruments[placed.order.instrument].tick
            said += [f"filled {_apart(live.first - wanted.first)}", f"{moved / tick:+.2f} ticks"]
        else:
            said.append("filled by the broker alone" if live.parts else "filled in the backtest alone")
        return ", ".join(said)


NO_FILL = _Filled(())


def _seconds(micros: int) -> str:
    return f"{micros / SECOND:,.1f} s"


def _apart(micros: int) -> str:
    return f"{_seconds(abs(micros))} {'later' if micros > 0 else 'earlier'}"
