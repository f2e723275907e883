"""``[ib]`` and ``[live]`` of the configuration, and what they may say together with the mode.

Paper is the default everywhere. Orders of real money need four things that agree: the mode, an account named in ``[live]``, the
confirmation in words, and a port on which TWS serves live logins.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from theo.adapters.ib.accounts import LIVE_PORTS, is_paper
from theo.adapters.ib.budget import Limits
from theo.adapters.ib.settings import QUESTION_IDS, IbSettings
from theo.domain.errors import ConfigError
from theo.domain.market_data import DAY, HOUR, MINUTE
from theo.domain.orders import Route
from theo.runtime.session_gate import NEVER_RESTARTS, GateSettings

Mode = Literal["virtual", "paper", "live"]
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
TIME_OF_DAY = r"^([01]\d|2[0-3]):[0-5]\d$"


class IbTable(BaseModel):
    """``[ib]``: how TWS or IB Gateway is reached, and when it restarts by its own clock."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=7497, ge=1, le=65_535)
    client_id: int = Field(default=1, ge=0, le=2_147_483_647)
    data_client_id: int = Field(default=-1, ge=-1, le=2_147_483_647)  # -1: no socket of its own
    question_client_id: int = Field(default=91, ge=1, le=2_147_483_000)
    account: str = ""
    read_only: bool = False
    quotes: bool = False
    lines: int = Field(default=95, ge=1, le=10_000)
    restart: str = Field(default="", pattern=rf"^$|{TIME_OF_DAY}")
    zone: str = "America/New_York"
    login_day: Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"] = "Sunday"
    login_time: str = Field(default="01:00", pattern=TIME_OF_DAY)
    routes: dict[str, Literal["SMART", "DIRECT", "ARCA", "NYSE", "NASDAQ", "CBOE", "CME"]] = {}


class LiveTable(BaseModel):
    """``[live]``: the account of real money, and the sentence that says that it is meant."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    account: str = ""
    confirm: str = ""


def confirmation(account: str) -> str:
    """The sentence that ``[live] confirm`` must hold."""
    return f"I trade real money on {account}"


def ib_settings(mode: Mode, ib: IbTable, live: LiveTable, where: str) -> IbSettings:
    """The connection that these tables mean. Raises ConfigError for what contradicts itself, before anything connects."""
    if mode == "live":
        _check_live(ib, live, where)
    elif ib.port in LIVE_PORTS and not ib.read_only:
        raise ConfigError(
            f"[ib] port {ib.port} is a port of live logins, and the mode is {mode}",
            where=where,
            why="orders that were meant for paper would be real",
            remedy="Use 7497 (TWS) or 4002 (Gateway) of a paper login, or read_only = true to read data only",
        )
    elif ib.account and not is_paper(ib.account) and not ib.read_only:
        raise ConfigError(
            f"[ib] account {ib.account} is an account of real money, and the mode is {mode}",
            where=where,
            remedy="Name the paper account, which begins with D",
        )
    if ib.data_client_id == ib.client_id:
        raise ConfigError(
            f"[ib] data_client_id and client_id are both {ib.client_id}",
            where=where,
            why="TWS takes each id once",
            remedy="Use another one, or remove data_client_id",
        )
    if taken := {ib.client_id, ib.data_client_id} & set(range(ib.question_client_id, ib.question_client_id + QUESTION_IDS)):
        raise ConfigError(
            f"[ib] question_client_id {ib.question_client_id} reaches a trader's id, {min(taken)}",
            where=where,
            why=f"those who only ask take that id and the next {QUESTION_IDS - 1}",
            remedy="Use another one",
        )
    return IbSettings(
        host=ib.host,
        port=ib.port,
        client_id=ib.client_id,
        data_client_id=ib.data_client_id if ib.data_client_id >= 0 else None,
        question_client_id=ib.question_client_id,
        account=live.account if mode == "live" else ib.account,
        live=mode == "live",
        quotes=ib.quotes,
        read_only=ib.read_only,
        limits=Limits(lines=ib.lines),
        routes={symbol: Route(route) for symbol, route in ib.routes.items()},
    )


def _check_live(ib: IbTable, live: LiveTable, where: str) -> None:
    if not live.account or is_paper(live.account):
        raise ConfigError(
            f"mode is live, and [live] account is {live.account!r}", where=where, remedy="Name the account of real money there"
        )
    if live.confirm != confirmation(live.account):
        raise ConfigError(
            "mode is live, and [live] confirm does not say so",
            where=where,
            why="real money is traded only where the configuration says it in words",
            remedy=f'Write confirm = "{confirmation(live.account)}"',
        )
    if ib.port not in LIVE_PORTS:
        raise ConfigError(
            f"mode is live, and [ib] port {ib.port} is not a port of live logins",
            where=where,
            remedy="Use 7496 (TWS) or 4001 (Gateway)",
        )
    if ib.read_only:
        raise ConfigError("mode is live, and [ib] read_only is true", where=where, remedy="Remove one of the two")


def gate_settings(ib: IbTable) -> GateSettings:
    """When the gateway restarts and the login ends."""
    return GateSettings(
        restart_at=time_of_day(ib.restart) if ib.restart else NEVER_RESTARTS,
        weekly_login_at=WEEKDAYS.index(ib.login_day) * DAY + time_of_day(ib.login_time),
    )


def time_of_day(text: str) -> int:
    """Microseconds since midnight of ``HH:MM``."""
    hours, minutes = text.split(":")
    return int(hours) * HOUR + int(minutes) * MINUTE
