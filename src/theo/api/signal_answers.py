"""What came of a signal that was asked for, as an answer: done, refused by a rule, or not answered yet."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

from fastapi import Depends, Response
from pydantic import BaseModel, Field, JsonValue

from theo.api.asking import ANSWER_S_MAX, Key, Trader, command_id
from theo.api.described import example
from theo.api.problems import RETRY_AFTER_S, AskRefusedError, FieldRefusedError, problem_answers
from theo.api.reading import Read
from theo.api.signal_bodies import NewSignal
from theo.api.signals import SIGNAL, SignalOut, one_signal
from theo.api.sources import Signals, Sources
from theo.api.told import TradeOut
from theo.domain.errors import ConflictError, NotThereError, TheoError
from theo.ports.store import CommandOutcome
from theo.report.told import Refusal

NO_SIGNAL: Final = "signal"  # the trader's rule against one that does not wait
_BY_HAND: Final[JsonValue] = {
    **SIGNAL,
    "id": "k3x9-s7",
    "strategy": "manual",
    "strategy_version": "",
    "order_type": "LIMIT",
    "reason": "manual",
    "status": "PENDING",
    "mode": "paper",
    "scan": None,
    "active": True,
    "expires": "2018-02-06T20:45:00Z",
}


class SignalChanged(BaseModel):
    """What came of it, as it stands now. `state` is "silent" where the trader has not answered yet: it may still be done."""

    model_config = example(
        {
            "command": "2f6c8e1a",
            "state": "done",
            "text": "signal k3x9-s7 is PENDING: BUY 4 MES LIMIT",
            "id": "k3x9-s7",
            "signal": _BY_HAND,
            "orders": [],
            "trade": None,
        }
    )

    command: str = Field(description="The Idempotency-Key, or the id that was given in its place.")
    state: Literal["done", "silent"]
    text: str
    id: str = Field(description="Of the signal; empty while the trader is silent on a new one.")
    signal: SignalOut | None = Field(description="Null while the trader is silent, or the tables are behind the journal.")
    orders: list[str] = Field(description="Ids of the orders that were sent for it.")
    trade: TradeOut | None = Field(description="What it was promoted to, with orders and fills; null while it is not.")


def change_answers(*more: int) -> dict[int | str, dict[str, Any]]:
    """What each change may answer with beside success, for its description."""
    silent = "The trader has not answered yet, and may still do it. Repeat it with the same Idempotency-Key."
    return {202: {"model": SignalChanged, "description": silent}} | problem_answers(400, 409, 413, *more)


class _Change:
    """One request: asked of the trader, waited for, and told as it stands."""

    def __init__(self, trader: Trader, read: Read, response: Response, key: Key = None) -> None:
        self._trader, self._read, self._response, self.command = trader, read, response, command_id(key)

    async def carried_out(
        self, ask: Callable[[Signals], CommandOutcome | None], signal: str = "", wait_s: float = ANSWER_S_MAX
    ) -> SignalChanged:
        """What came of it; ``signal`` is the one that is to be changed, "" for a new one. Raises what refuses it."""
        sources = self._read.sources
        try:
            outcome = await self._trader.answer(self.command, lambda: ask(sources.signals), wait_s)
        except ConflictError:
            if signal:
                await self._read.run(lambda: one_signal(sources, signal))  # one that is not there comes first
            raise
        if outcome is None:
            return self._silent(signal)
        told = await self._trader.told()
        return await self._read.run(lambda: _told(sources, self.command, outcome, signal, told=told))

    def _silent(self, signal: str) -> SignalChanged:
        self._response.status_code = HTTPStatus.ACCEPTED
        self._response.headers["Retry-After"] = str(RETRY_AFTER_S)
        text = f"no answer yet: it may still be carried out. Repeat it with the header Idempotency-Key: {self.command}"
        return SignalChanged(command=self.command, state="silent", text=text, id=signal, signal=None, orders=[], trade=None)


Change = Annotated[_Change, Depends()]


def _told(sources: Sources, command: str, outcome: CommandOutcome, signal: str, *, told: bool) -> SignalChanged:
    """``told``: whether the tables hold everything of it."""
    if not outcome.accepted:
        raise _refusal(sources, command, outcome, signal, told=told)
    found = signal or outcome.orders[0]
    trade = sources.signals.trade(found) if told else None
    return SignalChanged(
        command=command,
        state="done",
        text=outcome.text,
        id=found,
        signal=one_signal(sources, found) if told else None,
        orders=[] if outcome.orders == (found,) else list(outcome.orders),
        trade=None if trade is None else TradeOut.model_validate(trade),
    )


def _refusal(sources: Sources, command: str, outcome: CommandOutcome, signal: str, *, told: bool) -> TheoError:
    refused = sources.signals.refusal(command) or Refusal(outcome.rule, None, None)
    if not signal:
        if refused.rule in NewSignal.model_fields:
            return FieldRefusedError(outcome.text, refused, where=f"body.{refused.rule}", remedy="Change it, and ask again")
        return AskRefusedError(outcome.text, refused)
    if refused.rule != NO_SIGNAL or not told:
        return AskRefusedError(outcome.text, refused)
    try:
        stands = one_signal(sources, signal)
    except NotThereError as error:
        return error
    why = f": {stands.status_reason}" if stands.status_reason else ""
    text = outcome.text if stands.active else f"signal {signal} is {stands.status}{why}"
    return AskRefusedError(text, refused, where="id", remedy="Only one that is PENDING can be processed or withdrawn")
