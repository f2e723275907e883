"""Ticks from a minute's events: bid, ask, and the trade or index value."""

from collections.abc import Sequence

import msgspec
import numpy as np

from theo.domain.instrument import SecurityType
from theo.domain.market_data import Tick, TickKind
from theo.gateway.market.draws import Ints
from theo.gateway.market.traded import Events, Traded

SOURCE = "synthetic"
TICKS_AN_EVENT = 3


class TickRows(msgspec.Struct, frozen=True):
    """Ticks as columns, in order of time; ``seq`` counts those of one contract at one time."""

    at: Ints
    instrument: Ints
    seq: Ints
    kind: Ints
    price: Ints
    volume: Ints


def tick_rows(traded: Traded, minute: int) -> TickRows:
    """The ticks of a contract within a minute since 1970."""
    events = traded.events(minute)
    count = len(events.at)
    con_id = traded.listing.con_id
    if traded.kind is SecurityType.IND:
        same = np.zeros(count, dtype=np.int64)
        return TickRows(events.at, same + con_id, same, same + TickKind.INDEX, events.price, same)
    kind, price, volume = _three(events, traded.bid_before(minute))
    keep = np.ones((count, TICKS_AN_EVENT), dtype=np.bool_)
    keep[:, 2] = events.trades
    flat = keep.ravel()
    at = np.repeat(events.at, TICKS_AN_EVENT)[flat]
    seq = np.tile(np.arange(TICKS_AN_EVENT), count)[flat]
    return TickRows(at, np.full(len(at), con_id), seq, kind.ravel()[flat], price.ravel()[flat], volume.ravel()[flat])


def _three(events: Events, bid_before: int) -> tuple[Ints, Ints, Ints]:
    """Kind, price and size of each event's ticks: of a rise the ask is told first, so that quotes never cross."""
    rises = np.diff(events.bid, prepend=bid_before) > 0
    kind = np.empty((len(events.at), TICKS_AN_EVENT), dtype=np.int64)
    price, volume = np.empty_like(kind), np.empty_like(kind)
    kind[:, 0] = np.where(rises, TickKind.ASK, TickKind.BID)
    kind[:, 1] = np.where(rises, TickKind.BID, TickKind.ASK)
    kind[:, 2] = TickKind.TRADE
    price[:, 0] = np.where(rises, events.ask, events.bid)
    price[:, 1] = np.where(rises, events.bid, events.ask)
    price[:, 2] = events.price
    volume[:, 0] = np.where(rises, events.ask_size, events.bid_size)
    volume[:, 1] = np.where(rises, events.bid_size, events.ask_size)
    volume[:, 2] = events.volume
    return kind, price, volume


def ticks(rows: Sequence[TickRows], after: int, until: int) -> list[Tick]:
    """The ticks of several contracts with ``after`` < time <= ``until``, by time, then in the order given."""
    if not rows:
        return []
    at = np.concatenate([each.at for each in rows])
    order = np.argsort(at, kind="stable")
    order = order[(at[order] > after) & (at[order] <= until)]
    columns = [
        np.concatenate([getattr(each, name) for each in rows])[order].tolist()
        for name in ("instrument", "at", "seq", "kind", "price", "volume")
    ]
    return [
        Tick(instrument, at_, at_, seq, kind, price, volume, 0, 0, SOURCE)
        for instrument, at_, seq, kind, price, volume in zip(*columns, strict=True)
    ]
