"""Pages: how many rows, and where the next page begins, as a text that only this interface reads.

A cursor names the last row's key, never a count of rows: a page costs the same however far it lies, and rows that come meanwhile
neither repeat nor hide others. It is good for the question that it came from alone.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Annotated, Final, TypeVar

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from theo.domain.errors import UserError

ROWS_DEFAULT: Final = 100
ROWS_MAX: Final = 1_000
CURSOR_LETTERS_MAX: Final = 400
Place = TypeVar("Place")

Cursor = Annotated[str, Field(max_length=CURSOR_LETTERS_MAX)]


class Query(BaseModel):
    """Parameters of a question: what is not known is refused, for a misspelt filter would silently filter nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageQuery(Query):
    """A question that is answered page by page."""

    limit: int = Field(default=ROWS_DEFAULT, ge=1, le=ROWS_MAX, description="Rows of a page.")
    cursor: Cursor | None = Field(default=None, description="`next` of the page before.")

    @property
    def question(self) -> str:
        """The question without its place: eight hex digits."""
        text = self.model_dump_json(exclude={"limit", "cursor"})
        return sha256(f"{type(self).__name__} {text}".encode()).hexdigest()[:8]

    def next(self, *place: int | str) -> str:
        """The cursor behind a place."""
        return urlsafe_b64encode(msgspec.json.encode((self.question, place))).decode().rstrip("=")

    def place(self, kind: type[Place]) -> Place | None:
        """Where this page begins; None for the first. Raises UserError for a cursor that is not of this question."""
        if self.cursor is None:
            return None
        try:
            whole = urlsafe_b64decode(self.cursor + "=" * (-len(self.cursor) % 4))
            question, place = msgspec.json.decode(whole, type=tuple[str, kind])  # type: ignore[valid-type]  # the caller names it
        except (ValueError, msgspec.DecodeError):
            question, place = "", None
        if question != self.question or place is None:
            raise UserError(
                "the cursor is not of this question",
                where="cursor",
                why="a cursor is good for the parameters of the page that it came from",
                remedy="Ask for the first page again",
            )
        return place
