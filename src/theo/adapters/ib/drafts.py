"""Orders that were left untransmitted in TWS: a connection that broke off, or a process that died, in the midst of a bracket.

A bracket's parent and first child wait in TWS until its last child is sent. IB lists such a draft nowhere, but a person could
transmit it by hand: an entry without its stop. Its order id is among the last that this client used, which IB's next id betrays:
what no open order has of them is cancelled before anything is compared. What never was, or has ended, IB refuses to cancel.
"""

from collections.abc import Iterable

from theo.adapters.ib.link import Link
from theo.adapters.ib.order_reports import CANCELLED

LOOKED_FOR = 4  # a bracket has three orders: two of them can be drafts, and a question what one would do may lie between


class Drafts:
    """Looks for them on each new socket."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._asked: set[int] = set()
        link.callbacks.on("error", self._error)

    async def cancel(self, told: int, open_ids: Iterable[int]) -> None:
        """``told``: the first id that IB calls free; ``open_ids``: the ids of this client's open orders."""
        self._asked = {number for number in range(told - LOOKED_FOR, told) if number > 0} - set(open_ids)
        for number in sorted(self._asked):
            await self._link.budget.order()
            self._link.client.cancelOrder(number)

    def _error(self, request: int, code: int, _text: str, _advanced: str = "") -> None:
        if request in self._asked:
            self._asked.discard(request)
            if code == CANCELLED:
                text = f"order id {request} was left in TWS untransmitted, by a bracket that broke off: it is cancelled"
                self._link.notifier.tell(self._link.clock.now(), "warning", "draft_cancelled", text)
