"""The command line's groups that look after stored data: ``theo import`` and ``theo journal``."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from theo.app.cli.download import BarScope
from theo.app.cli.options import Json, home_of

importing = typer.Typer()
journal = typer.Typer()


class BarLabel(StrEnum):
    """What a bar's only time is."""

    START = "start"
    END = "end"


class BarRepair(StrEnum):
    """What to do with a bar whose high and low do not enclose its open and close."""

    REFUSE = "refuse"
    WIDEN = "widen"
    SKIP = "skip"


File = Annotated[Path, typer.Argument(help="CSV (also .gz), Parquet or DBN (also .zst).")]
Symbol = Annotated[str, typer.Option(help="A shipped instrument, or one of your instruments.toml.")]
Source = Annotated[str, typer.Option(help="Name of the series in the store (default import:FILE).")]
Zone = Annotated[str, typer.Option(help="Time zone of times without one, for example America/New_York.")]
Columns = Annotated[
    list[str] | None, typer.Option("--column", metavar="OURS=THEIRS", help="Which column is which; may be given several times.")
]
Sort = Annotated[bool, typer.Option("--sort", help="Sort rows that are out of order.")]
Round = Annotated[bool, typer.Option("--round", help="Round prices to the instrument's decimals instead of refusing them.")]
AnySign = Annotated[bool, typer.Option("--any-sign", help="Allow prices of zero and below (spreads).")]


@importing.command("bars")
def import_bars(
    context: typer.Context,
    file: File,
    symbol: Symbol,
    timeframe: Annotated[str, typer.Option(help="For example 30s, 15min, 60min, 1d.")],
    source: Source = "",
    zone: Zone = "",
    label: Annotated[BarLabel | None, typer.Option(help="What a bar's only time is; never guessed.")] = None,
    sort: Sort = False,
    round_prices: Round = False,
    any_sign: AnySign = False,
    repair: Annotated[BarRepair, typer.Option(help="Bars whose high and low do not enclose open and close.")] = BarRepair.REFUSE,
    split: Annotated[
        list[str] | None,
        typer.Option(metavar="DATE:NEW:OLD", help="Bring older bars to the scale after a split: 2020-08-31:4:1. Several times."),
    ] = None,
    scope: Annotated[BarScope, typer.Option(help="Hours that daily bars cover.")] = BarScope.RTH,
    column: Columns = None,
    no_levels: Annotated[bool, typer.Option("--no-levels", help="Leave the standard levels of the bars for later.")] = False,
    json: Json = False,
) -> None:
    """Import a file of bars: every row is checked first, then all become visible at once, or none."""
    from theo.app.commands.importing import BarWishes, FileWishes, run_bars

    common = FileWishes(symbol, source, zone, tuple(column or ()), sort=sort, round_prices=round_prices, any_sign=any_sign)
    wishes = BarWishes(
        common, timeframe, label and label.value, repair.value, tuple(split or ()), scope.value, levels=not no_levels
    )
    raise typer.Exit(run_bars(home_of(context), file, wishes, json=json))


@importing.command("ticks")
def import_ticks(
    context: typer.Context,
    file: File,
    symbol: Symbol,
    source: Source = "",
    zone: Zone = "",
    sort: Sort = False,
    round_prices: Round = False,
    any_sign: AnySign = False,
    column: Columns = None,
    json: Json = False,
) -> None:
    """Import a file of ticks: every row is checked first, then all become visible at once, or none."""
    from theo.app.commands.importing import FileWishes, run_ticks

    wishes = FileWishes(symbol, source, zone, tuple(column or ()), sort=sort, round_prices=round_prices, any_sign=any_sign)
    raise typer.Exit(run_ticks(home_of(context), file, wishes, json=json))


@importing.command("roll")
def import_roll(
    context: typer.Context,
    symbol: Annotated[str, typer.Argument(help="A future of whose contracts bars are stored.")],
    timeframe: Annotated[str, typer.Option(help="Of the stored bars.")],
    source: Annotated[str, typer.Option(help="Of the stored bars, where there are several.")] = "",
    json: Json = False,
) -> None:
    """Make a future's roll calendar from stored bars of its contracts, and its continuous series, as traded and back-adjusted."""
    from theo.app.commands.roll import run_roll

    raise typer.Exit(run_roll(home_of(context), symbol, timeframe, source=source, json=json))


@importing.command("list")
def import_list(context: typer.Context, json: Json = False) -> None:
    """What the store holds: every series of bars, and the range of ticks."""
    from theo.app.commands.importing import run_list

    raise typer.Exit(run_list(home_of(context), json=json))


@journal.command("verify")
def journal_verify(
    context: typer.Context,
    redecide: Annotated[bool, typer.Option("--redecide", help="Also decide every input again and compare the facts.")] = False,
    run_id: Annotated[str, typer.Option("--run", help="Only this run (default: every one).")] = "",
    json: Json = False,
) -> None:
    """Walk the hash chain of every stream of every journal; compare with the anchors kept outside the database."""
    from theo.app.commands.journal import run_verify

    raise typer.Exit(run_verify(home_of(context), run_id=run_id, decide_again=redecide, json=json))


@journal.command("rebuild")
def journal_rebuild(
    context: typer.Context,
    replace: Annotated[bool, typer.Option("--replace", help="Put the rebuilt tables in place of the present ones.")] = False,
    run_id: Annotated[str, typer.Option("--run", help="Only this run (default: every one).")] = "",
    json: Json = False,
) -> None:
    """Project the journal into fresh tables and compare them with the present ones."""
    from theo.app.commands.journal import run_rebuild

    raise typer.Exit(run_rebuild(home_of(context), run_id=run_id, replace=replace, json=json))
