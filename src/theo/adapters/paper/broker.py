"""A Broker over a Venue in the same process. The venue outlives the core: its books are kept in a file of their own."""

from pathlib import Path

import msgspec

from theo.domain.approval import Approved
from theo.domain.errors import CorruptionError
from theo.domain.inputs import Input
from theo.domain.market_data import Bar, ContractRolled, Tick
from theo.domain.orders import Amendment, Ticket
from theo.ports.broker import Answer
from theo.venue.exchange import Venue


class PaperBroker:
    """Answers arrive at once, in the call that caused them; market data is given to ``market`` before the core sees it."""

    def __init__(self, venue: Venue, file: "VenueFile | None" = None) -> None:
        self.venue, self._file = venue, file
        self._answer: Answer = _nobody
        self.at = 0
        kept = None if file is None else file.load()
        if kept is not None:
            venue.restore(kept)

    async def connect(self, answer: Answer) -> None:
        """Answers go to ``answer`` from now on."""
        self._answer = answer

    async def place(self, ticket: Approved[Ticket]) -> None:
        """The venue takes or refuses the orders."""
        self._say(self.venue.place(ticket.subject, self.at))

    async def amend(self, amendment: Approved[Amendment]) -> None:
        """The venue changes the order or refuses."""
        self._say(self.venue.amend(amendment.subject, self.at))

    async def cancel(self, order: str) -> None:
        """The venue cancels the order or refuses."""
        self._say(self.venue.cancel(order, self.at))

    async def cancel_everything(self) -> None:
        """The venue cancels what works there."""
        self._say(self.venue.cancel_everything(self.at))

    async def ask_book(self) -> None:
        """The venue's books. A call is its own answer here: nothing is ever on its way."""
        self._answer(msgspec.structs.replace(self.venue.book(self.at), nothing_in_flight=True))

    async def close(self) -> None:
        """Nothing to release: resting orders stay in the venue's books."""
        self._answer = _nobody

    def market(self, item: Tick | Bar | ContractRolled) -> tuple[Input, ...]:
        """What the venue makes of market data; the caller posts it before the data itself."""
        self.at = max(self.at, item.at)
        if isinstance(item, ContractRolled):
            self.venue.on_roll(item)
            if self._file is not None:
                self._file.save(self.venue.state())
            return ()
        return self._kept(self.venue.on_tick(item) if isinstance(item, Tick) else self.venue.on_bar(item))

    def time(self, at: int) -> tuple[Input, ...]:
        """What the venue does by time alone."""
        self.at = max(self.at, at)
        return self._kept(self.venue.on_time(at))

    def next_due(self) -> int:
        """When the venue does something by time alone."""
        return self.venue.next_due

    def _say(self, reports: tuple[Input, ...]) -> None:
        for report in self._kept(reports):
            self._answer(report)

    def _kept(self, reports: tuple[Input, ...]) -> tuple[Input, ...]:
        """The books are on disk before anyone hears of a change in them."""
        if reports and self._file is not None:
            self._file.save(self.venue.state())
        return reports


def _nobody(_item: Input) -> None:
    """Before ``connect`` nobody listens."""


class VenueFile:
    """The venue's books on disk, replaced whole: the simulated counterpart of a broker that survives our crash."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def save(self, state: object) -> None:
        """Write beside, then rename: a crash leaves the old books or the new ones."""
        beside = self._path.with_suffix(".new")
        beside.write_bytes(msgspec.msgpack.encode(state))
        beside.replace(self._path)

    def load(self) -> object | None:
        """The books, or None when there are none. Raises CorruptionError."""
        if not self._path.exists():
            return None
        try:
            books: object = msgspec.msgpack.decode(self._path.read_bytes())
        except msgspec.DecodeError as error:
            raise CorruptionError(
                f"the simulated exchange's books are damaged: {error}",
                where=str(self._path),
                remedy="Start the demo anew with --fresh",
            ) from error
        return books
