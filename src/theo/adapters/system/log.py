"""Telling a person through the log file and standard error: the notifier that is always there."""

import structlog


class LogNotifier:
    """Writes each message as one structured line; keeps the newest for the screen."""

    KEPT_MAX = 200

    def __init__(self) -> None:
        self._log = structlog.get_logger("theo")
        self.newest: list[tuple[int, str, str]] = []

    def tell(self, at: int, severity: str, code: str, text: str) -> None:
        """Log it by its severity."""
        level = {"info": "info", "warning": "warning", "page": "error"}[severity]
        getattr(self._log, level)(text, code=code, at=at)
        self.newest = [*self.newest[-self.KEPT_MAX :], (at, severity, text)]


class Nobody:
    """Tells nobody: for a look at something whose state is asked for directly."""

    def tell(self, at: int, severity: str, code: str, text: str) -> None:
        """Nothing is told."""
