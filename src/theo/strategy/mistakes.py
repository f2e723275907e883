"""Mistakes in a rule set: collected, so that all of them are said at once, each with file, key and remedy."""

from theo.domain.errors import ConfigError


class RuleSetError(ConfigError):
    """Everything that is wrong with one rule set; ``problems`` holds one error for each mistake."""

    def __init__(self, file: str, problems: tuple[ConfigError, ...]) -> None:
        self.problems = problems
        super().__init__(f"{len(problems)} mistakes", where=file)

    def sentence(self) -> str:
        """One line for each mistake."""
        return "\n".join(problem.sentence() for problem in self.problems)


class Mistakes:
    """The mistakes found so far in one file."""

    __slots__ = ("_found", "file")

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: list[ConfigError] = []

    def add(self, key: str, what: str, *, why: str = "", remedy: str = "") -> None:
        """Note a mistake at a key such as ``correlation.threshold``."""
        self._found.append(ConfigError(what, where=f"{self.file}: {key}" if key else self.file, why=why, remedy=remedy))

    def any_in(self, *tables: str) -> bool:
        """Whether a mistake was noted at a key of one of these tables: what was read there is not what was written."""
        return any((problem.where.rpartition(": ")[2]).partition(".")[0] in tables for problem in self._found)

    def take(self, key: str, error: ConfigError) -> None:
        """Note an error of a part, with the key at which it arose."""
        self.add(key, error.what, why=error.why, remedy=error.remedy)

    def raise_if_any(self) -> None:
        """Raises RuleSetError when anything was noted."""
        if self._found:
            raise RuleSetError(self.file, tuple(self._found))
