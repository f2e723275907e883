"""The configuration: one validated file, ``theo.toml`` in the home, and the environment over it. Parsed once, frozen.

``THEO__LIMITS__OPEN_TRADES_MAX=5`` in the environment is ``open_trades_max = 5`` under ``[limits]``. Unknown keys and values
that cannot be meant are refused before anything is opened. ``mode`` is where orders go: nowhere ("virtual"), to the
broker's paper account, or to real money, which takes more words (broker.py).
"""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from theo.adapters.ib.settings import IbSettings
from theo.app.configuration.broker import IbTable, LiveTable, Mode, gate_settings, ib_settings
from theo.app.configuration.options import OptionsTable, OptionTerms, option_terms
from theo.app.configuration.roll import RollTable, roll_rules
from theo.domain.errors import ConfigError, TheoError
from theo.market.rolls import RollRule
from theo.market.standard_levels import LevelSettings
from theo.market.trust import TrustBounds
from theo.report.allocation import AccountMethod
from theo.report.lots import LotMethod
from theo.risk.limits import Limits
from theo.runtime.session_gate import GateSettings
from theo.venue.exchange import VenueSettings


class ExchangeTable(BaseModel):
    """``[exchange]``: how the simulated exchange treats orders."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit_fills: Literal["through", "touch"] = "through"
    slippage_ticks: int = Field(default=0, ge=0, le=1_000)
    latency_ms: int = Field(default=0, ge=0, le=60_000)
    participation: float = Field(default=0.0, ge=0.0, le=1.0)


class DataTable(BaseModel):
    """``[data]``: when a hole in a series blocks its signals (theo.market.trust.TrustBounds)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    history_gaps: Literal["trust", "block"] = "trust"
    whole_bars_min: int = Field(default=50, ge=1, le=10_000)


class ReportTable(BaseModel):
    """``[report]``: how closing fills are matched to lots, and whose they are when several accounts take part."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lot_method: LotMethod = LotMethod.FIFO
    account_method: AccountMethod = AccountMethod.PRO_RATA
    accounts: dict[str, Annotated[int, Field(ge=1, le=1_000_000)]] = {}


class OrdersTable(BaseModel):
    """``[orders]``: what a person's own orders may do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    entries: Literal["protected", "stop after fill"] = "protected"
    check_margin: bool = False


class DatabaseTable(BaseModel):
    """``[database]``: the server that holds the tables. Read before everything else, and on its own: see theo.app.home.layout."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = ""


class OrderSettings(msgspec.Struct, frozen=True):
    """``stop_after_fill``: IOC and FOK entries go alone, their stop follows. ``check_margin``: not without the broker's word."""

    stop_after_fill: bool = False
    check_margin: bool = False


class ArchiveTable(BaseModel):
    """``[archive]``: how many days of ticks `theo archive run` leaves in the database."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    keep_days: int = Field(default=90, ge=1, le=100_000)


class DecisionsTable(BaseModel):
    """``[decisions]``: how many days of decisions `theo db prune` leaves in their table; 0 keeps all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    keep_days: int = Field(default=0, ge=0, le=100_000)


class LevelsTable(BaseModel):
    """``[levels]``: parameters of the standard levels (theo.market.standard_levels.LevelSettings)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    k: int = Field(default=2, ge=1, le=100)
    atr_n: int = Field(default=14, ge=1, le=1_000)
    stop_m: float = Field(default=3.0, gt=0.0, le=100.0)
    donchian_n: int = Field(default=20, ge=1, le=1_000)


class ApiTable(BaseModel):
    """``[api]``: the file that holds the key (its first and only line), and names by which the interface is reached."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key_file: str = ""
    hosts: tuple[Annotated[str, Field(pattern=r"^[a-z0-9.-]{1,253}$")], ...] = ()


