"""One output of an indicator: its value at the newest bar, and the value before it (levels known at the close of T-1)."""


class Column:
    """Plain attributes, read on the hot path. NaN before enough bars."""

    __slots__ = ("previous", "value")

    def __init__(self) -> None:
        self.value = float("nan")
        self.previous = float("nan")
