"""`/` and `/health`: what this is, and how it stands."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field, JsonValue

from theo.api.described import example
from theo.api.event_tail import Tail
from theo.api.problems import problem_answers
from theo.api.reading import NoParameters, Read
from theo.api.sources import Sources
from theo.api.values import moment
from theo.domain.errors import TheoError
from theo.ports.market_store import SeriesEnds
from theo.report.stages import Stage, StageName, StageState


def _tail(request: Request) -> Tail:
    found = request.app.state.tail
    assert isinstance(found, Tail)
    return found


Following = Annotated[Tail, Depends(_tail)]
router = APIRouter(tags=["platform"], dependencies=[NoParameters])
LINKS: Final[dict[str, JsonValue]] = {
    "health": "/health",
    "runs": "/api/runs",
    "openapi": "/openapi.json",
    "instruments": "/api/market-data/instruments",
    "market_data_status": "/api/market-data/status",
    "strategies": "/api/strategies",
    "signals": "/api/signals",
}


class About(BaseModel):
    """What is served."""

    model_config = example(
        {"name": "theo", "version": "0.1.0", "run": "own", "mode": "paper", "account": "DU1234567", "links": LINKS}
    )

    name: Literal["theo"] = "theo"
    version: str
    run: str = Field(description="The run whose records are served.")
    mode: str = Field(description="Where its orders go: backtest, virtual, paper, live; empty before its first record.")
    account: str
    links: dict[str, str]


class Journal(BaseModel):
    """The trading journal, and how far the tables follow it."""

    recorded: int = Field(ge=0, description="The newest record.")
    projected: int = Field(ge=0, description="The newest record that is in the tables.")
    written_at: datetime | None = Field(description="When the newest was written.")
    age_s: float | None = Field(ge=0)


class StageOut(BaseModel):
    """A stage on the way from the market to a trade, or between both and this interface."""

    model_config = example(
        {
            "name": "bars",
            "of": "",
            "state": "late",
            "lag_s": 84.0,
            "text": "MES 15min up to 2026-11-20 15:45 UTC",
            "remedy": "See whether the feed tells of it",
        }
    )

    name: StageName
    of: str = Field(description="Whose it is, such as a feed's name; empty for the run's.")
    state: StageState = Field(description="`stopped`: nobody is there to do it. `closed`: the market is, so that nothing is due.")
    lag_s: float | None = Field(ge=0, description="Null where it is not known in seconds.")
    text: str = Field(description="What it waits for, or lacks.")
    remedy: str = Field(description="What to do where it is late.")


def _stage_out(stage: Stage) -> StageOut:
    return StageOut(name=stage.name, of=stage.of, state=stage.state, lag_s=stage.lag_s, text=stage.text, remedy=stage.remedy)


class Health(BaseModel):
    """How the service stands. `degraded`: what it answers is right, and a stage is late."""

    model_config = example(
        {
            "status": "ok",
            "problems": [],
            "trader_running": True,
            "halted": "",
            "breaker": "",
            "database_ms": 0.4,
            "journal": {"recorded": 5120, "projected": 5120, "written_at": "2018-02-05T20:45:00.250000Z", "age_s": 1.5},
            "series": [
                {
                    "symbol": "MES",
                    "timeframe": "15min",
                    "first": "2018-01-02T14:30:00Z",
                    "last": "2018-02-05T20:30:00Z",
                    "age_s": 900.0,
                }
            ],
            "stages": [{"name": "tables", "of": "", "state": "ok", "lag_s": 0.0, "text": "", "remedy": ""}],
        }
    )

    status: Literal["ok", "degraded", "failing"]
    problems: list[str] = Field(description="What keeps the service from answering rightly.")
    trader_running: bool
    halted: str = Field(description="Why no new risk is taken; empty when it is.")
    breaker: str = Field(description="The limit that tripped the breaker; empty when none did.")
    database_ms: float = Field(ge=0, description="How long the database took to answer.")
    journal: Journal
    series: list["SeriesStatus"]
    stages: list[StageOut] = Field(description="Those that are known; each with its state and lag.")


class SeriesStatus(BaseModel):
    """A stored bar series: the starts of its first and its last bar, and how long ago the last one began."""

    model_config = example(
        {
            "symbol": "MES",
            "timeframe": "15min",
            "first": "2018-01-02T14:30:00Z",
            "last": "2018-02-05T20:30:00Z",
            "age_s": 900.0,
        }
    )

    symbol: str
    timeframe: str
    first: datetime
    last: datetime
    age_s: float = Field(description="Seconds since the last bar began; negative for bars of a market that is played ahead.")


def series_of(sources: Sources) -> list[SeriesStatus]:
    """Every stored series, by symbol and timeframe."""
    now = moment(sources.now())
    symbols = {instrument.id: instrument.symbol for instrument in sources.market.instruments()}
    return [_series_status(ends, symbols.get(ends.instrument, ""), now) for ends in sources.market.series_ends()]


def _series_status(ends: SeriesEnds, symbol: str, now: datetime) -> SeriesStatus:
    last = moment(ends.last)
    age_s = round((now - last).total_seconds(), 1)
    return SeriesStatus(symbol=symbol, timeframe=ends.timeframe, first=moment(ends.first), last=last, age_s=age_s)


@router.get("/", summary="What this is", responses=problem_answers())
async def about(read: Read) -> About:
    """The version, the run that is served, where its orders go, and where everything else is."""
    found = await read.run(read.sources.upkeep.platform)
    return About(
        version=found.version,
        run=found.run,
        mode=found.mode,
        account=found.account,
        links={name: str(path) for name, path in LINKS.items()},
    )


def _health_answers() -> dict[int | str, dict[str, Any]]:
    """503 is either the same document, with its problems, or a problem alone when not even that could be found out."""
    found = problem_answers()
    either = {"application/json": {"schema": {"$ref": "#/components/schemas/Health"}}, **found[503]["content"]}
    return found | {503: {"description": "Something keeps the service from answering rightly.", "content": either}}


@router.get("/health", summary="How the service stands", responses=_health_answers())
async def health(read: Read, tail: Following, response: Response) -> Health:
    """200 while the service answers rightly, whether trading is halted or a stage is late; 503, with the reasons, while not."""
    found = await read.run(lambda: _health(read.sources))
    found.stages.append(_stage_out(_stream(tail)))
    if not found.problems and any(stage.state is StageState.LATE for stage in found.stages):
        found.status = "degraded"
    if found.problems:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return found


def _stream(tail: Tail) -> Stage:
    """Whether the events of the journal can be told."""
    lag_s = round(tail.lag_s(), 1)
    late = lag_s > tail.pace.look_old_s_max
    text = f"the journal's end was last looked at {lag_s:.0f} s ago" if late else ""
    remedy = "See the problems of /health; clients go on by `after` once it looks again" if late else ""
    return Stage("stream", StageState.LATE if late else StageState.OK, lag_s, text, remedy=remedy)


def _health(sources: Sources) -> Health:
    condition, now = sources.upkeep.condition(), moment(sources.now())
    problems, series = list(condition.problems), list[SeriesStatus]()
    try:
        series = series_of(sources)
    except TheoError as error:
        problems.append(str(error))
    written = None if condition.written_at is None else moment(condition.written_at)
    age = None if written is None else max(0.0, round((now - written).total_seconds(), 1))
    return Health(
        status="failing" if problems else "ok",
        problems=problems,
        trader_running=condition.trader_running,
        halted=condition.halted,
        breaker=condition.breaker,
        database_ms=condition.database_ms,
        journal=Journal(recorded=condition.recorded, projected=condition.projected, written_at=written, age_s=age),
        series=series,
        stages=[_stage_out(each) for each in condition.stages],
    )