class Configuration(BaseSettings):
    """The whole file. ``limits`` holds the fields of theo.risk.limits.Limits; what is missing has its default."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix="THEO__", env_nested_delimiter="__", nested_model_default_partial_update=True
    )

    mode: Mode = "virtual"
    limits: dict[str, float | str] = {}
    exchange: ExchangeTable = ExchangeTable()
    data: DataTable = DataTable()
    report: ReportTable = ReportTable()
    orders: OrdersTable = OrdersTable()
    ib: IbTable = IbTable()
    live: LiveTable = LiveTable()
    roll: dict[str, RollTable] = {}
    options: dict[str, OptionsTable] = {}
    database: DatabaseTable = DatabaseTable()
    archive: ArchiveTable = ArchiveTable()
    levels: LevelsTable = LevelsTable()
    api: ApiTable = ApiTable()
    decisions: DecisionsTable = DecisionsTable()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - named by the library; no .env is read
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - named by the library; there are no secrets yet
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


class Configured(msgspec.Struct, frozen=True):
    """What the rest of the platform gets to see."""

    limits: Limits
    exchange: VenueSettings
    trust: TrustBounds
    report: ReportTable
    mode: Mode
    ib: IbSettings
    gate: GateSettings
    gate_zone: str
    orders: OrderSettings = OrderSettings()
    rolls: dict[str, RollRule] = {}
    options: dict[str, OptionTerms] = {}
    archive_keep_days: int = 90
    levels: LevelSettings = LevelSettings()
    api: ApiTable = ApiTable()
    decisions_keep_days: int = 0


def configured(file: Path) -> Configured:
    """Read and check the configuration; a missing file means the defaults. Raises ConfigError naming file, key and remedy."""

    class FromFile(Configuration):
        model_config = SettingsConfigDict(toml_file=file if file.exists() else None)

    try:
        settings = FromFile()
        limits = msgspec.convert(_whole(settings.limits), Limits)
    except ValidationError as error:
        raise ConfigError("; ".join(_said(e["loc"], e["msg"], e["input"]) for e in error.errors()), where=f"{file}") from error
    except (msgspec.ValidationError, TheoError) as error:
        raise ConfigError(f"[limits]: {error}", where=str(file), remedy="See the reference of limits") from error
    except ValueError as error:  # not TOML
        raise ConfigError(
            f"cannot be read: {error}", where=str(file), remedy="Correct the line that the message names"
        ) from error
    table = settings.exchange
    exchange = VenueSettings(
        limit_fills=table.limit_fills,
        slippage_ticks=table.slippage_ticks,
        latency=table.latency_ms * 1_000,
        participation=table.participation,
    )
    trust = TrustBounds(whole_bars_min=settings.data.whole_bars_min, history_gaps_block=settings.data.history_gaps == "block")
    ib = ib_settings(settings.mode, settings.ib, settings.live, str(file))
    orders = OrderSettings(settings.orders.entries == "stop after fill", settings.orders.check_margin)
    gate, rolls = gate_settings(settings.ib), roll_rules(settings.roll, str(file))
    return Configured(
        limits=limits,
        exchange=exchange,
        trust=trust,
        report=settings.report,
        mode=settings.mode,
        ib=ib,
        gate=gate,
        gate_zone=settings.ib.zone,
        orders=orders,
        rolls=rolls,
        options=option_terms(settings.options, str(file)),
        archive_keep_days=settings.archive.keep_days,
        api=settings.api,
        decisions_keep_days=settings.decisions.keep_days,
        levels=LevelSettings(**settings.levels.model_dump()),
    )


def _whole(limits: dict[str, float | str]) -> dict[str, float | int | str]:
    """Numbers of the environment come as text, whole numbers as floats: counts must be whole again."""
    found: dict[str, float | int | str] = {}
    for name, value in limits.items():
        number: float | int | str = value
        if isinstance(value, str) and value.replace(".", "", 1).isdigit():
            number = float(value)
        found[name] = int(number) if isinstance(number, float) and number.is_integer() else number
    return found


def _said(location: tuple[int | str, ...], message: str, value: object) -> str:
    key = ".".join(str(part) for part in location)
    if key == "mode":
        return f'mode is {value!r}: use "virtual" (no order leaves this machine), "paper" or "live"'
    if message.startswith("Extra inputs"):
        return f"unknown key {key}"
    if key.startswith("database"):
        return f"{key}: {message.lower()}"  # the value may hold a password
    return f"{key}: {message.lower()}, not {value!r}"
