"""Changes of orders: what may change, what the exchange is told, and the incident in which the old order stays alive."""

import msgspec

from theo.gateway.desk import Desk
from theo.gateway.request_refused import RequestRefusedError
from theo.gateway.trading.dealing import Dealing
from theo.gateway.trading.faults import Fault
from theo.gateway.trading.placing import Placing
from theo.gateway.trading.terms import TRAILING, rejected
from theo.gateway.trading.triggers import is_simulated
from theo.gateway.trading.working import Phase, Worked

NO_MATCH = RequestRefusedError(105, "Order being modified does not match original order.")


class Changing:
    """Changes the orders of a dealing."""

    def __init__(self, dealing: Dealing, placing: Placing) -> None:
        self._dealing, self._placing = dealing, placing

    def change(self, desk: Desk, worked: Worked, wanted: Worked) -> None:
        """Give an order the values that its owner now wants. Raises RequestRefusedError, and it stays as it was."""
        self._check(desk, worked, wanted)
        transmits = worked.phase is Phase.DRAFT and wanted.order.transmit
        if worked.phase is not Phase.DRAFT and self._dealing.faults.use(Fault.SPLIT):
            self._split(desk, wanted)
            return
        before = worked.terms
        _adopt(worked, wanted)
        self._dealing.stale = True
        if transmits:
            self._placing.transmit(desk, worked)
        elif worked.phase is not Phase.DRAFT:
            self._carry_on(desk, worked, same_kind=_same_kind(before, worked.terms))

    def refuse_ended(self, worked: Worked) -> None:
        """Raises RequestRefusedError for an order that has ended: its number is used up."""
        if worked.phase is Phase.FILLED:
            raise RequestRefusedError(104, "Cannot modify a filled order.")
        raise RequestRefusedError(103, "Duplicate order id")

    def _check(self, desk: Desk, worked: Worked, wanted: Worked) -> None:
        if _named(worked) != _named(wanted):
            raise NO_MATCH
        if worked.terms.type != wanted.terms.type and worked.phase is not Phase.DRAFT:
            raise RequestRefusedError(329, "Order modify failed. Cannot change to the new order type.")
        if wanted.terms.quantity <= worked.filled:
            raise rejected(f"{worked.filled} of the order are filled")
        wanted.got, wanted.filled = dict(worked.got), worked.filled
        why = self._placing.objection(desk, wanted) if worked.phase not in {Phase.DRAFT, Phase.CHILD} else ""
        if why and wanted.terms.quantity > worked.terms.quantity:
            raise rejected(why)

    def _carry_on(self, desk: Desk, worked: Worked, *, same_kind: bool) -> None:
        """Where the order is, the new values count from now on."""
        dealing = self._dealing
        if worked.phase is Phase.CHILD:
            dealing.announcer.state(desk, worked)
        elif worked.phase is Phase.WORKING and same_kind:
            if worked.at_venue:
                dealing.floor.amend(worked, desk.now)
            dealing.announcer.state(desk, worked)
        else:
            dealing.withdraw(desk, worked)
            dealing.begin(desk, worked)

    def _split(self, desk: Desk, wanted: Worked) -> None:
        """A new order with the new values takes over the number; the old one lives on, and no client can name it."""
        blotter = self._dealing.blotter
        wanted.perm_id, wanted.got, wanted.filled = blotter.new_perm_id(), {}, 0
        blotter.add(wanted)
        self._dealing.begin(desk, wanted)


def _named(worked: Worked) -> object:
    """What a change cannot change."""
    legs = [(leg.con_id, leg.side) for leg in worked.legs]
    return worked.listing.con_id, legs, worked.terms.side, worked.parent, list(worked.shares)


def _adopt(worked: Worked, wanted: Worked) -> None:
    terms = wanted.terms
    if terms.type in TRAILING and terms.stop == worked.terms.stop:  # told where to stand once: not again
        terms = msgspec.structs.replace(terms, stop=None)
    elif terms.stop is not None and is_simulated(terms):
        worked.level = terms.stop if terms.type in TRAILING else None
    worked.order, worked.terms, worked.shares = wanted.order, terms, wanted.shares


def _same_kind(before: object, after: object) -> bool:
    """Whether only what the exchange can amend has changed: quantity and prices."""
    kept = [
        tuple(getattr(terms, name) for name in ("type", "tif", "outside_rth", "good_after", "oca_group", "oca_type"))
        for terms in (before, after)
    ]
    return kept[0] == kept[1]
