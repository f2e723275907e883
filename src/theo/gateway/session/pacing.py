"""How many messages a client sends in a second, as TWS counts them: too many are told, and at last the link is closed."""

from collections import deque

from theo.domain.market_data import SECOND
from theo.gateway.client import NO_REQUEST, Client
from theo.gateway.desk import GatewaySettings

TOO_FAST = 100


class Pacing:
    """The messages of one connection within the last second."""

    __slots__ = ("_breaches", "_counting_until", "_times")

    def __init__(self) -> None:
        self._times: deque[int] = deque()
        self._breaches = 0
        self._counting_until = 0  # one breach a second, however many messages make it

    def allows(self, client: Client, now: int, settings: GatewaySettings) -> bool:
        """Count a message; False when it is not to be worked off. A client that goes on is cut off."""
        times = self._times
        while times and times[0] <= now - SECOND:
            times.popleft()
        if len(times) < settings.messages_a_second_max:
            times.append(now)
            return True
        if now >= self._counting_until:
            self._counting_until = now + SECOND
            self._breaches += 1
            client.error(
                NO_REQUEST, TOO_FAST, f"Max rate of messages per second has been exceeded:max={settings.messages_a_second_max}"
            )
            if self._breaches >= settings.breaches_max:
                client.cut_off(f"it has sent more than {settings.messages_a_second_max} messages a second {self._breaches} times")
        return False
