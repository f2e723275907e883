"""``theo db``: the database server, what it holds, and how well."""

from typing import Annotated

import typer

from theo.app.cli_options import Json, home_of

db = typer.Typer(help="The database: a PostgreSQL server of your own, what it holds, and how well.", no_args_is_help=True)


@db.command("start")
def db_start(
    context: typer.Context,
    user: Annotated[str, typer.Option("--as", metavar="USER", help="As root: who the server runs as. Never root.")] = "",
    json: Json = False,
) -> None:
    """Start a PostgreSQL server in the data directory, made when it is first started, and print its address."""
    from theo.app.commands.server import run_start

    raise typer.Exit(run_start(home_of(context), user=user, json=json))


@db.command("stop")
def db_stop(context: typer.Context, json: Json = False) -> None:
    """Stop the PostgreSQL server of the data directory: its clients end, nothing is lost."""
    from theo.app.commands.server import run_stop

    raise typer.Exit(run_stop(home_of(context), json=json))
