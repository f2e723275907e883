"""``theo api``: the HTTP interface."""

from typing import Annotated

import typer

from theo.app.cli.options import RunOption, home_of


def api(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Where to listen; another than loopback needs a key.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
    run_id: RunOption = "",
) -> None:
    """Serve the HTTP interface: bars, levels, decisions, signals, health. It changes nothing."""
    from theo.app.commands.api import run

    raise typer.Exit(run(home_of(context), host, port, run_id))
