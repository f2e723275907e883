"""``theo scan``: scan configurations, stored with every change of them, and what they find."""

from pathlib import Path
from typing import Annotated

import typer

from theo.app.cli.options import Json, home_of

scan = typer.Typer()

Name = Annotated[str, typer.Argument(help="Of a scan; `theo scan list` names them.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the scan's history and in the audit trail.")]
Range = Annotated[str, typer.Option("--range", metavar="FROM-TO", help="For example 20190101-20190208; either may be left out.")]
Source = Annotated[str, typer.Option(help="Which imported source of bars, if there are several.")]


@scan.command("init")
def scan_init(context: typer.Context, json: Json = False) -> None:
    """Make the classic scan, MES and VIX, where it is not there yet."""
    from theo.app.commands.scan import run_init

    raise typer.Exit(run_init(home_of(context), json=json))


@scan.command("list")
def scan_list(context: typer.Context, json: Json = False) -> None:
    """Every scan: what it looks at, how often, and whether it is active."""
    from theo.app.commands.scan import run_list

    raise typer.Exit(run_list(home_of(context), json=json))


@scan.command("show")
def scan_show(context: typer.Context, name: Name, json: Json = False) -> None:
    """One scan: its document, its version, who changed it last."""
    from theo.app.commands.scan import run_show

    raise typer.Exit(run_show(home_of(context), name, json=json))


@scan.command("create")
def scan_create(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="FILE|NAME", help="A TOML file; or, with --from, the name of the new scan.")],
    origin: Annotated[
        str, typer.Option("--from", metavar="RULESET", help="A shipped rule set, another scan or a file to begin with.")
    ] = "",
    values: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Another value; may be repeated.")
    ] = None,
    reason: Reason = "",
    json: Json = False,
) -> None:
    """Store a new scan, of a file or of another rule set, after it was checked as a whole."""
    from theo.app.commands.scan import run_create

    raise typer.Exit(run_create(home_of(context), what, origin, values or (), reason=reason, json=json))


@scan.command("edit")
def scan_edit(
    context: typer.Context,
    name: Name,
    file: Annotated[Path | None, typer.Option(help="A TOML file that takes the document's place.")] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="trading.to=15:00; KEY= takes a key away; may be repeated."),
    ] = None,
    change: Annotated[int, typer.Option(min=0, help="The change that you have read: a later one refuses yours.")] = 0,
    reason: Reason = "",
    json: Json = False,
) -> None:
    """Change a scan; what it was stays in its history."""
    from theo.app.commands.scan import Edit, run_edit

    raise typer.Exit(run_edit(home_of(context), name, Edit(file, tuple(values or ()), change), reason=reason, json=json))


@scan.command("enable")
def scan_enable(context: typer.Context, name: Name, reason: Reason = "", json: Json = False) -> None:
    """Let a disabled scan be traded by again; it must be possible from today on."""
    from theo.app.commands.scan import run_activate

    raise typer.Exit(run_activate(home_of(context), name, reason=reason, active=True, json=json))


@scan.command("disable")
def scan_disable(context: typer.Context, name: Name, reason: Reason = "", json: Json = False) -> None:
    """Trade by a scan no longer, and keep it."""
    from theo.app.commands.scan import run_activate

    raise typer.Exit(run_activate(home_of(context), name, reason=reason, active=False, json=json))


@scan.command("delete")
def scan_delete(
    context: typer.Context,
    name: Name,
    reason: Annotated[str, typer.Option(help="Why; required, and kept in the audit trail.")],
    json: Json = False,
) -> None:
    """Take a scan away that no run's records name; its history stays."""
    from theo.app.commands.scan import run_delete

    raise typer.Exit(run_delete(home_of(context), name, reason=reason, json=json))


@scan.command("history")
def scan_history(context: typer.Context, name: Name, json: Json = False) -> None:
    """Every change of a scan, also of a deleted one: who, when, why, and what was otherwise."""
    from theo.app.commands.scan import run_history

    raise typer.Exit(run_history(home_of(context), name, json=json))


@scan.command("export")
def scan_export(
    context: typer.Context,
    name: Name,
    file: Annotated[Path, typer.Argument(help='A new file; "-" is the screen.')] = Path("-"),
) -> None:
    """Write a scan's document as a TOML file, which `theo scan import` and every command that takes a rule set read."""
    from theo.app.commands.scan import run_export

    raise typer.Exit(run_export(home_of(context), name, file))


@scan.command("import")
def scan_import(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="TOML files; each names its scan.")],
    reason: Reason = "",
    json: Json = False,
) -> None:
    """Store scans of files: a new one is made, one that is there is changed. Nothing is stored unless every file is right."""
    from theo.app.commands.scan import run_import

    raise typer.Exit(run_import(home_of(context), files, reason=reason, json=json))


@scan.command("run")
def scan_run(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Of a scan, or any rule set.")],
    source: Source = "",
    json: Json = False,
) -> None:
    """Judge the newest stored bar now: each condition with its numbers. Nothing is traded."""
    from theo.app.commands.scan_signals import run_newest

    raise typer.Exit(run_newest(home_of(context), name, source=source, json=json))


@scan.command("test")
def scan_test(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Of a scan, or any rule set.")],
    timerange: Range = "",
    source: Source = "",
    json: Json = False,
) -> None:
    """List what a scan would have signalled over stored bars: when, for which side, at which price and correlation."""
    from theo.app.commands.scan_signals import run_test

    raise typer.Exit(run_test(home_of(context), name, timerange=timerange, source=source, json=json))
