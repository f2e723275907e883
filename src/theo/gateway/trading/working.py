"""An order of this gateway from its placement to its end, and the table of what may become of it."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import msgspec

from theo.domain.orders import OcaType, Side
from theo.gateway.desk import NEVER, Listing
from theo.gateway.trading.terms import STOPS, TOUCHED, Terms
from theo.gateway.wire.messages.contract import Contract
from theo.gateway.wire.messages.order import Order


class Phase(StrEnum):
    """Where an order is."""

    DRAFT = "draft"  # not transmitted: nobody but this gateway knows it
    CHILD = "child"  # its parent is not wholly filled
    TIMED = "timed"  # its time, or its market's, has not come
    ARMED = "armed"  # a price, a time or a volume is waited for
    WORKING = "working"  # at the exchange
    FILLED = "filled"
    CANCELLED = "cancelled"
    INACTIVE = "inactive"  # rejected after it was taken


_ENDS = frozenset({Phase.CANCELLED, Phase.INACTIVE})
FOLLOWS: Mapping[Phase, frozenset[Phase]] = MappingProxyType({
    Phase.DRAFT: _ENDS | {Phase.CHILD, Phase.TIMED, Phase.ARMED, Phase.WORKING},
    Phase.CHILD: _ENDS | {Phase.TIMED, Phase.ARMED, Phase.WORKING},
    Phase.TIMED: _ENDS | {Phase.TIMED, Phase.ARMED, Phase.WORKING, Phase.FILLED},
    Phase.ARMED: _ENDS | {Phase.TIMED, Phase.ARMED, Phase.WORKING, Phase.FILLED},
    Phase.WORKING: _ENDS | {Phase.TIMED, Phase.ARMED, Phase.WORKING, Phase.FILLED},
    Phase.FILLED: frozenset(),
    Phase.CANCELLED: frozenset(),
    Phase.INACTIVE: frozenset(),
})  # fmt: skip
LIVE = frozenset({Phase.CHILD, Phase.TIMED, Phase.ARMED, Phase.WORKING})
FILLABLE = LIVE - {Phase.CHILD}
ENDED = frozenset({Phase.FILLED, Phase.CANCELLED, Phase.INACTIVE})
STATUS: Mapping[Phase, str] = MappingProxyType({
    Phase.DRAFT: "ApiPending",
    Phase.CHILD: "PreSubmitted",
    Phase.TIMED: "PreSubmitted",
    Phase.ARMED: "PreSubmitted",
    Phase.WORKING: "Submitted",
    Phase.FILLED: "Filled",
    Phase.CANCELLED: "Cancelled",
    Phase.INACTIVE: "Inactive",
})  # fmt: skip


class Leg(msgspec.Struct):
    """A leg of a spread. ``seen``: its market has moved since the order is at the exchange."""

    con_id: int
    side: Side
    seen: bool = False


class Progress(msgspec.Struct, kw_only=True):
    """What is known of an order beside what its client sent, as plain values.

    ``perm_id`` is for life, ``order_id`` its owner's number of it; ``shares`` is what each account is to get. ``parent``: permId,
    0 without. ``venue_orders``: how many times it went to the exchange, each with an id of its own; ``before``: what was filled
    when it last went. ``triggered``: its price was touched and it is a market or limit order now; ``level``: where a stop
    stands, or a pegged order bids. ``turnover``: sum of price x quantity, price units. ``legs``: those of a spread, which this
    gateway matches itself.
    """

    perm_id: int
    client_id: int
    order_id: int
    terms: Terms
    shares: dict[str, int]
    phase: Phase = Phase.DRAFT
    parent: int = 0
    closed: bool = False  # waits for its market to open
    release_at: int = 0
    expires_at: int = NEVER
    venue_orders: int = 0
    before: int = 0
    triggered: bool = False
    stop_hit: bool = False  # the exchange has triggered it
    level: int | None = None
    filled: int = 0
    turnover: int = 0
    last_price: int = 0
    ended_at: int = 0
    why: str = ""
    silent: bool = False  # nothing is told of it unasked: an incident
    manual: bool = False  # typed into TWS
    reject_at: int = NEVER  # when error 201 follows; NEVER unless that is still to come
    tell_at: int = NEVER  # when a silent order is told of after all; NEVER unless that is still to come
    got: dict[str, int] = {}  # by account
    legs: list[Leg] = []


class Worked(Progress, kw_only=True):
    """One order: what its client sent, the contract it is for, and what has become of it.

    Of a spread ``listing`` is that of its first leg.
    """

    listing: Listing
    contract: Contract
    order: Order
    leg_listings: tuple[Listing, ...] = ()

    def traded(self, leg: int) -> tuple[Listing, Side]:
        """What an execution of it is of: a leg, counted from 1, or 0 for an order that has none."""
        return (self.leg_listings[leg - 1], self.legs[leg - 1].side) if leg else (self.listing, self.terms.side)

    @property
    def at_venue(self) -> bool:
        """Whether the exchange of single contracts works it."""
        return self.phase is Phase.WORKING and not self.legs

    @property
    def remaining(self) -> int:
        """What may still be filled."""
        return self.terms.quantity - self.filled

    @property
    def owes_word(self) -> bool:
        """Whether its owner is still to be told why it was rejected, or of it at all."""
        return self.reject_at != NEVER or self.tell_at != NEVER

    @property
    def venue_id(self) -> str:
        """Its id at the exchange, of the last time it went there."""
        return f"{self.perm_id}.{self.venue_orders}"

    @property
    def status(self) -> str:
        """Its state in IB's words."""
        if self.phase is Phase.TIMED and self.closed:
            return "PendingSubmit"
        if self.phase is Phase.WORKING and self.terms.type in STOPS and not (self.triggered or self.stop_hit):
            return "PreSubmitted"
        return STATUS[self.phase]

    @property
    def why_held(self) -> str:
        """What it waits for, in IB's words."""
        waits_for_price = self.terms.type in STOPS | TOUCHED and not (self.triggered or self.stop_hit)
        words = ["child"] if self.phase is Phase.CHILD else []
        return ",".join([*words, "trigger"] if waits_for_price and self.phase in LIVE else words)

    @property
    def average_price(self) -> float:
        """Price units; 0 before the first execution."""
        return self.turnover / self.filled if self.filled else 0.0

    @property
    def group(self) -> tuple[str, OcaType]:
        """Its OCA group as the exchange knows it: the client's own, or that of its brothers in a bracket."""
        if self.terms.oca_group:
            return f"{self.client_id}:{self.terms.oca_group}", self.terms.oca_type
        return (f"bracket {self.parent}", OcaType.REDUCE_NON_BLOCK) if self.parent else ("", OcaType.NONE)

    def become(self, phase: Phase) -> None:
        """Move along the table; raises ValueError for a step that it does not have (our bug)."""
        if phase not in FOLLOWS[self.phase]:
            raise ValueError(f"order {self.perm_id} is {self.phase} and cannot become {phase}")
        self.phase = phase
