"""Making the interface: routes, errors, access and threads put together. Nothing of it is kept between two interfaces."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from starlette.types import Lifespan

from theo.api import (
    about,
    correlation,
    events,
    market_data,
    new_levels,
    problems,
    runs,
    signal_changes,
    signals,
    strategies,
    strategy_changes,
)
from theo.api.access import Guard
from theo.api.asking import Asking
from theo.api.blocking import BoundedThreads
from theo.api.event_tail import Pace, Tail
from theo.api.problems import Problem
from theo.api.reading import Reader
from theo.api.serving import CONNECTIONS_MAX
from theo.api.sources import Sources
from theo.api.upkeep import Following

TITLE = "theo"
DESCRIPTION = (
    "What the platform holds and does. Prices and money are exact decimals as text, times ISO 8601 in UTC, "
    "errors application/problem+json."
)
PACE: Final = Pace()
ASKING_THREADS: Final = 2  # the trader answers one command after the other
ROUTERS = (
    about.router,
    runs.router,
    market_data.router,
    new_levels.router,
    correlation.router,
    strategies.router,
    strategy_changes.router,
    signals.router,
    signal_changes.router,
    events.router,
)


def create_api(sources: Sources, version: str, pace: Pace = PACE) -> FastAPI:
    """The interface over these sources, as an ASGI application; ``pace`` is that of its streams."""
    threads, slow = BoundedThreads(), BoundedThreads(threads=1, waiting_max=1)
    asks = BoundedThreads(threads=ASKING_THREADS, waiting_max=CONNECTIONS_MAX)  # a connection asks one thing at a time
    following = Following(sources)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.tail = Tail(sources, pace)
        followers = [asyncio.create_task(each) for each in (following.follow(), app.state.tail.follow())]
        for follower in followers:
            follower.add_done_callback(_logged)
        yield
        for follower in followers:
            follower.cancel()
        await asyncio.wait(followers)
        threads.close()
        slow.close()
        asks.close()

    app = _routed(version, lifespan)
    app.state.reader = Reader(sources, threads, slow)
    app.state.asking = Asking(sources, asks, following)
    problems.install(app)
    app.add_middleware(Guard, access=sources.access)
    return app


def openapi_document(version: str) -> dict[str, object]:
    """What /openapi.json answers: it is the same over every store."""
    return _described(_routed(version, None))


def _routed(version: str, lifespan: Lifespan[FastAPI] | None) -> FastAPI:
    # No pages of the framework's own: they load their scripts from other hosts.
    # A path with one slash more is another path: a redirect would answer what is not documented.
    app = FastAPI(
        title=TITLE,
        version=version,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for router in ROUTERS:
        app.include_router(router)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]  # FastAPI says so
    return app


def _logged(follower: "asyncio.Task[None]") -> None:
    """What follows the journal never ends by itself: that is a defect, and nothing else would tell of it."""
    if not follower.cancelled():
        follower.get_loop().call_exception_handler(
            {"message": "no longer follows the journal", "exception": follower.exception()}
        )


def _described(app: FastAPI) -> dict[str, object]:
    """The OpenAPI document with what FastAPI does not know: problems, the two headers that carry a key, and nulls in examples."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schemas = made["components"]["schemas"]
        examples = dict(_examples(BaseModel))
        for name in schemas.keys() & examples.keys():
            schemas[name]["examples"] = examples[name]
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= problem.pop("$defs") | {"Problem": problem}
        schemes = {"bearer": {"type": "http", "scheme": "bearer"}, "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}
        made["components"]["securitySchemes"] = schemes
        made["security"] = [{"bearer": []}, {"key": []}, {}]
        app.openapi_schema = made
    return app.openapi_schema


def _examples(model: type[BaseModel]) -> Iterator[tuple[str, object]]:
    """The examples of every model below one, by its name."""
    for each in model.__subclasses__():
        extra = each.model_config.get("json_schema_extra")
        if isinstance(extra, dict) and each.__module__.startswith(__package__):
            yield each.__name__, extra["examples"]
        yield from _examples(each)
