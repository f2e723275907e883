"""The halt latch as files named STOP: a run's own, its home's, and one in the working directory; any of them halts."""

import os
from pathlib import Path

from theo.domain.errors import HaltRequiredError

NAME = "STOP"


class StopFile:
    """``own/STOP`` is ours to write and lift; a STOP in another folder halts too, and is lifted by whoever put it there."""

    def __init__(self, own: Path, *others: Path) -> None:
        self._own = own / NAME
        self._places = dict.fromkeys((self._own, *(other / NAME for other in others)))

    def set(self, reason: str) -> None:
        """Write and fsync at once. Raises HaltRequiredError when it cannot be written."""
        try:
            with self._own.open("w", encoding="utf-8") as file:
                file.write(f"{reason}\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise HaltRequiredError(
                f"the halt latch cannot be written: {error}",
                where=str(self._own),
                remedy="Trading is halted until the process ends",
            ) from error

    def reason(self) -> str:
        """Why trading is halted, "" when no STOP file exists. A file that cannot be read halts all the same."""
        for place in self._places:
            if place.exists():
                try:
                    return place.read_text(encoding="utf-8").strip() or f"{place} exists"
                except (OSError, UnicodeDecodeError) as error:
                    return f"{place} exists and cannot be read: {error}"
        return ""

    def clear(self) -> None:
        """Remove our own file. Raises HaltRequiredError when it cannot be, and while one elsewhere remains."""
        try:
            self._own.unlink(missing_ok=True)
        except OSError as error:
            raise HaltRequiredError(
                f"the halt latch cannot be removed: {error.strerror}", where=str(self._own), remedy="Remove it by hand"
            ) from error
        rest = [str(place) for place in self._places if place.exists()]
        if rest:
            raise HaltRequiredError("trading stays halted", where=", ".join(rest), remedy="Remove the file, then resume again")
