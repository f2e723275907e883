"""``theo db``: the database server, what it holds, and how well."""

from pathlib import Path
from typing import Annotated

import typer

from theo.app.cli.options import Json, home_of

db = typer.Typer()


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


Programs = Annotated[
    Path | None, typer.Option("--programs", metavar="FOLDER", help="Where pg_dump and pg_restore are (default: the system's).")
]


@db.command("backup")
def db_backup(
    context: typer.Context,
    into: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the backup gets a folder of its own.")],
    programs: Programs = None,
) -> None:
    """Back the home up while it runs: files, databases, manifest; restored once beside and checked before it gets its name."""
    from theo.app.commands.backup import run_backup

    raise typer.Exit(run_backup(home_of(context), into, programs=programs))


@db.command("verify-backup")
def db_verify_backup(
    context: typer.Context,
    backup: Annotated[Path, typer.Argument(metavar="BACKUP", help="A folder that `theo db backup` made.")],
    programs: Programs = None,
) -> None:
    """Restore a backup once more beside it, check everything, and remove that again."""
    from theo.app.commands.backup import run_verify

    raise typer.Exit(run_verify(home_of(context), backup, programs=programs))


@db.command("restore")
def db_restore(
    backup: Annotated[Path, typer.Argument(metavar="BACKUP", help="A folder that `theo db backup` made.")],
    to: Annotated[Path, typer.Argument(metavar="HOME", help="A new data directory; nothing is restored over another.")],
    database: Annotated[str, typer.Option(metavar="URL", help="Of a server's backup: the address of a new database.")] = "",
    programs: Programs = None,
) -> None:
    """Restore a backup into a new data directory (and a new database), and check it: chains, anchors, tables."""
    from theo.app.commands.backup import run_restore

    raise typer.Exit(run_restore(to, backup, database=database, programs=programs))


@db.command("roles")
def db_roles(
    context: typer.Context,
    app: Annotated[
        str, typer.Option(help="The role that theo runs as: it adds to the journal and cannot change it.")
    ] = "theo_app",
    reader: Annotated[str, typer.Option(help="The role of people's queries: it reads the views.")] = "theo_reader",
) -> None:
    """Make the roles of least privilege on the server, and give them what they need. Run it as the tables' owner."""
    from theo.app.commands.roles import run_roles

    raise typer.Exit(run_roles(home_of(context), app=app, reader=reader))


@db.command("status")
def db_status(context: typer.Context, json: Json = False) -> None:
    """Engine and version, sizes, chunks, background jobs, and how far the bars made of ticks are stored."""
    from theo.app.commands.database import run_status

    raise typer.Exit(run_status(home_of(context), json=json))


@db.command("tune")
def db_tune(
    context: typer.Context,
    ticks_a_day: Annotated[int, typer.Option("--ticks", min=1, help="Ticks a day, of all symbols together.")] = 5_000_000,
    memory: Annotated[int, typer.Option(min=256, metavar="MIB", help="Memory that the server may use, in MiB.")] = 4_096,
    compress_after: Annotated[int, typer.Option(min=1, metavar="DAYS", help="Compress ticks that are older.")] = 7,
    keep: Annotated[int, typer.Option(min=0, metavar="DAYS", help="Drop ticks that are older; 0 keeps all.")] = 0,
    apply: Annotated[bool, typer.Option("--apply", help="Run the statements; the settings are the server owner's.")] = False,
    json: Json = False,
) -> None:
    """Settings for the server's memory, and policies for the rate of ticks: chunks, compression, refresh, retention."""
    from theo.app.commands.database import run_tune

    raise typer.Exit(
        run_tune(
            home_of(context),
            ticks_a_day=ticks_a_day,
            memory_mib=memory,
            compress_after=compress_after,
            keep=keep,
            apply=apply,
            json=json,
        )
    )


@db.command("prune")
def db_prune(
    context: typer.Context,
    older_than: Annotated[
        int | None, typer.Option(min=1, metavar="DAYS", help="Days of decisions that stay (default: keep_days of [decisions]).")
    ] = None,
    run_id: Annotated[str, typer.Option("--run", help="Only of this run (default: of every one).")] = "",
    json: Json = False,
) -> None:
    """Take old decisions out of their tables. The journal keeps them, and `theo why` then reads them there."""
    from theo.app.commands.pruning import run_prune

    raise typer.Exit(run_prune(home_of(context), older_than, run_id, json=json))


@db.command("verify")
def db_verify(context: typer.Context, json: Json = False) -> None:
    """Make the bars of 5, 15, 30 and 60 minutes of all stored ticks anew, and compare them with the server's, one by one."""
    from theo.app.commands.aggregates import run_verify

    raise typer.Exit(run_verify(home_of(context), json=json))


@db.command("copy")
def db_copy(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help='Where the home is: "files", or the address of a server.')],
    target: Annotated[str, typer.Argument(help='Where it goes: "files", or the address of a server.')],
    json: Json = False,
) -> None:
    """Copy a home that does not run: to a server, from there to files, to another server. Again goes on where it broke off."""
    from theo.app.commands.copying import run_copy

    raise typer.Exit(run_copy(home_of(context), source, target, json=json))
