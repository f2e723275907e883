"""Crashes: the process is gone between two port calls. Files and the exchange stay."""


class Crash(BaseException):
    """kill -9."""


class CrashPoints:
    """Counts the moments before and after each port call; crashes at one of them, or by chance."""

    def __init__(self, at: int = 0) -> None:
        self.count = 0
        self._at = at
        self.names: list[str] = []

    def pass_by(self, name: str, *, chance: bool) -> None:
        """One moment; raises Crash when it is the chosen one."""
        self.count += 1
        self.names.append(name)
        if chance or self.count == self._at:
            raise Crash(f"{name} (moment {self.count})")
