"""`/api/runs`: the recorded runs of the home, of which this interface serves one."""

from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter
from fastapi import Query as QueryOf
from pydantic import BaseModel, Field, JsonValue

from theo.api.cursors import PageQuery
from theo.api.described import example
from theo.api.problems import problem_answers
from theo.api.reading import Read
from theo.api.sources import Run, Sources
from theo.api.values import moment

RUNS_DEFAULT: Final = 20
RUNS_MAX: Final = 100  # each run's journal is opened: some milliseconds
router = APIRouter(prefix="/api/runs", tags=["platform"])
_RUN: Final[JsonValue] = {
    "run": "demo",
    "mode": "virtual",
    "account": "SIM",
    "state": "stopped",
    "served": True,
    "takes_commands": True,
    "began_at": "2018-01-02T14:30:00Z",
    "newest_at": "2018-06-22T20:00:00Z",
    "records": 5120,
    "written_at": "2026-11-20T15:04:05Z",
    "problem": "",
}


class RunOut(BaseModel):
    """A recorded run. Where time is played, `began_at` and `newest_at` are of that time."""

    model_config = example(_RUN)

    run: str = Field(description="Its name: what `theo api --run` serves.")
    mode: str = Field(description="Where its orders go: backtest, virtual, paper, live; empty before its first record.")
    account: str
    state: Literal["running", "stopped"] = Field(description="Whether a process writes it now.")
    served: bool = Field(description="Whether this interface reads its records.")
    takes_commands: bool = Field(description="False for a backtest.")
    began_at: datetime | None
    newest_at: datetime | None = Field(description="When its newest trading record was made.")
    records: int = Field(ge=0, description="Its trading records.")
    written_at: datetime = Field(description="When its journal was last written from this machine.")
    problem: str = Field(description="Why the rest of it is missing; empty when it can be read.")


class Runs(BaseModel):
    """A page of runs: the home's own, the demo's, then the others by name. `next` is null at the end."""

    model_config = example({"runs": [_RUN], "next": None})

    runs: list[RunOut]
    next: str | None


class RunsQuery(PageQuery):
    """Every run there is."""

    limit: int = Field(default=RUNS_DEFAULT, ge=1, le=RUNS_MAX, description="Runs of a page.")


@router.get("", summary="The recorded runs", responses=problem_answers())
async def runs(read: Read, asked: Annotated[RunsQuery, QueryOf()]) -> Runs:
    """What each run is, whether a process writes it now, and its newest record."""
    return await read.run(lambda: _runs(read.sources, asked))


def _runs(sources: Sources, asked: RunsQuery) -> Runs:
    place = asked.place(tuple[str])
    found = sources.runs.after("" if place is None else place[0], asked.limit + 1)
    page = found[: asked.limit]
    return Runs(runs=[_out(each) for each in page], next=asked.next(page[-1].name) if len(found) > len(page) else None)


def _out(run: Run) -> RunOut:
    return RunOut(
        run=run.name,
        mode=run.mode,
        account=run.account,
        state="running" if run.running else "stopped",
        served=run.served,
        takes_commands=run.takes_commands,
        began_at=None if run.began_at is None else moment(run.began_at),
        newest_at=None if run.newest_at is None else moment(run.newest_at),
        records=run.records,
        written_at=moment(run.written_at),
        problem=run.problem,
    )
