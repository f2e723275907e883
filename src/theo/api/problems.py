"""What goes wrong, as application/problem+json (RFC 9457): for every path, every client and every error, ours included.

`where` and `remedy` come from the error itself (theo.domain.errors). Nothing of a traceback leaves the process.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from theo.api.described import example
from theo.api.told import RefusalOut
from theo.domain.errors import (
    ConflictError,
    CorruptionError,
    HaltRequiredError,
    NotThereError,
    OutcomeUnknownError,
    RefusedError,
    TheoError,
    UserError,
)
from theo.report.told import Refusal
from theo.strategy.mistakes import RuleSetError

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 1
WRONG_PLACES_MAX: Final = 20  # of one request, named in the answer


class AskRefusedError(RefusedError):
    """The trader would not do what it was asked; ``refused`` is the rule that says so, with its numbers where they are known."""

    def __init__(self, what: str, refused: Refusal, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.refused = refused


class FieldRefusedError(AskRefusedError):
    """The same, because of a field of what was sent: it can never be done as it is."""


# The first that fits, in this order.
_STATUS: Final[tuple[tuple[type[TheoError], HTTPStatus], ...]] = (
    (FieldRefusedError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (NotThereError, HTTPStatus.NOT_FOUND),
    (ConflictError, HTTPStatus.CONFLICT),
    (UserError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (RefusedError, HTTPStatus.CONFLICT),
    (HaltRequiredError, HTTPStatus.SERVICE_UNAVAILABLE),
    (OutcomeUnknownError, HTTPStatus.SERVICE_UNAVAILABLE),
    (CorruptionError, HTTPStatus.INTERNAL_SERVER_ERROR),
)


class WrongPlace(BaseModel):
    """One part of a request that cannot be taken."""

    where: str = Field(examples=["query.limit"])
    what: str = Field(examples=["Input should be less than or equal to 1000"])


class Problem(BaseModel):
    """What is wrong, where, and what to do about it."""

    model_config = example(
        {
            "type": "urn:theo:problem:not-found",
            "title": "Not Found",
            "status": 404,
            "detail": "there is no instrument 'MESS' (it has no stored bars)",
            "where": "symbol",
            "remedy": "There are MES, VIX",
            "errors": [],
            "refused": None,
        }
    )

    type: str = Field(description="A name of the kind of problem that stays the same.")
    title: str = Field(description="The kind of problem in words.")
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="What happened this time, and why.")
    where: str = Field(default="", description="The parameter, file or record that it is about.")
    remedy: str = Field(default="", description="What to do.")
    errors: list[WrongPlace] = Field(default=[], description="Each part of the request that cannot be taken.")
    refused: RefusalOut | None = Field(
        default=None, description="The trader's rule that refused, with its numbers as it counts them (prices in price units)."
    )


class ProblemResponse(Response):
    """An answer that is a problem."""

    media_type = MEDIA_TYPE


_WHEN: Final[Mapping[int, str]] = MappingProxyType(
    {
        400: "The body is no text; or, of signals, a field cannot be taken, and nothing was asked of the trader.",
        401: "The key is missing or wrong.",
        403: "The Host or Origin header names another place than this interface.",
        404: "What was named is not there.",
        405: "The method is not served at this path.",
        409: "It is not as it was thought to be: another was quicker, the name is taken, a rule refuses it, or no trader runs.",
        413: "The body is too large.",
        422: "A parameter, or what was sent, cannot be taken.",
        500: "A record contradicts itself, or the platform has a defect.",
        503: "The store cannot be read now, or too many requests wait.",
    }
)
ALWAYS: Final = (401, 403, 422, 500, 503)


def problem_answers(*more: int) -> dict[int | str, dict[str, Any]]:
    """The problems that an operation may answer with, for its description: those of every operation, and ``more``."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {code: {"description": _WHEN[code], "content": {MEDIA_TYPE: schema}} for code in sorted((*ALWAYS, *more))}


def answer(
    status: int,
    detail: str,
    *,
    where: str = "",
    remedy: str = "",
    errors: Sequence[WrongPlace] = (),
    refused: RefusalOut | None = None,
) -> ProblemResponse:
    """A problem as an answer."""
    title = HTTPStatus(status).phrase
    kind = f"urn:theo:problem:{title.lower().replace(' ', '-')}"
    body = Problem(
        type=kind, title=title, status=status, detail=detail, where=where, remedy=remedy, errors=list(errors), refused=refused
    )
    headers = {"Retry-After": str(RETRY_AFTER_S)} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return ProblemResponse(body.model_dump_json(), status_code=status, headers=headers)


def status_of(error: TheoError) -> int:
    """The status of one of our own errors."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)


def of_error(error: TheoError) -> ProblemResponse:
    """One of our own errors as an answer."""
    detail = f"{error.what} ({error.why})" if error.why else error.what
    mistakes = error.problems if isinstance(error, RuleSetError) else ()
    errors = [WrongPlace(where=_key(each.where), what=_said(each)) for each in mistakes[:WRONG_PLACES_MAX]]
    refused = RefusalOut.model_validate(error.refused) if isinstance(error, AskRefusedError) else None
    return answer(status_of(error), detail, where=error.where, remedy=error.remedy, errors=errors, refused=refused)


def _key(where: str) -> str:
    """Of "file: table.key" the key."""
    return where.rpartition(": ")[2]


def _said(mistake: TheoError) -> str:
    """What is wrong, why, and what to do, without the place."""
    return TheoError(mistake.what, why=mistake.why, remedy=mistake.remedy).sentence()


def install(app: FastAPI) -> None:
    """Let every error of an interface be answered by a problem."""
    app.add_exception_handler(TheoError, _ours)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(Exception, _defect)


def _ours(_request: Request, error: Exception) -> Response:
    assert isinstance(error, TheoError)
    return of_error(error)


def _not_valid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return not_valid(error, HTTPStatus.UNPROCESSABLE_ENTITY)


def not_valid(error: RequestValidationError, status: HTTPStatus) -> ProblemResponse:
    """What of a request cannot be taken, part by part."""
    found = [
        WrongPlace(where=".".join(str(part) for part in each["loc"]), what=str(each["msg"]).removeprefix("Value error, "))
        for each in error.errors()
    ]
    told = "; ".join(f"{each.where}: {each.what}" for each in found[:WRONG_PLACES_MAX])
    return answer(
        status,
        told,
        where=found[0].where,
        remedy="See /openapi.json for what the parameter takes",
        errors=found[:WRONG_PLACES_MAX],
    )


def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    given = answer(error.status_code, str(error.detail), where=request.url.path, remedy="See /openapi.json for what is served")
    given.headers.update(error.headers or {})
    return given


def _defect(_request: Request, error: Exception) -> Response:
    """The traceback is in the server's own log."""
    return answer(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        f"the platform has a defect here: {type(error).__name__}",
        remedy="Look at the log of `theo api`, and report it",
    )
