"""The commands without a group, and where all of them come together."""

from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup
from typer.main import get_group

from theo.app.cli.api import api
from theo.app.cli.download import download
from theo.app.cli.later import GROUPS, LaterGroup
from theo.app.cli.options import HomeOption, Json, RunOption, home_of

app = typer.Typer(
    help="theo: algorithmic trading through Interactive Brokers that is never silently wrong.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,  # plain help: rendering it with rich costs as much as everything else together
)
app.command("download")(download)
app.command("api")(api)


@app.callback()
def options_of_all(context: typer.Context, home: HomeOption = None) -> None:
    """Remember where the data lives."""
    context.obj = home if home is not None else Path("~/.theo").expanduser()


@app.command()
def demo(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=1000, help="How many real days to play.")] = 120,
    seed: Annotated[int, typer.Option(help="Seed of the simulated path inside each day.")] = 7,
    speed: Annotated[float, typer.Option(min=0, help="Market days per second of wall time; 0 is as fast as it goes.")] = 4.0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start anew even if an unfinished run exists.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Lines instead of the live screen.")] = False,
    json: Json = False,
) -> None:
    """Play real S&P 500 and VIX days as an accelerated market, trade them on the simulated exchange, report."""
    from theo.app.commands.demo import run

    raise typer.Exit(run(home_of(context), days=days, seed=seed, speed=speed, fresh=fresh, plain=plain, json=json))


@app.command()
def backtest(
    context: typer.Context,
    ruleset: Annotated[str, typer.Argument(help="A rule set: a TOML file, or the name of a scan or of a shipped one.")],
    timerange: Annotated[str, typer.Option(help="From and to, for example 20190101-20190208; either may be left out.")] = "",
    cash: Annotated[float, typer.Option(min=1, help="Starting cash in USD.")] = 100_000.0,
    source: Annotated[str, typer.Option(help="Which imported source of bars, if there are several.")] = "",
    no_journal: Annotated[bool, typer.Option("--no-journal", help="Keep nothing: print the result only.")] = False,
    json: Json = False,
) -> None:
    """Run a rule set over stored bars, on the core that trades live."""
    from theo.app.commands.backtest import run

    raise typer.Exit(
        run(home_of(context), ruleset, timerange=timerange, cash=cash, source=source, keep=not no_journal, json=json)
    )


@app.command()
def replay(
    context: typer.Context,
    run_id: Annotated[str, typer.Argument(metavar="RUN", help='A recorded run; "last" is the newest.')] = "last",
    speed: Annotated[float, typer.Option(min=0, help="Times the recorded pace; 0 is as fast as it goes.")] = 0.0,
    json: Json = False,
) -> None:
    """Play a recorded session through the same core and compare every decision with the record."""
    from theo.app.commands.replay import run

    raise typer.Exit(run(home_of(context), run_id, speed=speed, json=json))


@app.command()
def parity(
    context: typer.Context,
    run_id: Annotated[str, typer.Argument(metavar="RUN", help='A recorded run; "last" is the newest.')] = "last",
    json: Json = False,
) -> None:
    """Decide a run again, and name the cause of each fill that a backtest on its recording has otherwise."""
    from theo.app.commands.parity import run

    raise typer.Exit(run(home_of(context), run_id, json=json))


@app.command()
def compare(
    context: typer.Context,
    first: Annotated[str, typer.Argument(metavar="RUN", help="A recorded run (default: your own, else the newest).")] = "",
    second: Annotated[str, typer.Argument(metavar="OTHER", help="Another one (default: the virtual one beside it).")] = "",
    json: Json = False,
) -> None:
    """Put the trades of two runs beside each other, signal by signal: fills, fees, results, and what only one took and why."""
    from theo.app.commands.compare import run

    raise typer.Exit(run(home_of(context), first, second, json=json))


@app.command()
def paper(
    context: typer.Context,
    ruleset: Annotated[str, typer.Argument(help="A rule set: a TOML file, or the name of a scan or of a shipped one.")],
    source: Annotated[str, typer.Option(help="Stored bars to play as the market.")] = "",
    timerange: Annotated[str, typer.Option(help="From and to, for example 20190101-20190208.")] = "",
    speed: Annotated[float, typer.Option(min=0, help="Times the recorded pace; 0 is as fast as it goes.")] = 0.0,
    cash: Annotated[float, typer.Option(min=1, help="Starting cash in USD of a first run.")] = 100_000.0,
    json: Json = False,
) -> None:
    """Trade a rule set on the simulated exchange, with the live shell, journal and recovery."""
    from theo.app.commands.paper import run

    raise typer.Exit(run(home_of(context), ruleset, source=source, timerange=timerange, speed=speed, cash=cash, json=json))


