"""`/api/strategies`: the rule sets that there are, their history, and what they would have signalled."""

from datetime import date, datetime, timedelta
from typing import Annotated, Final, Literal

import msgspec
from fastapi import APIRouter, Path
from fastapi import Query as QueryOf
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from theo.api.cursors import PageQuery, Query
from theo.api.described import example
from theo.api.market_data import WORD_LETTERS_MAX
from theo.api.problems import problem_answers
from theo.api.reading import NoParameters, Read
from theo.api.sources import Strategy
from theo.api.values import AskedDay, DecimalText, moment
from theo.domain.errors import NotThereError, UserError
from theo.domain.nearest import nearest_names
from theo.ports.scans import ScanChange

router = APIRouter(prefix="/api/strategies", tags=["strategies"])
FIRST_DAY, LAST_DAY, TRIED_MAX = date(1970, 1, 1), date(2100, 1, 1), timedelta(days=365)
SIGNALS_MAX: Final = 1_000  # of one answer; a period of a year has fewer unless it is asked for every bar
NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$"
_TERMS: Final[JsonValue] = {
    "sides": "both",
    "mode": "live",
    "style": "intraday",
    "days": ["Mon", "Tue", "Wed", "Thu", "Fri"],
    "start": "09:30",
    "end": "16:00",
    "zone": "America/New_York",
    "valid_until": None,
    "every_minutes": 0,
    "missed": "skip",
    "signals_per_day": 3,
    "placeholder": None,
    "expiry": None,
    "option_type": None,
    "option_category": None,
    "entry": {
        "long": ["SPY close breaks above SPY swing(2).high[1]", "VIX correlation is at most -0.7"],
        "short": ["SPY close breaks below SPY swing(2).low[1]", "VIX correlation is at most -0.7"],
    },
    "exit": {"long": [], "short": []},
}
_STRATEGY: Final[dict[str, JsonValue]] = {
    "name": "vix confirms",
    "version": "1f0c9a2b7d3e",
    "description": "SPY against VIX on 15-minute bars: breaks of swing levels that VIX confirms",
    "kind": "correlation",
    "origin": "stored",
    "symbol": "SPY",
    "traded": "SPY",
    "partners": ["VIX"],
    "timeframe": "15min",
    "session": "RTH",
    "terms": _TERMS,
    "warnings": [],
    "active": True,
    "change": 3,
    "updated": "2018-02-05T20:45:00Z",
    "user": "owner (API)",
    "problem": "",
}
_TEXT: Final = 'name = "vix confirms"\nstrategy = "correlation"\n'

_CHANGE: Final[JsonValue] = {
    "id": 1,
    "change": 1,
    "at": "2018-02-05T20:45:00Z",
    "user": "owner (API)",
    "action": "create",
    "reason": "as agreed",
    "before": None,
    "after": _TEXT,
}


class Conditions(BaseModel):
    """In words; all of a side must hold."""

    model_config = ConfigDict(from_attributes=True)

    long: list[str]
    short: list[str]


class TermsOut(BaseModel):
    """When a rule set looks, what a signal becomes, and its conditions; null where it says nothing."""

    model_config = ConfigDict(**example(_TERMS), from_attributes=True)

    sides: Literal["both", "long", "short"]
    mode: Literal["live", "virtual"]
    style: Literal["intraday", "positional"]
    days: list[str] = Field(description="Weekdays on which entries are allowed.")
    start: str = Field(description="Entries from this wall-clock time of the zone, and until `end`.")
    end: str
    zone: str
    valid_until: date | None
    every_minutes: int = Field(description="0 looks at every bar close.")
    missed: Literal["skip", "catch up"]
    signals_per_day: int
    placeholder: Literal["FUT", "OPTION", "ETF", "CASH"] | None
    expiry: Literal["weekly", "monthly"] | None
    option_type: Literal["CALL", "PUT"] | None
    option_category: Literal["ITM", "OTM", "FUT", "DOTM", "DITM"] | None
    entry: Conditions
    exit: Conditions


class StrategyOut(BaseModel):
    """A rule set. `version` is made of its content: another content is another version."""

    model_config = ConfigDict(**example(_STRATEGY), from_attributes=True, populate_by_name=True)

    name: str
    version: str
    description: str
    kind: str
    origin: Literal["shipped", "stored"] = Field(description="Shipped with the platform, or stored in the home.")
    symbol: str = Field(description="The primary, whose bars call for decisions.")
    traded: str = Field(description="What orders are placed in: the primary, unless the rule set says otherwise.")
    partners: list[str]
    timeframe: str
    session: str
    terms: TermsOut | None = Field(description="Null where `problem` says something.")
    warnings: list[str] = Field(description="What is allowed and can hardly ever come true.")
    active: bool | None = Field(description="Whether a stored one is traded by; null for a shipped one.")
    change: int | None = Field(
        description="The number of its newest change, which a further change must name; null for a shipped one."
    )
    updated: datetime | None
    user: str | None = Field(description="Who changed it last.")
    problem: str = Field(description="Why this version of the platform cannot read a stored one any more; else empty.")


class StrategyDetail(StrategyOut):
    """A rule set with everything that it says, as TOML."""

    model_config = ConfigDict(**example({**_STRATEGY, "text": _TEXT}), from_attributes=True, populate_by_name=True)

    text: str


class StrategiesOut(BaseModel):
    """Every rule set, by name."""

    model_config = example({"strategies": [_STRATEGY]})

    strategies: list[StrategyOut]


