"""What every route reads with: the sources, the threads, and the look-up of an instrument by its symbol."""

from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from theo.api.blocking import BoundedThreads
from theo.api.sources import Sources
from theo.domain.errors import NotThereError, UserError
from theo.domain.instrument import Instrument
from theo.domain.nearest import nearest_names
from theo.ports.market_store import MarketStore

Result = TypeVar("Result")


class Reader:
    """One per interface."""

    def __init__(self, sources: Sources, threads: BoundedThreads, slow: BoundedThreads) -> None:
        self.sources, self._threads, self._slow = sources, threads, slow

    async def run(self, call: Callable[[], Result]) -> Result:
        """A store's answer, without holding the event loop. Raises what it raises, HaltRequiredError when too many wait."""
        return await self._threads.run(call)

    async def calculate(self, call: Callable[[], Result]) -> Result:
        """What takes seconds, on a thread of its own, one at a time. Raises HaltRequiredError while another one does."""
        return await self._slow.run(call)


def _reader(request: Request) -> Reader:
    found = request.app.state.reader
    assert isinstance(found, Reader)
    return found


def _no_parameters(request: Request) -> None:
    for name in request.query_params:
        raise UserError(f"there is no parameter {name!r}", where=f"query.{name}", remedy="Leave it away")


Read = Annotated[Reader, Depends(_reader)]
NoParameters = Depends(_no_parameters)


def named(store: MarketStore, symbol: str) -> Instrument:
    """The instrument of a symbol. Raises NotThereError naming those that are there."""
    by_symbol = {instrument.symbol: instrument for instrument in store.instruments()}
    if symbol not in by_symbol:
        remedy = nearest_names(symbol, by_symbol) if by_symbol else "Import bars first: `theo import bars`"
        raise NotThereError(f"there is no instrument {symbol!r}", where="symbol", remedy=remedy)
    return by_symbol[symbol]
