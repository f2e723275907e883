"""`/api/signals` and `/api/decisions`: what strategies proposed, what became of it, and why, months later."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path
from fastapi import Query as QueryOf
from pydantic import BaseModel, Field, JsonValue

from theo.api.cursors import PageQuery, Query
from theo.api.described import example
from theo.api.market_data import EVER, WORD_LETTERS_MAX
from theo.api.problems import problem_answers
from theo.api.reading import NoParameters, Read, named
from theo.api.sources import Sources
from theo.api.told import DecisionsOut, decisions_out
from theo.api.values import AskedTime, DecimalText, micros, moment, price_text
from theo.domain.errors import NotThereError
from theo.domain.instrument import Instrument
from theo.ports.market_store import Cell, SignalPage

router = APIRouter(prefix="/api", tags=["signals and decisions"])
Status = Literal["PENDING", "VALIDATED", "EXECUTED", "CANCELLED", "FAILED"]

SIGNAL: Final[dict[str, JsonValue]] = {
    "id": "k3x9-5120-0",
    "strategy": "mes-vix-inverse",
    "strategy_version": "1f0c9a2b7d3e",
    "kind": "entry",
    "symbol": "MES",
    "bar_end": "2018-02-05T20:45:00Z",
    "side": "BUY",
    "order_type": "MARKET",
    "entry": "2651.75",
    "stop": "2640.00",
    "target": "2675.25",
    "quantity": 4,
    "reason": "long entry",
    "status": "EXECUTED",
    "status_reason": "",
    "refused": None,
    "account": "SIM",
    "mode": "backtest",
    "run": "own",
    "user": "owner",
    "scan": 3,
    "exchange": "CME",
    "product_type": "MARGIN",
    "contract_size": 1,
    "active": False,
    "created": "2018-02-05T20:45:00Z",
    "updated": "2018-02-05T20:45:01Z",
    "expires": None,
}


class Refused(BaseModel):
    """The rule that refused, the value that it saw, and the limit that it holds."""

    rule: str
    value: float | None
    limit: float | None


class SignalOut(BaseModel):
    """A proposal of a strategy at the end of a bar, or a person's. Prices are null where an exit has none."""

    model_config = example(SIGNAL)

    id: str
    strategy: str
    strategy_version: str
    kind: Literal["entry", "exit"]
    symbol: str
    bar_end: datetime
    side: str = Field(description="BUY or SELL; empty for an exit.")
    order_type: str
    entry: DecimalText | None
    stop: DecimalText | None
    target: DecimalText | None
    quantity: int = Field(description="Of its trade; before, what was asked for, 0 where the risk of the account sizes it.")
    reason: str
    status: Status
    status_reason: str
    refused: Refused | None
    account: str
    mode: str
    run: str
    user: str
    scan: int | None = Field(description="Number of the stored scan; null where its rules came from elsewhere.")
    exchange: str | None
    product_type: Literal["MARGIN", "CASH"] | None
    contract_size: int | None = Field(description="The smallest step of a quantity.")
    active: bool = Field(description="Not at its end: PENDING or VALIDATED.")
    created: datetime = Field(description="The end of the bar on which it was decided, or when a person asked for it.")
    updated: datetime
    expires: datetime | None


class Signals(BaseModel):
    """A page of signals, newest first. `next` is null at the end."""

    model_config = example({"signals": [SIGNAL], "next": None})

    signals: list[SignalOut]
    next: str | None


class SignalsQuery(PageQuery):
    """Which signals; what is left away means every one."""

    strategy: str = Field(default="", max_length=WORD_LETTERS_MAX, description="Only of this rule set.")
    symbol: str = Field(default="", max_length=WORD_LETTERS_MAX, description="Only on this instrument.")
    status: Status | None = None
    start: AskedTime | None = Field(default=None, alias="from", description="Ends of bars from here on.")
    end: AskedTime | None = Field(default=None, alias="to", description="Ends of bars before this.")


class DecisionsQuery(Query):
    """One bar of a symbol."""

    symbol: str = Field(max_length=WORD_LETTERS_MAX, examples=["MES"])
    at: AskedTime = Field(description="The end of the bar.")
    strategy: str = Field(default="", max_length=WORD_LETTERS_MAX, description="Only of this rule set.")


SignalId = Annotated[str, Path(max_length=WORD_LETTERS_MAX, description="A signal's id.", examples=["k3x9-5120-0"])]


