"""Executions and what they cost, as they come from IB: each once by its id, corrections in the place of what they correct.

The report of what an execution cost follows it. A fill is held back for a moment to be told with its true charges; when they do
not come in time it goes on with an estimate, and they are told later.
"""

from collections.abc import Callable, Mapping

import msgspec
from ib_async.contract import Contract
from ib_async.objects import CommissionReport, Execution

from theo.adapters.ib.contracts import Contracts, contract_name
from theo.adapters.ib.later import Later
from theo.adapters.ib.link import Link
from theo.adapters.ib.order_fields import micros, microseconds
from theo.adapters.ib.order_names import OrderNames, Sent
from theo.adapters.ib.spreads import BAG, leg_ref
from theo.domain.instrument import Instrument
from theo.domain.market_data import SECOND
from theo.domain.orders import Side
from theo.domain.reports import ChargesReported, FillCorrected, OrderFilled
from theo.venue.fees import Schedule, done, order_charges, schedule

CHARGES_WAIT = SECOND // 5  # they follow a few messages after their execution
EXECUTIONS_MAX = 50_000  # remembered; beyond it the older half is forgotten
LIVE = -1  # the request id of an execution that nobody asked for
BOUGHT = "BOT"
NO_CHARGES = schedule("zero")

Fill = OrderFilled | FillCorrected
Say = Callable[[OrderFilled | FillCorrected | ChargesReported], None]


