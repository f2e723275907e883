"""A gateway on which nothing is listed and nothing moves."""

from collections.abc import Iterator, Sequence

from theo.domain.market_data import Bar, Tick
from theo.gateway.desk import NEVER, Listing, Quote
from theo.gateway.wire.messages.contract import Contract


class Nothing:
    """Both the contract book and the market."""

    def listing(self, con_id: int) -> Listing | None:
        return None

    def find(self, asked: Contract) -> Sequence[Listing]:
        return ()

    def listings(self) -> Sequence[Listing]:
        return ()

    def next_at(self) -> int:
        return NEVER

    def advance(self, until: int) -> Iterator[Tick]:
        return iter(())

    def quote(self, con_id: int) -> Quote:
        return Quote()

    def bars(self, con_id: int, length: int, start: int, end: int, *, regular: bool) -> Sequence[Bar]:
        return ()

    def ticks(self, con_id: int, start: int, end: int) -> Sequence[Tick]:
        return ()

    def head(self, con_id: int) -> int:
        return 0
