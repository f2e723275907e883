"""The public words for facts: a small vocabulary that stays, with prices and money as exact decimals, and times as ISO 8601.

Decisions are no events: there is one a bar and rule set, and /api/decisions tells them. Other facts that are left out are steps
on the way to one that is told.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

import msgspec

from theo.api.sources import RecordedFact
from theo.api.values import EPOCH, decimal_text, moment, price_text
from theo.domain import facts as f
from theo.domain.approval import Approved, Refused
from theo.domain.instrument import CASH_DECIMALS, Instrument
from theo.domain.keys import Key
from theo.domain.orders import Amendment, Ticket
from theo.domain.signals import Exit, Proposal, UnderlyingExits

Plain = str | int | bool | None | list[str]
KINDS: Final[Mapping[type, str]] = MappingProxyType(
    {
        f.RunStarted: "run_started",
        f.Restarted: "restarted",
        f.SignalRaised: "signal_raised",
        f.SignalCreated: "signal_created",
        f.SignalClosed: "signal_closed",
        f.TradeIntended: "trade_intended",
        f.OrdersIntended: "orders_intended",
        f.OrderMoved: "order_moved",
        f.Filled: "fill",
        f.FillRevised: "fill_revised",
        f.TradeClosed: "trade_closed",
        f.Rolled: "rolled",
        f.LegRolled: "leg_rolled",
        f.DayBegan: "day_began",
        f.BreakerTripped: "breaker_tripped",
        f.BreakerReset: "breaker_reset",
        f.ScanPaused: "scan_paused",
        f.ScanResumed: "scan_resumed",
        f.Halted: "halted",
        f.Resumed: "resumed",
        f.LinkKnown: "link",
        f.Differed: "books_differ",
        f.Reconciled: "books_compared",
        f.PositionAdopted: "position_adopted",
        f.Alerted: "alert",
        f.CommandDone: "command_done",
        f.DataKnown: "data",
    }
)
# How the fields of those facts are told, by their names; a test holds that each is in exactly one of them.
AS_THEY_ARE: Final = frozenset(
    {
        *("id", "trade", "order", "orders", "signal", "execution", "replaces", "contract", "previous", "broker_id", "broker"),
        *("client_id", "handle", "name", "actor", "reason", "status", "how", "event", "build", "severity", "code", "text", "why"),
        *("kind", "subject", "ours", "theirs", "done", "side", "role", "type", "mark", "quantity", "rolled_deals", "differences"),
        *("reopened", "carried", "up", "agreed", "accepted", "ahead", "config"),
    }
)
MONEY: Final = frozenset({"cash", "risk", "value", "charges", "gross", "equity", "rolled_gross", "rolled_charges"})
PRICES: Final = frozenset({"entry", "stop", "target", "price", "difference"})
TIMES: Final = frozenset({"timestamp", "holds_until", "end", "since", "created_at", "expires_at"})
DATES: Final = frozenset({"day"})
PARTS: Final = frozenset({"key", "action", "approved", "refused", "exits"})  # told by what they hold
NO_INSTRUMENT: Final = 0  # no id is
# ``at`` and ``instrument`` are the event's own; a sum of prices is no price; the world is too long, and /api/strategies tells it;
# what was asked for is told as the action that it became.
LEFT_OUT: Final = frozenset({"at", "instrument", "world", "entry_sum", "exit_sum", "turnover", "asked"})


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event. ``id`` is its record and its place there; ``symbol`` "" where the fact names no instrument; times ISO 8601."""

    id: str
    kind: str
    at: str
    symbol: str
    data: dict[str, Plain]


def event_of(recorded: RecordedFact, instruments: Mapping[int, Instrument]) -> Event | None:
    """The event of a fact, None for one that is none. What the run does not know has no symbol, and its prices are not told."""
    kind = KINDS.get(type(recorded.fact))
    if kind is None:
        return None
    of = recorded.fact.action if isinstance(recorded.fact, f.SignalRaised | f.SignalCreated) else recorded.fact
    instrument = instruments.get(getattr(of, "instrument", NO_INSTRUMENT))
    return Event(
        id=f"{recorded.seq}.{recorded.place}",
        kind=kind,
        at=_time(recorded.at),
        symbol="" if instrument is None else instrument.symbol,
        data=dict(_told(recorded.fact, instrument, instruments)),
    )


def _told(
    struct: msgspec.Struct, instrument: Instrument | None, instruments: Mapping[int, Instrument]
) -> Iterator[tuple[str, Plain]]:
    for name in struct.__struct_fields__:
        value = getattr(struct, name)
        if name in PARTS:
            yield from _part(value, instrument, instruments)
        elif name in AS_THEY_ARE:
            yield name, _as_it_is(value)
        elif name in PRICES and instrument is not None:
            yield name, None if value is None else price_text(value, instrument)
        elif name in _WRITTEN:
            yield name, _WRITTEN[name](value)


def _part(part: object, instrument: Instrument | None, instruments: Mapping[int, Instrument]) -> Iterator[tuple[str, Plain]]:
    match part:
        case Key():
            yield from (("account", part.account), ("mode", str(part.mode)))
            if part.config:
                yield from (("strategy", part.config), ("version", part.config_version))
        case Proposal() | Exit():
            yield "action", "entry" if isinstance(part, Proposal) else "exit"
            yield from _told(part, instrument, instruments)
        case Approved(subject=Ticket(orders=orders)):
            yield "orders", [order.id for order in orders]
        case Approved(subject=Amendment(order=order)):
            yield "orders", [order]
        case UnderlyingExits(instrument=one) if one in instruments:
            under = instruments[one]
            yield "underlying", under.symbol
            yield "underlying_stop", price_text(part.stop, under)
            yield "underlying_target", None if part.target is None else price_text(part.target, under)
        case Refused():
            yield from (("rule", part.rule), ("refusal", part.text))


def _as_it_is(value: object) -> Plain:
    if isinstance(value, tuple):
        return [str(each) for each in value]
    return value if value is None or isinstance(value, bool | int) else str(value)


def _time(at: int) -> str:
    return moment(at).isoformat().replace("+00:00", "Z")


def _known_time(at: int) -> Plain:
    """0 is a time that nobody knows."""
    return _time(at) if at else None


def _date(day: int) -> Plain:
    return (EPOCH + timedelta(days=day)).date().isoformat()


def _money(amount: int) -> Plain:
    return decimal_text(amount, CASH_DECIMALS)


_WRITTEN: Final[Mapping[str, Callable[[int], Plain]]] = MappingProxyType(
    dict.fromkeys(MONEY, _money) | dict.fromkeys(TIMES, _known_time) | dict.fromkeys(DATES, _date)
)
