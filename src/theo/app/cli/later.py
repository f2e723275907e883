"""Groups of commands that are read when one of their commands is asked for: for a list of commands, their names are enough."""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from typer.core import TyperGroup
from typer.main import get_group

if TYPE_CHECKING:
    from typer._click import Command, Context

GROUPS: Mapping[str, tuple[str, str]] = {  # name: module and variable of its typer.Typer, and what the list of commands says
    "import": ("data:importing", "Bring bars or ticks from files into the store."),
    "journal": ("data:journal", "Check the journal, rebuild what is projected from it."),
    "audit": ("audit:audit", "The record of who did what: check it, list it, hand it over."),
    "market": ("market:market", "Ask IB about the market; runs beside a trader and can order nothing."),
    "db": ("db:db", "The database: a PostgreSQL server of your own, what it holds, and how well."),
    "archive": ("archive:archive", "Old ticks out of the database into Parquet files, and back."),
    "levels": ("levels:levels", "The standard levels of stored bars: swings, fractals, ATR, channels, pivots."),
    "order": ("order:order", "Orders by hand: asked of the running trader, judged by every rule, kept, and sent."),
    "signal": ("signals:signal", "Signals: listed, made by hand, promoted to a trade or withdrawn."),
    "trade": ("order:trade", "Open trades."),
    "scan": ("scan:scan", "Scan configurations: stored, changed, looked at, tried over stored bars."),
}


class LaterGroup(TyperGroup):
    """One of GROUPS; ``theo.app.cli`` has its module."""

    def __init__(self, name: str) -> None:
        self._place, text = GROUPS[name]
        super().__init__(name=name, help=text, no_args_is_help=True, rich_markup_mode=None)

    def list_commands(self, ctx: "Context") -> list[str]:
        """Names, in the order of the module."""
        self._read()
        return super().list_commands(ctx)

    def get_command(self, ctx: "Context", cmd_name: str) -> "Command | None":
        """None for a name that it does not have."""
        self._read()
        return super().get_command(ctx, cmd_name)

    def _read(self) -> None:
        if not self.commands:
            module, variable = self._place.split(":")
            self.commands = get_group(getattr(import_module(f"theo.app.cli.{module}"), variable)).commands
