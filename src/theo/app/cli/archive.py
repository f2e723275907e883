"""``theo archive``: old ticks out of the database into Parquet files, and back."""

from typing import Annotated

import typer

from theo.app.cli.options import Json, home_of

archive = typer.Typer()

Symbol = Annotated[str, typer.Option(help="Only of this symbol (default: of all).")]


@archive.command("run")
def archive_run(
    context: typer.Context,
    older_than: Annotated[
        int | None, typer.Option(min=0, metavar="DAYS", help="Days that stay in the database (default: keep_days of [archive]).")
    ] = None,
    symbol: Symbol = "",
    json: Json = False,
) -> None:
    """Move whole days of old ticks to files: each is read back and listed before its ticks leave the database."""
    from theo.app.commands.archive import run_run

    raise typer.Exit(run_run(home_of(context), older_than, symbol, json=json))


@archive.command("list")
def archive_list(context: typer.Context, symbol: Symbol = "", json: Json = False) -> None:
    """Every file of the manifest: symbol, day, ticks, size, and whether the database counts on it."""
    from theo.app.commands.archive import run_list

    raise typer.Exit(run_list(home_of(context), symbol, json=json))


@archive.command("verify")
def archive_verify(context: typer.Context, json: Json = False) -> None:
    """Read every file against its checksums, and the manifest against its own chain and the database. Exit code 1 for a fault."""
    from theo.app.commands.archive import run_verify

    raise typer.Exit(run_verify(home_of(context), json=json))


@archive.command("restore")
def archive_restore(
    context: typer.Context,
    symbol: Symbol = "",
    timerange: Annotated[str, typer.Option(help="Days (UTC), for example 20190101-20190208; either may be left out.")] = "",
    unknown: Annotated[
        bool, typer.Option("--unknown", help="Files too that this database knows nothing of, as after its loss.")
    ] = False,
    json: Json = False,
) -> None:
    """Put archived days back into the database. The files stay; a second time changes nothing."""
    from theo.app.commands.archive import run_restore

    raise typer.Exit(run_restore(home_of(context), symbol, timerange, unknown=unknown, json=json))
