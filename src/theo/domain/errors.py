"""The error tree, sorted by who must act.

TheoError
+-- UserError            we were asked for something that cannot be: say what, where, why and what to do (exit code 2)
|   +-- ConfigError      a configuration or rule-set file: names file, key and remedy
|   +-- DataError        an imported or stored row: names file, row and remedy
|   +-- NotThereError    what was named is not there
|   +-- ConflictError    it is not, or no longer, as it was thought to be: look again, then decide
+-- RefusedError         the other side said no: do not retry
+-- OutcomeUnknownError  the link was lost after the send: ask, never send again blindly
+-- HaltRequiredError    a person is needed: halt and page
+-- CorruptionError      stored bytes contradict themselves: stop, touch nothing, name the place
Anything else that escapes is our bug and crashes.
"""


class TheoError(Exception):
    """Base of every error that the platform raises on purpose."""

    def __init__(self, what: str, *, where: str = "", why: str = "", remedy: str = "") -> None:
        self.what, self.where, self.why, self.remedy = what, where, why, remedy
        super().__init__(self.sentence())

    def sentence(self) -> str:
        """What happened, where, why, and what to do, in one line."""
        text = f"{self.where}: {self.what}" if self.where else self.what
        if self.why:
            text += f" ({self.why})"
        if self.remedy:
            text += f". {self.remedy}"
        return text


class UserError(TheoError):
    """We were asked for something that cannot be."""


class ConfigError(UserError):
    """A configuration or rule-set file is wrong."""


class DataError(UserError):
    """An imported or stored row is wrong."""


class NotThereError(UserError):
    """What was named is not there."""


class ConflictError(UserError):
    """What was to be changed is not as it was thought to be: another was quicker, or has the name already."""


class RefusedError(TheoError):
    """The other side said no."""


class OutcomeUnknownError(TheoError):
    """The link was lost after the send: nobody knows yet whether it arrived."""


class HaltRequiredError(TheoError):
    """A person is needed."""


class CorruptionError(TheoError):
    """Stored bytes contradict themselves."""
