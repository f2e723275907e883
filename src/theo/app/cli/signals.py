"""The command line's group for signals: ``theo signal``."""

from enum import StrEnum
from typing import Annotated

import typer

from theo.app.cli.options import Json, RunOption, home_of
from theo.app.cli.order import (
    Id,
    Limit,
    OutsideRth,
    Quantity,
    Reason,
    RiskPercent,
    RouteOption,
    SideArgument,
    Stop,
    StopTrail,
    Symbol,
    Target,
    Tif,
    TifWord,
    Trail,
    Trigger,
    Type,
    TypeWord,
)

signal = typer.Typer()

SignalId = Annotated[str, typer.Argument(metavar="SIGNAL", help="A signal's id; `theo signal list` shows them.")]


class StatusWord(StrEnum):
    """Where a signal stands."""

    PENDING = "PENDING"
    VALIDATED = "VALIDATED"
    EXECUTED = "EXECUTED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"


@signal.command("list")
def list_(
    context: typer.Context,
    count: Annotated[int, typer.Option("--count", min=1, max=10_000, help="The newest so many.")] = 20,
    status: Annotated[StatusWord | None, typer.Option("--status", case_sensitive=False, help="Only those that stand so.")] = None,
    strategy: Annotated[str, typer.Option("--strategy", help='Only of this rule set; "manual" for those by hand.')] = "",
    run: RunOption = "",
    json: Json = False,
) -> None:
    """The newest signals, of strategies and by hand, with what became of each."""
    from theo.app.commands import signals as command
    from theo.app.inbox.signals import list_signals

    found = list_signals(home_of(context), run=run, count=count, status=status or "", strategy=strategy)
    raise typer.Exit(command.table(found, json=json))


@signal.command("show")
def show(context: typer.Context, signal_id: SignalId, run: RunOption = "", json: Json = False) -> None:
    """One signal with all of its fields."""
    from theo.app.commands import signals as command
    from theo.app.inbox.signals import get_signal

    raise typer.Exit(command.show(get_signal(home_of(context), signal_id, run=run), json=json))


@signal.command("create")
def create(
    context: typer.Context,
    symbol: Symbol,
    side: SideArgument,
    quantity: Quantity,
    type_: Type = TypeWord.MARKET,
    limit: Limit = "",
    trigger: Trigger = "",
    trail: Trail = "",
    stop: Stop = "",
    stop_trail: StopTrail = "",
    target: Target = "",
    tif: Tif = TifWord.DAY,
    risk_percent: RiskPercent = 1.0,
    outside_rth: OutsideRth = False,
    route: RouteOption = None,
    expires_minutes: Annotated[
        int, typer.Option("--expires-minutes", min=1, max=43_200, help="Given up if nobody processes it by then.")
    ] = 1_440,
    command_id: Id = "",
    reason: Reason = "",
    run: RunOption = "",
    json: Json = False,
) -> None:
    """Keep an entry as a signal: nothing is sent before you process it."""
    from theo.app.commands import order, signals
    from theo.app.inbox.signals import create_signal
    from theo.domain.asked import SignalAsked

    prices = {"limit": limit, "trigger": trigger, "trail": trail, "stop": stop, "stop_trail": stop_trail, "target": target}
    entry = order.entry(
        symbol, side, quantity, type_, tif, prices, risk_percent=risk_percent, outside_rth=outside_rth, route=route or ""
    )
    asked, home = SignalAsked(entry, expires_minutes), home_of(context)
    raise typer.Exit(signals.run(lambda: create_signal(home, asked, run=run, command_id=command_id, reason=reason), json=json))


@signal.command("process")
def process(
    context: typer.Context,
    signal_id: SignalId,
    command_id: Id = "",
    reason: Reason = "",
    run: RunOption = "",
    json: Json = False,
) -> None:
    """Promote a signal to a trade: an entry with its stop and target, if every rule lets it pass."""
    from theo.app.commands import signals
    from theo.app.inbox.signals import process_signal

    home = home_of(context)
    raise typer.Exit(
        signals.run(lambda: process_signal(home, signal_id, run=run, command_id=command_id, reason=reason), json=json)
    )


@signal.command("cancel")
def cancel(
    context: typer.Context,
    signal_id: SignalId,
    command_id: Id = "",
    reason: Reason = "",
    run: RunOption = "",
    json: Json = False,
) -> None:
    """Withdraw a signal that waits. One that was promoted has an entry: cancel that."""
    from theo.app.commands import signals
    from theo.app.inbox.signals import cancel_signal

    home = home_of(context)
    raise typer.Exit(
        signals.run(lambda: cancel_signal(home, signal_id, run=run, command_id=command_id, reason=reason), json=json)
    )
