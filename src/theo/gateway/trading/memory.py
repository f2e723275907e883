"""A trading room's whole state as plain values, and back: orders, numbers and the exchange's books outlive the gateway."""

from collections.abc import Mapping
from typing import TypedDict

import msgspec

from theo.domain.errors import CorruptionError
from theo.gateway.desk import ContractBook, Listing
from theo.gateway.trading.blotter import Deal
from theo.gateway.trading.dealing import Dealing
from theo.gateway.trading.faults import Faults
from theo.gateway.trading.working import LIVE, Progress, Worked
from theo.gateway.wire.codec import codec
from theo.gateway.wire.frames import LENGTH_BYTES
from theo.gateway.wire.messages.orders import PlaceOrder
from theo.gateway.wire.schema import VERSION_MAX, Direction


class Remembered(TypedDict):
    """The state of a trading room."""

    venue: object
    orders: list[dict[str, object]]
    deals: list[Deal]
    faults: Faults
    next_ids: dict[int, int]
    names: list[tuple[int, int, int]]
    perm_ids: int
    numbers: int
    held: bool


def remember(dealing: Dealing) -> object:
    """Everything, as values that JSON and MessagePack can hold."""
    blotter = dealing.blotter
    state: Remembered = {
        "venue": dealing.floor.venue.state(),
        "orders": [_plain(worked) for worked in blotter.orders.values()],
        "deals": blotter.deals,
        "faults": dealing.faults,
        "next_ids": blotter.next_ids,
        "names": blotter.named(),
        "perm_ids": blotter.perm_ids,
        "numbers": blotter.numbers,
        "held": dealing.announcer.held,
    }
    return msgspec.to_builtins(state, str_keys=True)


def revive(dealing: Dealing, contracts: ContractBook, state: object) -> None:
    """Go on with this state. Raises CorruptionError when it is none, or of contracts that are not listed any more."""
    try:
        found = msgspec.convert(state, Remembered, str_keys=True, strict=False)
        orders = [_order(contracts, row) for row in found["orders"]]
    except (msgspec.ValidationError, KeyError, TypeError, ValueError) as error:
        raise CorruptionError(
            f"the gateway's orders cannot be read: {error}",
            why="they are damaged, of another version, or of contracts that are not listed",
            remedy="Start anew",
        ) from error
    blotter = dealing.blotter
    blotter.deals, blotter.next_ids = found["deals"], found["next_ids"]
    blotter.perm_ids, blotter.numbers = found["perm_ids"], found["numbers"]
    blotter.revive(orders, found["names"])
    dealing.faults, dealing.announcer.held, dealing.stale = found["faults"], found["held"], True
    for worked in orders:
        if worked.phase in LIVE:
            dealing.floor.list_listing(worked.listing)
    dealing.floor.venue.restore(found["venue"])


def _plain(worked: Worked) -> dict[str, object]:
    """Its contract and order as the client's own message: they hold what has no plain form, such as conditions."""
    message = codec(VERSION_MAX).encode(PlaceOrder(worked.contract, worked.order))[LENGTH_BYTES:]
    progress = Progress(**{name: getattr(worked, name) for name in Progress.__struct_fields__})
    return {"progress": msgspec.to_builtins(progress), "message": message.decode()}


def _order(contracts: ContractBook, row: Mapping[str, object]) -> Worked:
    message = codec(VERSION_MAX).decode(Direction.REQUEST, str(row["message"]).encode())
    if not isinstance(message, PlaceOrder):
        raise TypeError("an order is not readable")
    progress = msgspec.convert(row["progress"], Progress)
    legs = [_listing(contracts, leg.con_id) for leg in progress.legs]
    listing = legs[0] if legs else _listing(contracts, message.contract.con_id)
    fields = {name: getattr(progress, name) for name in Progress.__struct_fields__}
    return Worked(listing=listing, contract=message.contract, order=message.order, leg_listings=tuple(legs), **fields)


def _listing(contracts: ContractBook, con_id: int) -> Listing:
    listing = contracts.listing(con_id)
    if listing is None:
        raise KeyError(f"conId {con_id}")
    return listing
