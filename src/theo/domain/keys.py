"""Who and what a record belongs to: the keys that every command, intent, order, fill, trade and decision carries."""

from enum import StrEnum

import msgspec


class Mode(StrEnum):
    """Where orders go. Only LIVE is real money."""

    BACKTEST = "backtest"
    REPLAY = "replay"
    VIRTUAL = "virtual"
    PAPER = "paper"
    LIVE = "live"


class Key(msgspec.Struct, frozen=True, array_like=True):
    """Account, user, mode and run of a process, and the strategy configuration of one record.

    ``config`` is the rule set's name and ``config_version`` the first 12 hex digits of its content's SHA-256.
    """

    account: str = "SIM"
    user: str = "owner"
    mode: Mode = Mode.BACKTEST
    run: str = ""
    config: str = ""
    config_version: str = ""