@router.get("/signals", summary="Signals, newest first", responses=problem_answers(404))
async def signals(read: Read, asked: Annotated[SignalsQuery, QueryOf()]) -> Signals:
    """Every signal of the run with what became of it, page by page."""
    return await read.run(lambda: _signals(read.sources, asked))


@router.get("/signals/{id}", summary="One signal", responses=problem_answers(404), dependencies=[NoParameters])
async def signal(read: Read, id: SignalId) -> SignalOut:  # noqa: A002 - the name in the path
    """A signal by its id."""
    return await read.run(lambda: one_signal(read.sources, id))


@router.get(
    "/signals/{id}/decision", summary="Why a signal was raised", responses=problem_answers(404), dependencies=[NoParameters]
)
async def decision_of_signal(read: Read, id: SignalId) -> DecisionsOut:  # noqa: A002 - the name in the path
    """The decision behind a signal: each condition with its numbers, and the orders and fills that followed."""
    return decisions_out(await read.run(lambda: read.sources.decisions.of_signal(id)))


@router.get("/decisions", summary="What was decided at the end of a bar", responses=problem_answers(404))
async def decisions(read: Read, asked: Annotated[DecisionsQuery, QueryOf()]) -> DecisionsOut:
    """Every decision on a symbol at a bar's end, also where nothing happened: each condition, its numbers, the verdict."""
    end = micros(asked.at)
    return decisions_out(await read.run(lambda: read.sources.decisions.at(asked.symbol, end, asked.strategy)))


def _signals(sources: Sources, asked: SignalsQuery) -> Signals:
    store = sources.records
    wanted = SignalPage(
        count=asked.limit + 1,
        after=asked.place(tuple[int, str]),
        config=asked.strategy,
        instruments=(named(store, asked.symbol).id,) if asked.symbol else None,
        status=asked.status or "",
        start=-EVER if asked.start is None else micros(asked.start),
        end=EVER if asked.end is None else micros(asked.end),
    )
    rows = store.signals(wanted)
    known = {instrument.id: instrument for instrument in store.instruments()}
    shown, more = rows[: asked.limit], len(rows) > asked.limit
    return Signals(
        signals=[_signal(row, known) for row in shown],
        next=asked.next(_whole(shown[-1], "end_at"), str(shown[-1]["id"])) if more else None,
    )


def one_signal(sources: Sources, wanted: str) -> SignalOut:
    """A signal by its id. Raises NotThereError."""
    row = next(sources.records.rows("signals", id=wanted), None)
    if row is None:
        raise NotThereError(f"there is no signal {wanted!r}", where="id", remedy="List them: /api/signals")
    return _signal(row, {instrument.id: instrument for instrument in sources.records.instruments()})


def _signal(row: Mapping[str, Cell], known: Mapping[int, Instrument]) -> SignalOut:
    instrument = known[_whole(row, "instrument")]
    texts = {name: str(row[name]) for name in ("id", "symbol", "side", "order_type", "reason", "status_reason") if name in row}
    texts |= {"account": str(row["account"]), "mode": str(row["mode"]), "run": str(row["run"])}
    prices = {name: None if row[name] is None else price_text(_whole(row, name), instrument) for name in _PRICES}
    known_as = {name: row[name] for name in ("exchange", "product_type", "contract_size", "active")}
    times = {name: moment(_whole(row, f"{name}_at")) for name in ("created", "updated")}
    rule = str(row["refused_rule"])
    return SignalOut.model_validate(
        {
            **texts,
            **prices,
            **known_as,
            **times,
            "expires": None if row["expires_at"] is None else moment(_whole(row, "expires_at")),
            "user": row["user_name"],
            "scan": row["config_id"],
            "strategy": row["config"],
            "strategy_version": row["config_version"],
            "kind": row["kind"],
            "symbol": instrument.symbol,
            "bar_end": moment(_whole(row, "end_at")),
            "quantity": row["quantity"],
            "status": row["status"],
            "refused": Refused.model_validate({"rule": rule, "value": row["refused_value"], "limit": row["refused_limit"]})
            if rule
            else None,
        }
    )


_PRICES: Final = ("entry", "stop", "target")


def _whole(row: Mapping[str, Cell], name: str) -> int:
    value = row[name]
    assert isinstance(value, int)
    return value
