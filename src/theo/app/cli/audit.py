"""``theo audit``: the record of what was done, checked, listed, and handed to others."""

from pathlib import Path
from typing import Annotated

import typer

from theo.app.cli.options import Json, home_of

audit = typer.Typer()

Run = Annotated[
    str, typer.Option("--run", help='Only this run; "audit" is what no run records, "scans" their changes (default: all).')
]
From = Annotated[str, typer.Option("--from", metavar="TIME", help="First moment, New York time unless a zone is given.")]
To = Annotated[str, typer.Option("--to", metavar="TIME", help="The moment before which it ends.")]


@audit.command("verify")
def audit_verify(context: typer.Context, run_id: Run = "", json: Json = False) -> None:
    """Walk every chain, compare it with the anchors, here and elsewhere, and see that the database still refuses changes."""
    from theo.app.commands.audit import run_verify

    raise typer.Exit(run_verify(home_of(context), run_id=run_id, json=json))


@audit.command("list")
def audit_list(context: typer.Context, run_id: Run = "", start: From = "", end: To = "", json: Json = False) -> None:
    """Who did what, by time: commands, halts, starts, configurations, exports, backups."""
    from theo.app.commands.audit import run_list

    raise typer.Exit(run_list(home_of(context), run_id=run_id, start=start, end=end, json=json))


@audit.command("export")
def audit_export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help='A new file; "-" is the screen.')],
    run_id: Run = "",
    start: From = "",
    end: To = "",
    csv: Annotated[bool, typer.Option("--csv", help="Comma-separated values instead of a JSON object a line.")] = False,
) -> None:
    """Write the records with their hashes, for anyone to check without theo."""
    from theo.app.commands.audit import run_export

    raise typer.Exit(run_export(home_of(context), file, run_id=run_id, start=start, end=end, csv=csv))


@audit.command("set-back")
def audit_set_back(
    context: typer.Context,
    run_id: Annotated[str, typer.Argument(metavar="RUN", help='own, demo, a kept run\'s name, "audit" or "scans".')],
    reason: Annotated[str, typer.Option(help="What was restored, and why; kept in the audit trail.")],
) -> None:
    """After an older backup was restored on purpose: let the journal go on from its end; what came after it is given up."""
    from theo.app.commands.audit import run_set_back

    raise typer.Exit(run_set_back(home_of(context), run_id, reason=reason))
