"""``theo levels``: the standard levels of stored bars."""

from typing import Annotated

import typer

from theo.app.cli.options import Json, home_of

levels = typer.Typer()

Symbols = Annotated[list[str] | None, typer.Argument(metavar="[SYMBOL]...", help="Only of these (default: of all).")]
Run = Annotated[
    str, typer.Option("--run", help="Of the bars of this run: own, demo or a kept run's name (default: the imported).")
]
Frame = Annotated[str, typer.Option(help="Only of this timeframe: 5min, 15min, 30min, 60min or 1d.")]


@levels.command("compute")
def levels_compute(
    context: typer.Context,
    symbols: Symbols = None,
    timeframe: Frame = "",
    since: Annotated[
        str, typer.Option("--from", metavar="DATE", help="Again from this day on (UTC), for example 20190101.")
    ] = "",
    run_id: Run = "",
    json: Json = False,
) -> None:
    """Compute what is not computed yet, and store it; stopped at any time it goes on where it was."""
    from theo.app.commands.levels import Wanted, run_compute

    raise typer.Exit(run_compute(home_of(context), Wanted(tuple(symbols or ()), timeframe, run_id), since=since, json=json))


@levels.command("verify")
def levels_verify(
    context: typer.Context, symbols: Symbols = None, timeframe: Frame = "", run_id: Run = "", json: Json = False
) -> None:
    """Compute every level anew from its series' first bar, and compare with what is stored. Exit code 1 for a difference."""
    from theo.app.commands.levels import Wanted, run_verify

    raise typer.Exit(run_verify(home_of(context), Wanted(tuple(symbols or ()), timeframe, run_id), json=json))


@levels.command("show")
def levels_show(
    context: typer.Context,
    symbol: Annotated[str, typer.Argument(help="For example MES.")],
    timeframe: Frame = "15min",
    bars: Annotated[int, typer.Option(min=1, max=10_000, help="How many of the newest bars.")] = 10,
    run_id: Run = "",
    json: Json = False,
) -> None:
    """The stored levels of the newest bars."""
    from theo.app.commands.levels import Wanted, run_show

    raise typer.Exit(run_show(home_of(context), Wanted((symbol,), timeframe, run_id), bars, json=json))


@levels.command("new")
def levels_new(
    context: typer.Context,
    symbols: Symbols = None,
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many.")] = 20,
    run_id: Run = "",
    json: Json = False,
) -> None:
    """The swing highs and lows that became known last, newest first."""
    from theo.app.commands.levels import Wanted, run_new

    raise typer.Exit(run_new(home_of(context), Wanted(tuple(symbols or ()), "", run_id), count, json=json))
