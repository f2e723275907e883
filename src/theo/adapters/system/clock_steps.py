"""A person is told when the machine's clock was put forward or back. Nothing else follows from it: the steady clock goes on."""

from theo.adapters.system.clock import SteadyClock
from theo.domain.market_data import SECOND
from theo.ports.notifier import Notifier

LOOK_EVERY = 10 * SECOND


class ClockSteps:
    """``run`` is a service of a live run."""

    def __init__(self, clock: SteadyClock, notifier: Notifier) -> None:
        self._clock, self._notifier = clock, notifier

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._clock.sleep_until(self._clock.now() + LOOK_EVERY)
            step = self._clock.look()
            if step:
                self._tell(step / SECOND)

    def _tell(self, seconds: float) -> None:
        text = (
            f"this machine's clock was put {'forward' if seconds > 0 else 'back'} by {abs(seconds):,.0f} s: theo goes on in the "
            "time in which it began. If it was the old time that was wrong, end it and begin again"
        )
        self._notifier.tell(self._clock.now(), "warning", "clock_step", text)