@app.command()
def live(
    context: typer.Context,
    rulesets: Annotated[list[str], typer.Argument(help="Rule sets: TOML files, or names of scans or of shipped ones.")],
    broker_clock: Annotated[
        bool, typer.Option("--broker-clock", help="Take the time from a simulated gateway; refused for real money.")
    ] = False,
    speed: Annotated[float, typer.Option(min=0.01, help="With --broker-clock: the --speed of the simulated gateway.")] = 1.0,
) -> None:
    """Trade rule sets through TWS: on its paper account, or real money where the configuration says so in words."""
    from theo.app.commands.live import run

    raise typer.Exit(run(home_of(context), rulesets, speed if broker_clock else None))


@app.command()
def gateway(
    context: typer.Context,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the simulated TWS, on loopback; 0 takes a free one.")
    ] = 7497,
    admin_port: Annotated[int, typer.Option(min=-1, max=65535, help="Port that plays incidents; 0 a free one, -1 none.")] = -1,
    seed: Annotated[int, typer.Option(help="Seed of the market.")] = 7,
    speed: Annotated[str, typer.Option(help='Times the true pace; "max" is as fast as clients take it.')] = "1",
    start: Annotated[
        str, typer.Option(help="When its day begins; now or the newest session's open, or where the data begins.")
    ] = "",
    data: Annotated[
        list[str] | None,
        typer.Option(metavar="SPEC", help="Play a FILE or FOLDER, SYMBOL:TIMEFRAME=FILE, store, store:SYMBOLS, or run:NAME."),
    ] = None,
    timerange: Annotated[str, typer.Option(help="Of the data, for example 20190101-20190208.")] = "",
    source: Annotated[str, typer.Option(help="Which imported source of the store, if there are several.")] = "",
    zone: Annotated[str, typer.Option(help="Time zone of times without one in files of --data.")] = "",
    scenario: Annotated[Path | None, typer.Option(help="A TOML file of incidents.")] = None,
    incident: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME@WHEN", help="An incident, for example server-lost@90,for=20; may be repeated."),
    ] = None,
    account: Annotated[list[str] | None, typer.Option(help="An account; may be repeated.")] = None,
    cash: Annotated[int, typer.Option(min=1, help="USD of each account.")] = 1_000_000,
    read_only: Annotated[bool, typer.Option("--read-only", help="Refuse orders, as the setting of TWS does.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Lines instead of the live screen.")] = False,
    state: Annotated[
        Path | None,
        typer.Option(help="A file for orders, accounts and time: another process goes on with it, also after a kill."),
    ] = None,
) -> None:
    """A simulated TWS on a port: any client of IB's protocol connects, sees a market, and trades with play money."""
    from theo.app.commands.gateway import Asked, run
    from theo.app.gateway.data_choice import DataWishes
    from theo.gateway.desk import GatewaySettings

    settings = GatewaySettings(cash=cash, read_only=read_only)
    if account:
        settings = GatewaySettings(accounts=tuple(account), cash=cash, read_only=read_only)
    asked = Asked(
        port=port,
        admin_port=admin_port,
        seed=seed,
        speed=speed,
        start=start,
        scenario=scenario,
        incidents=tuple(incident or ()),
        plain=plain,
        state=state,
        data=DataWishes(specs=tuple(data or ()), timerange=timerange, source=source, zone=zone),
        settings=settings,
    )
    raise typer.Exit(run(home_of(context), asked))


@app.command()
def incident(
    name: Annotated[
        str, typer.Argument(help="For example server-lost, or server-lost,for=20; without one they are listed.")
    ] = "",
    admin_port: Annotated[int, typer.Option(min=1, max=65535, help="The --admin-port of a gateway that runs.")] = 7900,
    end: Annotated[bool, typer.Option("--end", help="End it instead of playing it.")] = False,
    json: Json = False,
) -> None:
    """Play an incident on a simulated gateway that runs, end one, or list what there is."""
    from theo.app.commands.incident import run

    raise typer.Exit(run(name, admin_port, end=end, json=json))


