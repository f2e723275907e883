"""The command line's groups for orders by hand: ``theo order`` and ``theo trade``."""

from enum import StrEnum
from typing import Annotated

import typer

from theo.app.cli.options import Json, RunOption, home_of

order = typer.Typer()
trade = typer.Typer()


class SideWord(StrEnum):
    """Direction of an entry."""

    BUY = "BUY"
    SELL = "SELL"


class TypeWord(StrEnum):
    """Order types."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP = "STOP"
    STOP_LIMIT = "STOP_LIMIT"
    TRAILING_STOP = "TRAILING_STOP"


class TifWord(StrEnum):
    """How long an order lives."""

    DAY = "DAY"
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class RouteWord(StrEnum):
    """Where an order is executed."""

    SMART = "SMART"
    DIRECT = "DIRECT"
    ARCA = "ARCA"
    NYSE = "NYSE"
    NASDAQ = "NASDAQ"
    CBOE = "CBOE"
    CME = "CME"


Symbol = Annotated[str, typer.Argument(help="An instrument that the run listens to, for example MES.")]
SideArgument = Annotated[SideWord, typer.Argument(case_sensitive=False, help="BUY or SELL.")]
Quantity = Annotated[int, typer.Argument(help="Shares or contracts; 0: as many as --risk-percent allows.")]
Type = Annotated[TypeWord, typer.Option("--type", case_sensitive=False, help="MARKET, LIMIT, STOP, STOP_LIMIT, TRAILING_STOP.")]
Tif = Annotated[TifWord, typer.Option("--tif", case_sensitive=False, help="DAY, GTC, IOC or FOK.")]
Limit = Annotated[str, typer.Option("--limit", help="Limit price of the order.")]
Trigger = Annotated[str, typer.Option("--trigger", help="Price at which a STOP or STOP_LIMIT order wakes.")]
Trail = Annotated[str, typer.Option("--trail", help="Amount by which a TRAILING_STOP order follows the market.")]
Stop = Annotated[str, typer.Option("--stop", help="The trade's protective stop: a price, or 0.5% behind the entry.")]
StopTrail = Annotated[str, typer.Option("--stop-trail", help="The protective stop trails by this amount.")]
Target = Annotated[str, typer.Option("--target", help="The trade's target: a price, or 1% beyond the entry.")]
RiskPercent = Annotated[float, typer.Option("--risk-percent", help="Of equity at risk, where the quantity is 0.")]
OutsideRth = Annotated[bool, typer.Option("--outside-rth", help="Trade outside regular hours too.")]
RouteOption = Annotated[
    RouteWord | None,
    typer.Option("--route", case_sensitive=False, help="SMART, DIRECT or an exchange (default: the configuration's)."),
]
Id = Annotated[str, typer.Option("--id", help="Your own id of this command: a repeat within 24 hours is carried out once.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the journal.")]


@order.command("create")
def create(
    context: typer.Context,
    symbol: Symbol,
    side: SideArgument,
    quantity: Quantity,
    type_: Type = TypeWord.MARKET,
    limit: Limit = "",
    trigger: Trigger = "",
    trail: Trail = "",
    stop: Stop = "",
    stop_trail: StopTrail = "",
    target: Target = "",
    tif: Tif = TifWord.DAY,
    risk_percent: RiskPercent = 1.0,
    outside_rth: OutsideRth = False,
    route: RouteOption = None,
    command_id: Id = "",
    reason: Reason = "",
    run: RunOption = "",
    json: Json = False,
) -> None:
    """Open a trade: an entry with its protective stop, and a target if you name one."""
    from theo.app.commands import order as command
    from theo.app.inbox.orders import create_order

    prices = {"limit": limit, "trigger": trigger, "trail": trail, "stop": stop, "stop_trail": stop_trail, "target": target}
    asked = command.entry(
        symbol, side, quantity, type_, tif, prices, risk_percent=risk_percent, outside_rth=outside_rth, route=route or ""
    )
    home = home_of(context)
    raise typer.Exit(command.run(lambda: create_order(home, asked, run=run, command_id=command_id, reason=reason), json=json))


@order.command("bracket")
def bracket(
    context: typer.Context,
    symbol: Symbol,
    side: SideArgument,
    quantity: Quantity,
    target: Annotated[str, typer.Option("--target", help="A price, or 1% beyond the entry.")],
    stop: Stop = "",
    stop_trail: StopTrail = "",
    type_: Type = TypeWord.MARKET,
    limit: Limit = "",
    trigger: Trigger = "",
    trail: Trail = "",
    tif: Tif = TifWord.DAY,
    risk_percent: RiskPercent = 1.0,
    outside_rth: OutsideRth = False,
    route: RouteOption = None,
    command_id: Id = "",
    reason: Reason = "",
    run: RunOption = "",
    json: Json = False,
) -> None:
    """Open a trade with stop and target, of which one ends the other."""
    from theo.app.commands import order as command
    from theo.app.inbox.orders import create_bracket_order

    prices = {"limit": limit, "trigger": trigger, "trail": trail, "stop": stop, "stop_trail": stop_trail, "target": target}
    asked = command.entry(
        symbol, side, quantity, type_, tif, prices, risk_percent=risk_percent, outside_rth=outside_rth, route=route or ""
    )
    home = home_of(context)
    raise typer.Exit(
        command.run(lambda: create_bracket_order(home, asked, run=run, command_id=command_id, reason=reason), json=json)
    )


@order.command("check")
def check(
    context: typer.Context,
    symbol: Symbol,
    side: SideArgument,
    quantity: Quantity,
    type_: Type = TypeWord.MARKET,
    limit: Limit = "",
    trigger: Trigger = "",
    trail: Trail = "",
    stop: Stop = "",
    stop_trail: StopTrail = "",
    target: Target = "",
    tif: Tif = TifWord.DAY,
    risk_percent: RiskPercent = 1.0,
    outside_rth: OutsideRth = False,
    route: RouteOption = None,
    run: RunOption = "",
    json: Json = False,
) -> None:
    """What an entry would do: every rule, the size, the risk, and the broker's word on margin. Nothing is sent."""
    from theo.app.commands import order as command
    from theo.app.inbox.orders import check_order

    prices = {"limit": limit, "trigger": trigger, "trail": trail, "stop": stop, "stop_trail": stop_trail, "target": target}
    asked = command.entry(
        symbol, side, quantity, type_, tif, prices, risk_percent=risk_percent, outside_rth=outside_rth, route=route or ""
    )
    home = home_of(context)
    raise typer.Exit(command.run(lambda: check_order(home, asked, run=run), json=json))


