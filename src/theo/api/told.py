"""Decisions and their outcomes as answers: theo.report.told, with exact decimals for money."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from theo.api.described import example
from theo.api.values import DecimalText
from theo.domain.instrument import CASH_DECIMALS
from theo.report.told import Answer

_CENTS: Final = 2


def _money(amount: object) -> str:
    """Money that was divided from whole micros, as the decimal that it was: two decimals at least."""
    assert isinstance(amount, float | int)
    exact = round(Decimal(repr(amount)), CASH_DECIMALS).normalize()
    return f"{exact:.{_CENTS}f}" if exact == round(exact, _CENTS) else f"{exact:f}"


def _or_none(text: object) -> object:
    """What is told as an empty text is not there."""
    return text or None


Money = Annotated[DecimalText, BeforeValidator(_money)]
Price = Annotated[DecimalText | None, BeforeValidator(_or_none)]


class _Told(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class FillOut(_Told):
    """One execution."""

    at: datetime
    side: str
    quantity: int
    price: DecimalText
    charges: Money


class OrderOut(_Told):
    """One order and its fills. `price` holds its limit, stop or trail; empty for a market order."""

    id: str
    role: str
    side: str
    type: str
    quantity: int
    price: str
    tif: str
    status: str
    reason: str
    fills: list[FillOut]


class TradeOut(_Told):
    """A trade and its orders; `closed` is null while it is open, `how` says how it was closed."""

    id: str
    side: str
    quantity: int
    status: str
    how: str
    opened: datetime
    closed: Annotated[datetime | None, BeforeValidator(_or_none)]
    gross: Money
    charges: Money
    risk: Money = Field(description="The planned loss at the stop.")
    orders: list[OrderOut]


class RefusalOut(_Told):
    """The rule that refused, the value that it saw, and the limit that it holds."""

    rule: str
    value: float | None
    limit: float | None


class OutcomeOut(_Told):
    """A signal of the decision, and what became of it."""

    id: str
    kind: str
    symbol: str
    side: str
    type: str
    entry: Price
    stop: Price
    target: Price
    reason: str
    status: str
    status_reason: str
    refused: RefusalOut | None
    trades: list[TradeOut]


class DecisionOut(_Told):
    """One rule set's look at the bar: the explanation, line by line, and the signals that it raised."""

    config: str = Field(serialization_alias="strategy")
    version: str
    timeframe: str
    verdict: str
    explanation: list[str]
    signals: list[OutcomeOut]


_EXAMPLE: Final[JsonValue] = {
    "run": "own",
    "symbol": "MES",
    "end": "2018-02-05T20:45:00Z",
    "decisions": [
        {
            "strategy": "mes-vix-inverse",
            "version": "1f0c9a2b7d3e",
            "timeframe": "15min",
            "verdict": "no signal",
            "explanation": ["long entry: does not hold", "  no      close breaks above swing(2).high: close 2651.75, ..."],
            "signals": [],
        }
    ],
}


class DecisionsOut(_Told):
    """What was decided at the end of one bar, by each rule set that looks at the symbol."""

    model_config = ConfigDict(**example(_EXAMPLE), from_attributes=True)

    run: str
    symbol: str
    end: datetime
    decisions: list[DecisionOut]


def decisions_out(answer: Answer) -> DecisionsOut:
    """The answer for clients."""
    return DecisionsOut.model_validate(answer)
