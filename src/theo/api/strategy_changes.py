"""`/api/strategies`: storing rule sets and changing them, by the number of the change that was read."""

from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Response
from fastapi import Query as QueryOf
from pydantic import BaseModel, ConfigDict, Field

from theo.api.cursors import Query
from theo.api.described import example
from theo.api.problems import problem_answers
from theo.api.reading import NoParameters, Read
from theo.api.strategies import NAME, Name, StrategyDetail, detail

router = APIRouter(prefix="/api/strategies", tags=["strategies"])
DOCUMENT_LETTERS_MAX: Final = 65_536
REASON_LETTERS_MAX: Final = 500
CHANGE_MAX: Final = 2**31 - 1
_DOCUMENT: Final = 'name = "vix confirms"\nstrategy = "correlation"\n'
_REASON: Final = r"^[^\x00-\x1f\x7f]*$"

Document = Annotated[str, Field(max_length=DOCUMENT_LETTERS_MAX, description="A rule set in TOML.")]
Reason = Annotated[
    str, Field(max_length=REASON_LETTERS_MAX, pattern=_REASON, description="Kept in its history and the audit trail.")
]
Change = Annotated[
    int, Field(ge=1, le=CHANGE_MAX, description="The `change` that was read: a later one refuses this one.", examples=[3])
]


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class NewStrategy(_Sent):
    """A rule set that is to be stored. `name` takes the place of the document's own."""

    model_config = example({"document": _DOCUMENT, "name": "vix confirms", "reason": "as agreed"})

    document: Document
    name: Annotated[str, Field(pattern=NAME)] | None = None
    reason: Reason = ""


class EditedStrategy(_Sent):
    """The whole document as it is to be."""

    model_config = example({"document": _DOCUMENT, "change": 3, "reason": "a wider stop"})

    document: Document
    change: Change
    reason: Reason = ""


class Switched(_Sent):
    """Why it is switched, and what was read."""

    model_config = example({"change": 3, "reason": "holidays"})

    change: Change
    reason: Reason = ""


class RemovedQuery(Query):
    """Why it goes, and what was read."""

    change: Change
    reason: Reason = ""


@router.post(
    "", summary="Store a rule set", status_code=201, responses=problem_answers(400, 409, 413), dependencies=[NoParameters]
)
async def created(read: Read, new: NewStrategy, response: Response) -> StrategyDetail:
    """Checked as a whole, with every mistake named at once; it is active from then on."""
    made = await read.run(lambda: read.sources.strategies.create(new.name or "", new.document, new.reason))
    response.headers["Location"] = f"/api/strategies/{quote(made.name)}"
    return detail(made)


@router.put(
    "/{name}", summary="Change a stored rule set", responses=problem_answers(400, 404, 409, 413), dependencies=[NoParameters]
)
async def edited(read: Read, name: Name, new: EditedStrategy) -> StrategyDetail:
    """Another document in its place, checked as a whole; what it was stays in its history."""
    return detail(await read.run(lambda: read.sources.strategies.edit(name, new.document, new.change, new.reason)))


@router.post(
    "/{name}/enable",
    summary="Trade by a stored rule set again",
    responses=problem_answers(400, 404, 409, 413),
    dependencies=[NoParameters],
)
async def enabled(read: Read, name: Name, asked: Switched) -> StrategyDetail:
    """It must be possible from today on."""
    return detail(await read.run(lambda: read.sources.strategies.activate(name, asked.change, asked.reason, active=True)))


@router.post(
    "/{name}/disable",
    summary="Trade by a stored rule set no longer",
    responses=problem_answers(400, 404, 409, 413),
    dependencies=[NoParameters],
)
async def disabled(read: Read, name: Name, asked: Switched) -> StrategyDetail:
    """It is kept."""
    return detail(await read.run(lambda: read.sources.strategies.activate(name, asked.change, asked.reason, active=False)))


@router.delete("/{name}", summary="Take a stored rule set away", responses=problem_answers(404, 409))
async def removed(read: Read, name: Name, asked: Annotated[RemovedQuery, QueryOf()]) -> StrategyDetail:
    """It is answered as it was; its history stays. One that the records of a run name is refused: disable it."""
    return detail(await read.run(lambda: read.sources.strategies.remove(name, asked.change, asked.reason)))