@app.command()
def deals(
    context: typer.Context,
    run_id: RunOption = "",
    config: Annotated[str, typer.Option(help="Only this rule set.")] = "",
    csv: Annotated[bool, typer.Option("--csv", help="Comma-separated values.")] = False,
    json: Json = False,
) -> None:
    """The deals report: entries, exits, profit, charges, and how each trade was closed."""
    from theo.app.commands.deals import run

    raise typer.Exit(run(home_of(context), run_id=run_id, config=config, csv=csv, json=json))


@app.command()
def lots(
    context: typer.Context,
    run_id: RunOption = "",
    csv: Annotated[bool, typer.Option("--csv", help="Comma-separated values.")] = False,
    json: Json = False,
) -> None:
    """Closing fills matched to the lots that they close, by account, with realised profit: see [report] in theo.toml."""
    from theo.app.commands.lots import run

    raise typer.Exit(run(home_of(context), run_id=run_id, csv=csv, json=json))


@app.command()
def why(
    context: typer.Context,
    symbol: Annotated[str, typer.Argument(help="For example MES.")],
    time: Annotated[str, typer.Argument(help="End of the bar, New York time unless a zone is given: 2018-02-05T15:45.")],
    config: Annotated[str, typer.Option(help="Only this rule set.")] = "",
    run_id: RunOption = "",
    json: Json = False,
) -> None:
    """Explain a decision: each condition, its numbers, the verdict, also for bars on which nothing happened."""
    from theo.app.commands.why import run

    raise typer.Exit(run(home_of(context), symbol, time, run_id=run_id, config=config, json=json))


@app.command()
def status(context: typer.Context, json: Json = False) -> None:
    """What is running, what is open, what is halted, and how fresh the data is."""
    from theo.app.commands.status import run

    raise typer.Exit(run(home_of(context), json=json))


@app.command()
def stop(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="Why; kept in the journal.")] = "stopped by hand",
    flatten: Annotated[bool, typer.Option("--flatten", help="Also close every open trade.")] = False,
    json: Json = False,
) -> None:
    """Kill switch: no new risk from now on. Protective stops keep resting. Holds across restarts until `theo resume`."""
    from theo.app.commands.stop import stop_trading

    raise typer.Exit(stop_trading(home_of(context), reason=reason, flatten=flatten, json=json))


@app.command()
def resume(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="Why it is safe to trade again; required.")],
    breaker: Annotated[bool, typer.Option("--breaker", help="Reset a tripped breaker instead.")] = False,
    json: Json = False,
) -> None:
    """Lift the kill switch."""
    from theo.app.commands.stop import resume_trading

    raise typer.Exit(resume_trading(home_of(context), reason=reason, breaker=breaker, json=json))


@app.command()
def adopt(
    context: typer.Context,
    position: Annotated[str, typer.Argument(help="SYMBOL=QUANTITY: what the broker says that the account holds, MES=-2.")],
    reason: Annotated[str, typer.Option(help="Whose it is, and why it may stay; required.")],
    run: RunOption = "",
    json: Json = False,
) -> None:
    """Leave a position alone that is not the platform's own, so that the books agree again."""
    from theo.app.commands.reconcile import adopt as adopt_run

    raise typer.Exit(adopt_run(home_of(context), run, position, reason, json=json))


@app.command()
def reconcile(context: typer.Context, run: RunOption = "", json: Json = False) -> None:
    """Compare a running trader's books with the broker's now, and say what was found and done."""
    from theo.app.commands.reconcile import run as reconcile_run

    raise typer.Exit(reconcile_run(home_of(context), run, json=json))


@app.command()
def doctor(
    context: typer.Context,
    broker: Annotated[bool, typer.Option("--broker", help="Look at TWS too, whatever the mode.")] = False,
    json: Json = False,
) -> None:
    """Check the set-up and name the fix."""
    from theo.app.commands.doctor import run

    raise typer.Exit(run(home_of(context), broker=broker, json=json))


def command_line() -> TyperGroup:
    """All commands, those of groups to be read when they are asked for."""
    root = get_group(app)
    for name in GROUPS:
        root.add_command(LaterGroup(name))
    return root
