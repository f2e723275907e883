"""What goes on in a gateway, as one value: for a screen, a line of a log, and the admin port."""

from collections import Counter

import msgspec

from theo.gateway.building import Gateway
from theo.gateway.client import Client
from theo.gateway.desk import NEVER
from theo.gateway.times import with_zone
from theo.gateway.trading.working import Worked

PLAYED_SHOWN = 20  # incidents, the newest


class ClientView(msgspec.Struct, frozen=True):
    """A connection; ``id`` and ``version`` are None and 0 before it has told them. Messages are counted from its beginning."""

    number: int
    id: int | None
    version: int
    address: str
    requests: int
    messages: int
    subscriptions: int
    waiting_bytes: int


class SymbolView(msgspec.Struct, frozen=True):
    """How many subscriptions of each kind a contract has. ``kept`` is history that is kept up to date."""

    symbol: str
    lines: int
    ticks: int
    bars: int
    books: int
    kept: int


class OrderView(msgspec.Struct, frozen=True):
    """An order that is not finished, in IB's words. Prices as prices, None where it has none."""

    perm_id: int
    client_id: int
    order_id: int
    symbol: str
    side: str
    type: str
    quantity: int
    filled: int
    limit: float | None
    stop: float | None
    status: str


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """``now``: microseconds UTC of the gateway; ``when``: the same as text in the zone of its login.

    ``behind``: by how much its time is behind its clock's, because more happens than the machine can work off (microseconds).
    ``data_ended``: the market has nothing more to come. ``lasting``: incidents that have begun and not ended; ``waiting``: those
    that wait for an order; ``played``: when which began or ended, the newest last; ``failed``: when which could not, and why.
    """

    now: int
    when: str
    behind: int
    data_ended: bool
    clients: tuple[ClientView, ...]
    symbols: tuple[SymbolView, ...]
    orders: tuple[OrderView, ...]
    lasting: tuple[str, ...]
    played: tuple[tuple[int, str], ...]
    waiting: tuple[str, ...] = ()
    failed: tuple[tuple[int, str, str], ...] = ()


def overview(gateway: Gateway, behind: int = 0) -> Overview:
    """What goes on now."""
    simulator = gateway.simulator
    desk = simulator.desk
    return Overview(
        now=desk.now,
        when=with_zone(desk.now, desk.settings.time_zone),
        behind=behind,
        data_ended=desk.market.next_at() >= NEVER,
        clients=tuple(_client(gateway, client) for client in simulator.clients.values()),
        symbols=_symbols(gateway),
        orders=tuple(_order(worked) for worked in gateway.trading.unfinished),
        lasting=gateway.incidents.lasting,
        waiting=gateway.incidents.waiting,
        failed=tuple(gateway.incidents.failed[-PLAYED_SHOWN:]),
        played=tuple(gateway.incidents.played[-PLAYED_SHOWN:]),
    )


def _client(gateway: Gateway, client: Client) -> ClientView:
    served = len(gateway.streams.subscriptions(client)) + len(gateway.history.subscriptions(client))
    return ClientView(
        client.number,
        client.id,
        client.link.version or 0,
        client.address,
        client.requests,
        client.messages,
        served,
        client.waiting_bytes,
    )


def _symbols(gateway: Gateway) -> tuple[SymbolView, ...]:
    """By the number of the contract."""
    streams = gateway.streams
    registers = (streams.lines.register, streams.ticks.register, streams.bars.register, streams.depth.register)
    counts = [Counter(each.listing.con_id for each in register) for register in registers]
    counts.append(Counter(each.listing.con_id for each in gateway.history.subscriptions()))
    con_ids = sorted({con_id for count in counts for con_id in count})
    names = {con_id: _name(gateway, con_id) for con_id in con_ids}
    return tuple(SymbolView(names[con_id], *(count[con_id] for count in counts)) for con_id in con_ids)


def _name(gateway: Gateway, con_id: int) -> str:
    listing = gateway.simulator.desk.contracts.listing(con_id)
    return str(con_id) if listing is None else listing.contract.local_symbol


def _order(worked: Worked) -> OrderView:
    unit = 10**worked.listing.instrument.price_decimals
    terms = worked.terms
    return OrderView(
        worked.perm_id,
        worked.client_id,
        worked.order_id,
        worked.listing.contract.local_symbol,
        terms.side.name,
        terms.type,
        terms.quantity,
        worked.filled,
        None if terms.limit is None else terms.limit / unit,
        None if terms.stop is None else terms.stop / unit,
        worked.status,
    )
