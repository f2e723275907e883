"""Reading one TOML table key by key: every mistake is noted with its key, and what was not asked for is an unknown key."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from theo.domain.errors import ConfigError
from theo.domain.nearest import nearest_names
from theo.strategy.mistakes import Mistakes

Read = TypeVar("Read")


class Table:
    """A table of a rule-set file. A wrong or missing value is noted and answered with a harmless one, so that reading goes on."""

    __slots__ = ("_asked", "_content", "mistakes", "path")

    def __init__(self, content: Mapping[str, object], path: str, mistakes: Mistakes) -> None:
        self._content, self.path, self.mistakes = content, path, mistakes
        self._asked: list[str] = []

    def key(self, name: str) -> str:
        """The full key of a name in this table."""
        return f"{self.path}.{name}" if self.path else name

    def has(self, name: str) -> bool:
        """Whether the file says anything under this name."""
        return name in self._content

    def get(self, name: str) -> object:
        """The raw value, None when there is none."""
        self._asked.append(name)
        return self._content.get(name)

    def wrong(self, name: str, what: str, *, why: str = "", remedy: str = "") -> None:
        """Note a mistake under a name."""
        self.mistakes.add(self.key(name), what, why=why, remedy=remedy)

    def missing(self, name: str, remedy: str) -> None:
        """Note that a needed key is not there."""
        self.wrong(name, "is missing", remedy=remedy)

    def text(self, name: str, default: str | None = None, *, remedy: str = "") -> str:
        """A text; without a default it must be there and not be empty."""
        value = self.get(name)
        if value is None and default is None:
            self.missing(name, remedy or "Write a text")
        elif value is not None and (not isinstance(value, str) or not value):
            self.wrong(name, f"is {value!r}", remedy=remedy or "Write a text in quotation marks")
        elif isinstance(value, str):
            return value
        return default or ""

    def choice(self, name: str, known: tuple[str, ...], default: str | None = None) -> str:
        """One of the known words."""
        listed = " or ".join(f'"{word}"' for word in known)
        value = self.text(name, default, remedy=f"Choose {listed}")
        if value and value not in known and value != default:
            self.wrong(name, f"is {value!r}", remedy=nearest_names(value, known))
            return default or known[0]
        return value

    def number(self, name: str, default: float | None, low: float, high: float) -> float:
        """A number above ``low`` and at most ``high``."""
        value = self.get(name)
        if value is None:
            if default is None:
                self.missing(name, f"Write a number above {low:g}, at most {high:g}")
            return high if default is None else default
        if isinstance(value, bool) or not isinstance(value, int | float) or not low < value <= high:
            self.wrong(name, f"is {value!r}", remedy=f"Write a number above {low:g}, at most {high:g}")
            return high
        return float(value)

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``."""
        value = self.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.wrong(name, f"is {value!r}", remedy=f"Write a whole number from {low} to {high:,}".replace(",", "_"))
            return default
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false."""
        value = self.get(name)
        if value is not None and not isinstance(value, bool):
            self.wrong(name, f"is {value!r}", remedy="Write true or false, without quotation marks")
            return default
        return default if value is None else value

    def names(self, name: str, most: int) -> tuple[str, ...]:
        """A list of different texts, empty when there is none."""
        value = self.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            self.wrong(name, f"is {value!r}", remedy='Write a list of texts: ["A", "B"]')
            return ()
        texts = tuple(str(item) for item in value)
        if len(dict.fromkeys(texts)) != len(texts) or len(texts) > most:
            self.wrong(name, f"is {value!r}", remedy=f"Name each once, at most {most}")
        return texts

    def table(self, name: str) -> "Table":
        """A table inside this one, empty when there is none."""
        value = self.get(name)
        if value is not None and not isinstance(value, dict):
            self.wrong(name, f"is {value!r}", remedy=f"Write it as a table: [{self.key(name)}]")
        return Table(value if isinstance(value, dict) else {}, self.key(name), self.mistakes)

    def read(self, name: str, reader: Callable[[], Read], instead: Read) -> Read:
        """What a reader gives; when it raises ConfigError the error is noted here and ``instead`` is given."""
        try:
            return reader()
        except ConfigError as error:
            self.mistakes.take(self.key(name), error)
            return instead

    def finish(self) -> None:
        """Note every key that nobody asked for."""
        for name in self._content:
            if name not in self._asked:
                self.wrong(name, "is not a known key", remedy=nearest_names(name, self._asked))