class Executions:
    """``say`` takes fills, corrections and late charges; ``fees``: how charges are estimated, by our instrument id."""

    def __init__(
        self, link: Link, contracts: Contracts, names: OrderNames, later: Later, fees: Mapping[int, Schedule], say: Say
    ) -> None:
        self._link, self._contracts, self._names, self._later = link, contracts, names, later
        self._fees, self._say = fees, say
        self._costs: dict[str, CommissionReport] = {}
        self._held: dict[str, Fill] = {}
        self._told: dict[str, str] = {}  # execution -> order
        self._estimated: dict[str, None] = {}  # told with an estimate of their charges, which may never come
        self.newest_at = 0  # when the newest execution happened, by the exchange
        self.heard = 0  # how many came unasked
        link.callbacks.on("execDetails", self._execution)
        link.callbacks.on("commissionReport", self._cost)

    def _execution(self, request: int, contract: Contract, execution: Execution) -> None:
        if request != LIVE or execution.acctNumber != self._link.account or execution.execId in self._told:
            return
        fill = self.read(contract, execution)
        if fill is None:
            return
        self.heard += 1
        self._told[fill.execution] = fill.order
        self._held[fill.execution] = fill
        if fill.final:
            self.release()
        else:
            self._later.after(CHARGES_WAIT, lambda: self._release(fill.execution))
        _bound(self._told)

    def read(self, contract: Contract, execution: Execution) -> Fill | None:
        """An execution as a report; None, and told, for one that cannot be of our orders: another contract, or a fraction.

        What IB tells of a whole combination is none: its legs are.
        Its charges are IB's when IB has told them, else an estimate (``final`` false).
        """
        if contract.secType == BAG:
            return None
        known = self._contracts
        instrument = known.of_ours(contract) if execution.orderRef else known.instrument(contract.conId)
        if instrument is None:
            self._tell("foreign_execution", f"{contract.localSymbol}: {execution.side} {execution.shares:g} is not of our orders")
            return None
        if execution.shares != int(execution.shares):
            self._tell(
                "fractional_execution", f"{instrument.symbol}: {execution.shares:g} were executed: fractions are not traded here"
            )
            return None
        ref = leg_ref(execution.orderRef, contract_name(contract))
        sent = self._names.of(ref)
        self._elsewhere(contract, execution, sent)
        quantity, price = int(execution.shares), self._price(instrument, execution.price)
        charges, final = self._charges(execution, instrument, sent, quantity, price)
        self.newest_at = max(self.newest_at, microseconds(execution.time))
        now, at = self._link.clock.now(), microseconds(execution.time)
        order = ref or f"permId {execution.permId}"
        replaces = earlier(execution.execId)
        if replaces:
            return FillCorrected(
                at=now,
                order=order,
                execution=execution.execId,
                replaces=replaces,
                timestamp=at,
                quantity=quantity,
                price=price,
                charges=charges,
                final=final,
            )
        return OrderFilled(
            at=now,
            order=order,
            execution=execution.execId,
            timestamp=at,
            quantity=quantity,
            price=price,
            charges=charges,
            final=final,
        )

    def _elsewhere(self, contract: Contract, execution: Execution, sent: Sent | None) -> None:
        """An execution of our order in a contract that the order does not name counts, and a person must look at it."""
        name = contract_name(contract)
        wanted = () if sent is None else {sent.order.contract, "" if sent.far is None else sent.far.contract} - {""}
        if sent is not None and wanted and name not in wanted and execution.execId not in self._told:
            text = f"{execution.orderRef} is of {sent.order.contract}, and IB executed {execution.shares:g} of it in {name}"
            self._link.notifier.tell(self._link.clock.now(), "page", "other_contract", f"{text}: look at the account")

    def _price(self, instrument: Instrument, price: float) -> int:
        """In price units; a price between two units (midpoint fills) is the nearest one, and told."""
        nearest = instrument.units_nearest(price)
        if float(instrument.decimal(nearest)) != price:
            self._tell(
                "price_rounded",
                f"{instrument.symbol}: a fill at {price!r} lies between two price units and counts as "
                f"{instrument.text(nearest)}: list the instrument with more price_decimals",
            )
        return nearest

    def _charges(
        self, execution: Execution, instrument: Instrument, sent: Sent | None, quantity: int, price: int
    ) -> tuple[int, bool]:
        """Micros, and whether they are IB's own."""
        told = self._told_charges(execution.execId, instrument)
        rates = self._fees.get(instrument.id, NO_CHARGES)
        more = done(instrument, quantity, price, rates)
        side = Side.BUY if execution.side == BOUGHT else Side.SELL
        if sent is None:
            return (order_charges(side, more, rates), False) if told is None else (told, True)
        before = sent.done
        if execution.execId not in self._told and not earlier(execution.execId):
            sent.done = before.plus(more)
            sent.executed += quantity
        if told is not None:
            return told, True
        return order_charges(side, before.plus(more), rates) - order_charges(side, before, rates), False

    def _told_charges(self, execution: str, instrument: Instrument) -> int | None:
        cost = self._costs.get(execution)
        if cost is None:
            return None
        if cost.currency not in {"", instrument.currency}:
            self._tell(
                "charges_currency", f"{instrument.symbol}: charges of {execution} are in {cost.currency}: estimated instead"
            )
            return None
        return micros(cost.commission)

    def _cost(self, cost: CommissionReport) -> None:
        """What an execution cost; it may be of an execution that is held, was told, or is somebody else's."""
        execution = cost.execId
        self._costs[execution] = cost
        _bound(self._costs)
        held = self._held.get(execution)
        order = self._told.get(execution, "")
        sent = self._names.of(order)
        if sent is None:
            return
        charges = self._told_charges(execution, sent.instrument)
        if charges is None:
            return
        if held is not None:
            self._held[execution] = _priced(held, charges)
            self.release()
        elif execution in self._estimated:
            del self._estimated[execution]
            self._say(ChargesReported(self._link.clock.now(), order, execution, charges))

    def _release(self, execution: str) -> None:
        if execution in self._held:
            self.release()

    def release(self) -> None:
        """Tell what is held, in its order: what comes next must not overtake it."""
        held, self._held = self._held, {}
        for fill in held.values():
            if not fill.final:
                self._estimated[fill.execution] = None
            self._say(fill)
        _bound(self._estimated)

    def in_book(self, rows: list[tuple[Contract, Execution]]) -> tuple[Fill, ...]:
        """The executions of a book: of each and its corrections only the newest; charges still to come are told later."""
        mine = [(contract, e) for contract, e in rows if e.acctNumber == self._link.account]
        corrected = {old for _, execution in mine for old in earlier(execution.execId)}
        fills = []
        for contract, execution in mine:
            fill = None if execution.execId in corrected else self.read(contract, execution)
            if fill is None:
                continue
            self._told[fill.execution] = fill.order
            if not fill.final:
                self._estimated[fill.execution] = None
            fills.append(fill)
        _bound(self._told)
        _bound(self._estimated)
        return tuple(fills)

    def _tell(self, code: str, text: str) -> None:
        self._link.notifier.tell(self._link.clock.now(), "warning", code, text)


def earlier(execution: str) -> tuple[str, ...]:
    """The ids that an execution's id takes the place of: IB raises the number after the last dot with each correction."""
    root, _, version = execution.rpartition(".")
    if not (root and version.isdecimal()):
        return ()
    return tuple(f"{root}.{n:0{len(version)}d}" for n in range(1, int(version)))


def _priced(fill: Fill, charges: int) -> Fill:
    return msgspec.structs.replace(fill, charges=charges, final=True)


def _bound(kept: dict[str, str] | dict[str, CommissionReport] | dict[str, None]) -> None:
    if len(kept) > EXECUTIONS_MAX:
        for key in list(kept)[: EXECUTIONS_MAX // 2]:
            del kept[key]
