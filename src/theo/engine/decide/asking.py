"""Asking the broker for its books."""

from theo.domain.effects import AskBook
from theo.domain.facts import BookAsked
from theo.engine.turn import Turn


def ask_book(turn: Turn, reason: str) -> None:
    """Ask the broker for its books; there is no new risk until they agree with ours."""
    turn.emit(BookAsked(turn.at, reason))
    turn.effects.append(AskBook(reason))
