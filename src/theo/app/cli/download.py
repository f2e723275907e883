"""``theo download``: bars of IB's history into the store."""

from enum import StrEnum
from typing import Annotated

import typer

from theo.app.cli.options import Json, home_of


class BarScope(StrEnum):
    """Which hours daily bars cover."""

    RTH = "RTH"
    ALL = "ALL"


def download(
    context: typer.Context,
    symbol: Annotated[str, typer.Argument(help="A shipped instrument, or one of your instruments.toml.")],
    timeframe: Annotated[str, typer.Option(help="For example 30s, 15min, 60min, 1d.")],
    from_: Annotated[str, typer.Option("--from", metavar="DATE", help="First day (UTC), for example 20260102.")],
    to: Annotated[str, typer.Option("--to", metavar="DATE", help="Last day, included (default: until now).")] = "",
    scope: Annotated[BarScope, typer.Option(help="Hours that the bars cover.")] = BarScope.RTH,
    source: Annotated[
        str, typer.Option(help="Name of the series in the store (default ib:rth or ib:all; of a future with its month).")
    ] = "",
    json: Json = False,
) -> None:
    """Bring bars of IB's history into the store, at the pace that IB allows; once more goes on where it was interrupted."""
    from theo.app.commands.market import DownloadWishes, run_download

    wishes = DownloadWishes(symbol, timeframe, from_, to, scope.value, source)
    raise typer.Exit(run_download(home_of(context), wishes, json=json))
