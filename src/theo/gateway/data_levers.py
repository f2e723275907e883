"""What an incident does to market data, in both rooms that deliver any: streams, and history that is kept up to date."""

from theo.domain.market_data import SECOND
from theo.gateway.desk import Desk
from theo.gateway.history.room import HistoryRoom
from theo.gateway.streams.room import StreamsRoom


class DataLevers:
    """Implements the incidents' StreamLevers. What is subscribed after a lever was pulled is not touched by it."""

    def __init__(self, streams: StreamsRoom, history: HistoryRoom) -> None:
        self._streams, self._history = streams, history

    def silence(self, desk: Desk, *, on: bool) -> None:
        """Every subscription stands and delivers nothing, without a word; or all deliver again."""
        self._streams.silence(desk, on=on)
        self._history.silence(desk, on=on)

    def drop_all(self, desk: Desk) -> None:
        """Every subscription is forgotten without a word."""
        self._streams.drop_all(desk)
        self._history.drop_all(desk)

    def compete(self, desk: Desk, *, on: bool) -> None:
        """10197 on every stream, 162 for every question about the past, and no data while it lasts."""
        self._streams.compete(desk, on=on)
        self._history.compete(desk, on=on)

    def advise(self, code: int) -> None:
        """New lines get an advisory before their ticks, which follow."""
        self._streams.advise(code)

    def lines_used(self) -> int:
        """How many market data lines the login uses."""
        return self._streams.lines_used

    def spend_history(self, *, on: bool) -> None:
        """The budget of questions about the past is used up, or not any more."""
        self._history.spent = on

    def delay_history(self, seconds: float) -> None:
        """From now on the past is told so late; 0 is at once."""
        self._history.delay(round(seconds * SECOND))
