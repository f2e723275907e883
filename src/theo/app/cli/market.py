"""The command line's questions to the broker: ``theo market``. None of them can order anything."""

from enum import StrEnum
from typing import Annotated

import typer

from theo.app.cli.options import Json, home_of

market = typer.Typer()


class SignalSide(StrEnum):
    """Of a signal."""

    LONG = "long"
    SHORT = "short"


class Category(StrEnum):
    """Of an option."""

    ITM = "ITM"
    OTM = "OTM"
    DITM = "DITM"
    DOTM = "DOTM"


class Expiry(StrEnum):
    """Of an option's series."""

    WEEKLY = "weekly"
    MONTHLY = "monthly"


Symbols = Annotated[list[str], typer.Argument(metavar="SYMBOL...", help="Shipped instruments, or your own.")]


@market.command("validate")
def validate(context: typer.Context, symbols: Symbols, json: Json = False) -> None:
    """Whether a symbol exists at IB and can be traded, and what IB says of it."""
    from theo.app.commands.market import run_validate

    raise typer.Exit(run_validate(home_of(context), symbols, json=json))


@market.command("price")
def price(context: typer.Context, symbols: Symbols, json: Json = False) -> None:
    """The newest price, also before and after the regular hours."""
    from theo.app.commands.market import run_price

    raise typer.Exit(run_price(home_of(context), symbols, json=json))


@market.command("status")
def status(context: typer.Context, symbols: Symbols, json: Json = False) -> None:
    """Whether it trades now, in which part of its day, and until when."""
    from theo.app.commands.market import run_status

    raise typer.Exit(run_status(home_of(context), symbols, json=json))


@market.command("snapshot")
def snapshot(context: typer.Context, symbols: Symbols, json: Json = False) -> None:
    """Best bid and offer, last trade, the day's prices and volume."""
    from theo.app.commands.market import run_snapshot

    raise typer.Exit(run_snapshot(home_of(context), symbols, json=json))


@market.command("chain")
def chain(context: typer.Context, symbols: Symbols, json: Json = False) -> None:
    """The options on it: classes, expiries and strikes, exchange by exchange."""
    from theo.app.commands.market import run_chain

    raise typer.Exit(run_chain(home_of(context), symbols, json=json))


@market.command("option")
def option(
    context: typer.Context,
    symbols: Symbols,
    side: Annotated[SignalSide, typer.Option(help="A long signal buys a CALL, a short one a PUT.")],
    category: Annotated[Category, typer.Option(help="In or out of the money, or deeply so.")],
    expiry: Annotated[Expiry, typer.Option(help="The nearest series, or the nearest of a third Friday.")] = Expiry.WEEKLY,
    near: Annotated[
        float | None,
        typer.Option(
            min=0, help="Points from the money at which ITM and OTM begin (else the configuration's).", show_default=False
        ),
    ] = None,
    far: Annotated[
        float | None,
        typer.Option(
            min=0, help="Points at which they end, and DITM and DOTM begin (else the configuration's).", show_default=False
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Which listed option a signal would become now, and why this one. Nothing is ordered."""
    from theo.app.broker.options import OptionWish
    from theo.app.commands.market import run_option

    wish = OptionWish(side=side.value, category=category.value, expiry=expiry.value, near=near, far=far)
    raise typer.Exit(run_option(home_of(context), symbols, wish, json=json))


@market.command("depth")
def depth(
    context: typer.Context,
    symbols: Symbols,
    rows: Annotated[int, typer.Option("--rows", min=1, max=20, help="Levels of each side.")] = 5,
    json: Json = False,
) -> None:
    """The best levels of the book."""
    from theo.app.commands.market import run_depth

    raise typer.Exit(run_depth(home_of(context), symbols, rows, json=json))


@market.command("fundamentals")
def fundamentals(context: typer.Context, symbol: Annotated[str, typer.Argument(help="For example SPY.")]) -> None:
    """Refused: IB serves them no longer."""
    from theo.app.broker.market import get_fundamental_data

    get_fundamental_data(home_of(context), symbol)


@market.command("actions")
def actions(context: typer.Context, symbol: Annotated[str, typer.Argument(help="For example SPY.")]) -> None:
    """Refused: IB serves dividends and splits no longer."""
    from theo.app.broker.market import get_corporate_actions

    get_corporate_actions(home_of(context), symbol)
