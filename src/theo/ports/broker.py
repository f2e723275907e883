"""A broker, seen from the core: takes approved orders, answers with reports, and lets its books be read."""

from collections.abc import Callable
from typing import Protocol

from theo.domain.approval import Approved
from theo.domain.inputs import Input
from theo.domain.orders import Amendment, Ticket

Answer = Callable[[Input], None]


class Broker(Protocol):
    """Every answer, also a failure, arrives through the callable given to ``connect``; no method returns an outcome.

    A link lost before the send is answered with SendFailed, after it with SendUnknown.
    """

    async def connect(self, answer: Answer) -> None:
        """Connect; answers go to ``answer`` from now on.

        A link that is down is answered with LinkChanged: a process that begins takes it to be up.
        """

    async def place(self, ticket: Approved[Ticket]) -> None:
        """Send the orders of a ticket, once."""

    async def amend(self, amendment: Approved[Amendment]) -> None:
        """Change a working order."""

    async def cancel(self, order: str) -> None:
        """Cancel a working order, by our id."""

    async def cancel_everything(self) -> None:
        """Cancel every order of the login, whoever placed it, protective stops included."""

    async def ask_book(self) -> None:
        """Ask for open and completed orders, executions and positions; answered with one BookReported.

        All of it is read after the call. The answer to an earlier call is not given any more.
        """

    async def close(self) -> None:
        """Disconnect; resting orders stay."""