LEG_HELP = 'In one line: "MES BUY 1 STOP trigger=5005 stop=4995 target=5020".'


@order.command("oco")
def oco(
    context: typer.Context,
    first: Annotated[str, typer.Argument(help=LEG_HELP)],
    second: Annotated[str, typer.Argument(help="The other one, in the same form.")],
    command_id: Id = "",
    reason: Reason = "",
    run: RunOption = "",
    json: Json = False,
) -> None:
    """Two entries of which one cancels the other; both are sent, or none."""
    from theo.app.commands import order as command
    from theo.app.inbox.orders import create_oco_order

    both, home = (command.leg(first), command.leg(second)), home_of(context)
    raise typer.Exit(command.run(lambda: create_oco_order(home, *both, run=run, command_id=command_id, reason=reason), json=json))


@order.command("modify")
def modify(
    context: typer.Context,
    order_id: Annotated[str, typer.Argument(metavar="ID", help="An order, or a trade: then its entry is meant.")],
    quantity: Annotated[int, typer.Option("--quantity", min=0, help="New quantity in all.")] = 0,
    limit: Limit = "",
    trigger: Trigger = "",
    trail: Trail = "",
    stop: Stop = "",
    target: Target = "",
    command_id: Id = "",
    reason: Reason = "",
    run: RunOption = "",
    json: Json = False,
) -> None:
    """Change price, quantity, stop or target of a working order, or of its trade."""
    from theo.app.commands import order as command
    from theo.app.inbox.orders import modify_order
    from theo.domain.asked import ChangeAsked

    asked = ChangeAsked(id=order_id, quantity=quantity, limit=limit, trigger=trigger, trail=trail, stop=stop, target=target)
    home = home_of(context)
    raise typer.Exit(command.run(lambda: modify_order(home, asked, run=run, command_id=command_id, reason=reason), json=json))


@order.command("cancel")
def cancel(
    context: typer.Context,
    order_id: Annotated[str, typer.Argument(metavar="ID", help="An order, or a trade: then its entry is meant.")],
    command_id: Id = "",
    reason: Reason = "",
    run: RunOption = "",
    json: Json = False,
) -> None:
    """Cancel a working order. A protective stop is moved, never cancelled."""
    from theo.app.commands import order as command
    from theo.app.inbox.orders import cancel_order

    home = home_of(context)
    raise typer.Exit(command.run(lambda: cancel_order(home, order_id, run=run, command_id=command_id, reason=reason), json=json))


@order.command("status")
def status(
    context: typer.Context,
    order_id: Annotated[str, typer.Argument(metavar="ID", help="An order, or a trade: then all of its orders.")],
    run: RunOption = "",
    json: Json = False,
) -> None:
    """An order as it stands: its fills, execution reports, and everything that happened to it."""
    from theo.app.commands import order as command
    from theo.app.inbox.orders import get_order_status

    raise typer.Exit(command.show(get_order_status(home_of(context), order_id, run=run), json=json))


@order.command("list")
def list_(
    context: typer.Context,
    count: Annotated[int, typer.Option("--count", min=1, max=10_000, help="So many, unless more of them live.")] = 20,
    run: RunOption = "",
    json: Json = False,
) -> None:
    """The orders that live, and the newest of those that have ended."""
    from theo.app.commands import order as command
    from theo.app.inbox.orders import list_orders

    raise typer.Exit(command.table(list_orders(home_of(context), run=run, count=count), json=json))


@trade.command("close")
def close(
    context: typer.Context,
    trade_id: Annotated[str, typer.Argument(metavar="TRADE", help="An open trade; `theo status` shows them.")],
    quantity: Annotated[int, typer.Option("--quantity", min=0, help="A part of it; 0: all that is open.")] = 0,
    type_: Type = TypeWord.MARKET,
    limit: Limit = "",
    trigger: Trigger = "",
    trail: Trail = "",
    tif: Tif = TifWord.DAY,
    command_id: Id = "",
    reason: Reason = "",
    run: RunOption = "",
    json: Json = False,
) -> None:
    """Close a trade or a part of it, at the market or at a price. What is left stays protected by its stop."""
    from theo.app.commands import order as command
    from theo.app.inbox.orders import close_trade, create_order

    asked, home = command.leaving(trade_id, quantity, type_, tif, limit, trigger, trail), home_of(context)
    if type_ is TypeWord.MARKET and not quantity:
        raise typer.Exit(
            command.run(lambda: close_trade(home, trade_id, run=run, command_id=command_id, reason=reason), json=json)
        )
    raise typer.Exit(command.run(lambda: create_order(home, asked, run=run, command_id=command_id, reason=reason), json=json))
