"""Crashes: the process is gone between two port calls. Files and the exchange stay."""

from collections import Counter


class Crash(BaseException):
    """kill -9."""


class CrashPoints:
    """Counts the moments before and after each port call.

    Crashes at moment ``at`` of all, at the ``nth`` moment of one ``name`` ("place:after"), or by chance.
    """

    def __init__(self, at: int = 0, name: str = "", nth: int = 1) -> None:
        self.count = 0
        self.met: Counter[str] = Counter()
        self._at, self._name, self._nth = at, name, nth

    @property
    def chosen(self) -> bool:
        """Whether a moment was chosen."""
        return bool(self._at or self._name)

    @property
    def crashed(self) -> bool:
        """Whether the chosen moment has come."""
        return 0 < self._at <= self.count or (self._name != "" and self.met[self._name] >= self._nth)

    def pass_by(self, name: str, *, chance: bool = False) -> None:
        """One moment; raises Crash when it is the chosen one."""
        self.count += 1
        self.met[name] += 1
        if chance or self.count == self._at or (name == self._name and self.met[name] == self._nth):
            raise Crash(f"{name} (moment {self.count})")
