"""Asking the broker for its books."""

from theo.domain.effects import AskBook
from theo.domain.facts import BookAsked, BookLooked
from theo.engine.turn import Turn


def ask_book(turn: Turn, reason: str) -> None:
    """Ask the broker for its books; there is no new risk until they agree with ours."""
    turn.emit(BookAsked(turn.at, reason))
    turn.effects.append(AskBook(reason))


def look_at_book(turn: Turn) -> None:
    """Ask for the books without a doubt about them: new risk stays allowed until the answer differs."""
    turn.emit(BookLooked(turn.at))
    turn.effects.append(AskBook("by the clock"))
