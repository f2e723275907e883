"""What ib_async's decoder calls, handed to whoever listens. Nothing is remembered here.

The decoder logs and swallows what a callback raises; here it is kept and ends the link, since a report that was not understood
must never be lost in silence.
"""

from collections.abc import Callable
from datetime import UTC, tzinfo

from ib_async.wrapper import Wrapper

from theo.domain.errors import TheoError

Handler = Callable[..., None]


class _Zone:
    """The decoder asks an `ib` object for the zone of times that come without one; they are taken as UTC."""

    TimezoneTWS = ""


class Callbacks:
    """``on`` adds a listener to a callback by ib_async's name for it; ``failed`` hears of what a listener raised."""

    def __init__(self) -> None:
        self.ib = _Zone()
        self.defaultTimezone: tzinfo = UTC
        self._listeners: dict[str, list[Handler]] = {}
        self.failed: Callable[[BaseException], None] = _raise

    def on(self, name: str, listener: Handler) -> None:
        """Hear a callback from now on, after those who asked before. Raises KeyError for a name that ib_async does not have."""
        if name not in OPTIONAL and not hasattr(Wrapper, name):
            raise KeyError(name)
        self._listeners.setdefault(name, []).append(listener)

    def __getattr__(self, name: str) -> Handler:
        """The callback as the decoder looks it up; kept as an attribute, so that the next look-up is direct."""
        if name.startswith("__"):
            raise AttributeError(name)
        listeners = self._listeners.setdefault(name, [])

        def call(*arguments: object) -> None:
            for listener in listeners:
                try:
                    listener(*arguments)
                except Exception as error:  # noqa: BLE001 - whatever it is, it ends the link: see above
                    self.failed(error)

        setattr(self, name, call)
        return call


OPTIONAL = frozenset({"priceSizeTick", "tcpDataArrived", "tcpDataProcessed"})


def _raise(error: BaseException) -> None:
    raise TheoError(f"a broker callback could not be handled: {error!r}") from error
