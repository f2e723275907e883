"""Making the interface: routes, errors, access and threads put together. Nothing of it is kept between two interfaces."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from theo.api import about, correlation, market_data, problems, signals, strategies
from theo.api.access import Guard
from theo.api.blocking import BoundedThreads
from theo.api.problems import Problem
from theo.api.reading import Reader
from theo.api.sources import Sources
from theo.api.upkeep import keep_up

TITLE = "theo"
DESCRIPTION = (
    "What the platform holds and does. Prices and money are exact decimals as text, times ISO 8601 in UTC, "
    "errors application/problem+json."
)
ROUTERS = (about.router, market_data.router, correlation.router, strategies.router, signals.router)


def create_api(sources: Sources, version: str) -> FastAPI:
    """The interface over these sources, as an ASGI application."""
    threads = BoundedThreads()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        follower = asyncio.create_task(keep_up(sources))
        yield
        follower.cancel()
        with suppress(asyncio.CancelledError):
            await follower
        threads.close()

    # No pages of the framework's own: they load their scripts from other hosts.
    app = FastAPI(title=TITLE, version=version, description=DESCRIPTION, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.reader = Reader(sources, threads)
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.add_middleware(Guard, access=sources.access)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]  # FastAPI says so
    return app


def _described(app: FastAPI) -> dict[str, object]:
    """The OpenAPI document with what FastAPI does not know: problems, and the two headers that carry a key."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schemas = made["components"]["schemas"]
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= problem.pop("$defs") | {"Problem": problem}
        schemes = {"bearer": {"type": "http", "scheme": "bearer"}, "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}
        made["components"]["securitySchemes"] = schemes
        made["security"] = [{"bearer": []}, {"key": []}, {}]
        app.openapi_schema = made
    return app.openapi_schema
