"""Whose an execution of a spread is, and which two orders of ours a BAG order is, from what IB repeats alone."""

import msgspec
import pytest
from ib_async.contract import ComboLeg, Contract
from ib_async.order import Order as IbOrder

from theo.adapters.ib.contracts import Contracts
from theo.adapters.ib.spreads import both_legs, leg_ref, own_ref, spread_ref
from theo.domain.orders import Order, OrderRole, OrderType, Side, TimeInForce, far_leg

NAMES = {11: "MESZ6", 22: "MESH7"}
NEAR = Order(
    id="paper1a2b3c-7-0",
    account="DU1",
    instrument=4,
    side=Side.SELL,
    type=OrderType.MARKET,
    quantity=2,
    tif=TimeInForce.DAY,
    role=OrderRole.CLOSE,
    trade="t",
    contract="MESZ6",
    spread="paper1a2b3c-7-1",
)
FAR = msgspec.structs.replace(
    NEAR, id="paper1a2b3c-7-1", side=Side.BUY, role=OrderRole.ENTRY, contract="MESH7", spread="paper1a2b3c-7-0"
)


class Listed(Contracts):
    """Two months, known without asking."""

    def __init__(self) -> None:
        """Nothing is looked up."""

    def name_of(self, con_id: int) -> str:
        """The month."""
        return NAMES.get(con_id, "")


def test_what_travels_names_both_orders() -> None:
    ref = spread_ref(NEAR, FAR)
    assert ref == "paper1a2b3c-7-0/MESH7"
    assert len(ref) < 40
    assert own_ref(ref) == NEAR.id
    assert (leg_ref(ref, "MESZ6"), leg_ref(ref, "MESH7")) == (NEAR.id, FAR.id)
    assert far_leg(NEAR.id) == FAR.id


def test_an_order_that_is_no_spread_is_itself() -> None:
    assert own_ref(NEAR.id) == leg_ref(NEAR.id, "MESH7") == NEAR.id
    assert own_ref("") == leg_ref("", "MESH7") == ""


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("first", [11, 22])
def test_a_bag_is_two_orders_in_whatever_way_it_is_told(turned: bool, first: int) -> None:  # noqa: FBT001 - what a case does
    """IB may list its legs in another order, and sell what we bought, turned around."""
    action = {11: "BUY" if turned else "SELL", 22: "SELL" if turned else "BUY"}
    told = [ComboLeg(conId=con_id, ratio=1, action=action[con_id]) for con_id in (first, 33 - first)]
    theirs = IbOrder(orderRef=spread_ref(NEAR, FAR), action="SELL" if turned else "BUY")
    read = msgspec.structs.replace(NEAR, side=Side(theirs.action), contract="", spread="")
    near, far = both_legs(theirs, Contract(secType="BAG", comboLegs=told), Listed(), read, None)
    assert (near.id, near.side, near.contract, near.spread) == (NEAR.id, Side.SELL, "MESZ6", FAR.id)
    assert (far.id, far.side, far.contract, far.spread) == (FAR.id, Side.BUY, "MESH7", NEAR.id)


def test_what_is_known_of_an_order_counts_where_ib_lists_no_legs() -> None:
    theirs = IbOrder(orderRef=spread_ref(NEAR, FAR), action="BUY")
    near, far = both_legs(theirs, Contract(secType="BAG"), Listed(), NEAR, NEAR)
    assert (near.side, near.contract, far.side, far.contract) == (Side.SELL, "MESZ6", Side.BUY, "MESH7")
