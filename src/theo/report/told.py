"""What was decided and what became of it, as values that people and machines are told: made from the records alone."""

import msgspec


class FillTold(msgspec.Struct, frozen=True, kw_only=True):
    """One execution; ``at`` in UTC, ``charges`` in the account's currency."""

    at: str
    side: str
    quantity: int
    price: str
    charges: float


class OrderTold(msgspec.Struct, frozen=True, kw_only=True):
    """One order and its fills; ``price`` is its limit, stop or trail, "" for a market order."""

    id: str
    role: str
    side: str
    type: str
    quantity: int
    price: str
    tif: str
    status: str
    reason: str
    fills: list[FillTold]


class TradeTold(msgspec.Struct, frozen=True, kw_only=True):
    """A trade and its orders; times in UTC, money in the account's currency."""

    id: str
    side: str
    quantity: int
    status: str
    how: str
    opened: str
    closed: str
    gross: float
    charges: float
    risk: float
    orders: list[OrderTold]


class Refusal(msgspec.Struct, frozen=True):
    """The rule that refused, the value it saw and the limit it holds."""

    rule: str
    value: float | None
    limit: float | None


class SignalTold(msgspec.Struct, frozen=True, kw_only=True):
    """A signal and what became of it: a refusal, a trade it opened, or trades it asked to close."""

    id: str
    kind: str
    symbol: str
    side: str
    type: str
    entry: str
    stop: str
    target: str
    reason: str
    status: str
    status_reason: str
    refused: Refusal | None
    trades: list[TradeTold]


class Told(msgspec.Struct, frozen=True):
    """One decision: the rule set, the explanation in lines, and the signals that it raised."""

    config: str
    version: str
    timeframe: str
    verdict: str
    explanation: list[str]
    signals: list[SignalTold]


class Answer(msgspec.Struct, frozen=True):
    """What is known of one bar end in one run; ``end`` in UTC."""

    run: str
    symbol: str
    end: str
    decisions: list[Told]