class ChangeOut(BaseModel):
    """A change of a stored rule set: who, when, why, and the documents before and after, null where there was none."""

    model_config = example(_CHANGE)

    id: int = Field(description="Of the rule set: another one may have had the name before.")
    change: int
    at: datetime
    user: str
    action: Literal["create", "edit", "enable", "disable", "delete"]
    reason: str
    before: str | None
    after: str | None


class HistoryOut(BaseModel):
    """Changes, oldest first; `next` is the cursor of the following page, null at the end."""

    model_config = example({"changes": [_CHANGE], "next": None})

    changes: list[ChangeOut]
    next: str | None


class TriedSignalOut(BaseModel):
    """A signal: the end of its bar, the close there, and the correlation with each partner.

    `side` is empty where no order could follow, and `verdict` says why.
    """

    model_config = ConfigDict(from_attributes=True)

    end: datetime
    side: Literal["Long", "Short", ""]
    price: DecimalText | None
    correlations: dict[str, float | None]
    verdict: str


class TriedOut(BaseModel):
    """What a rule set would have signalled: the first signals, and how many there were in all."""

    model_config = example(
        {
            "version": "1f0c9a2b7d3e",
            "bars": 6500,
            "decided": 6400,
            "count": 1,
            "signals": [
                {
                    "end": "2018-02-05T20:45:00Z",
                    "side": "Short",
                    "price": "2651.75",
                    "correlations": {"VIX": -0.91},
                    "verdict": "short",
                }
            ],
        }
    )

    version: str
    bars: int
    decided: int = Field(description="Bars that led to a decision.")
    count: int
    signals: list[TriedSignalOut]


class HistoryQuery(PageQuery):
    """A page of a history."""


class TriedQuery(Query):
    """A period of stored bars, of at most a year."""

    start: AskedDay = Field(alias="from", ge=FIRST_DAY, le=LAST_DAY, description="The first day.", examples=["2018-01-02"])
    end: AskedDay = Field(alias="to", ge=FIRST_DAY, le=LAST_DAY, description="The last day.", examples=["2018-03-29"])
    source: str = Field(default="", max_length=WORD_LETTERS_MAX, description="Which imported source, if there are several.")


Name = Annotated[str, Path(pattern=NAME, description="Of a rule set.", examples=["spy-vix"])]


@router.get("", summary="Rule sets", responses=problem_answers(), dependencies=[NoParameters])
async def strategies(read: Read) -> StrategiesOut:
    """Every rule set that can be backtested or traded by its name: the shipped ones and the stored scans."""
    found = await read.run(read.sources.strategies.all)
    return StrategiesOut(strategies=[StrategyOut.model_validate(_fields(each)) for each in found])


@router.get("/{name}", summary="One rule set", responses=problem_answers(404), dependencies=[NoParameters])
async def strategy(read: Read, name: Name) -> StrategyDetail:
    """A rule set by its name, with its text."""
    found = {each.name: each for each in await read.run(read.sources.strategies.all)}
    if name not in found:
        raise NotThereError(f"there is no rule set {name!r}", where="name", remedy=nearest_names(name, found))
    return detail(found[name])


@router.get("/{name}/history", summary="The history of a stored rule set", responses=problem_answers(404))
async def history(read: Read, name: Name, asked: Annotated[HistoryQuery, QueryOf()]) -> HistoryOut:
    """Every change of it, also of a deleted one."""
    after = asked.place(tuple[int, int]) or (0, 0)
    changes = [each for each in await read.run(lambda: read.sources.strategies.history(name)) if (each.id, each.number) > after]
    shown, more = changes[: asked.limit], len(changes) > asked.limit
    return HistoryOut(
        changes=[_change(each) for each in shown], next=asked.next(shown[-1].id, shown[-1].number) if more else None
    )


@router.get("/{name}/test", summary="What a rule set would have signalled", responses=problem_answers(404, 409))
async def tried(read: Read, name: Name, asked: Annotated[TriedQuery, QueryOf()]) -> TriedOut:
    """Its signals over stored bars, as `theo scan test` lists them. One is answered at a time, others get 503."""
    if not timedelta() <= asked.end - asked.start <= TRIED_MAX:
        raise UserError(f"the period is of {(asked.end - asked.start).days + 1} days", where="to", remedy="Ask for 1 to 366")
    timerange = f"{asked.start.isoformat()}-{asked.end.isoformat()}".replace("-", "")
    timerange = f"{timerange[:8]}-{timerange[8:]}"
    found = await read.calculate(lambda: read.sources.strategies.tried(name, timerange, asked.source))
    return TriedOut(
        version=found.version,
        bars=found.bars,
        decided=found.decided,
        count=len(found.signals),
        signals=[TriedSignalOut.model_validate(each) for each in found.signals[:SIGNALS_MAX]],
    )


def detail(strategy: Strategy) -> StrategyDetail:
    """A rule set with its text, for clients."""
    return StrategyDetail.model_validate(_fields(strategy))


def _fields(strategy: Strategy) -> dict[str, object]:
    at = strategy.updated_at
    return {**msgspec.structs.asdict(strategy), "updated": None if at is None else moment(at)}


def _change(change: ScanChange) -> ChangeOut:
    fields = msgspec.structs.asdict(change)
    return ChangeOut.model_validate({**fields, "change": change.number, "at": moment(change.at), "user": change.user_name})
