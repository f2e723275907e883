"""What `theo gateway` shows of itself: a live table in a terminal, a line now and then elsewhere. Made from an overview alone."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import msgspec
from rich.console import Console, ConsoleRenderable, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from theo.app.times import clock
from theo.domain.market_data import SECOND
from theo.gateway.overview import ClientView, OrderView, Overview

ROWS_MAX = 12  # of each table; how many more there are is said
PLAYED_SHOWN = 3
LINE_SECONDS, SCREEN_SECONDS = 10.0, 1.0  # between two lines, and two pictures
BEHIND_MIN = SECOND // 10  # less is a matter of turns, not of speed


class Serving(msgspec.Struct, frozen=True):
    """What does not change: where clients connect, what the market is, and the pace as it was asked for."""

    address: str
    market: str
    speed: str


@contextmanager
def showing(serving: Serving, look: Callable[[], Overview], *, plain: bool) -> Iterator[tuple[Callable[[], None], float]]:
    """What is to be called, and every how many seconds: it draws the screen, or writes a line where no person looks."""
    console = Console()
    if plain or not console.is_terminal:
        yield lambda: print(line(look()), file=sys.stderr, flush=True), LINE_SECONDS
        return
    before, drawn_at = look(), time.monotonic()
    with Live(screen(serving, before, before, 0.0), console=console, auto_refresh=False, screen=True) as live:

        def draw() -> None:
            nonlocal before, drawn_at
            now, at = look(), time.monotonic()
            live.update(screen(serving, now, before, at - drawn_at), refresh=True)
            before, drawn_at = now, at

        yield draw, SCREEN_SECONDS


def line(now: Overview) -> str:
    """Who is there and what is asked for, in a line."""
    names = ", ".join("?" if client.id is None else str(client.id) for client in now.clients) or "none"
    subscriptions = sum(client.subscriptions for client in now.clients)
    parts = [f"{now.when}  clients {names}  subscriptions {subscriptions}  working orders {len(now.orders)}"]
    return "  ".join([*parts, *_remarks(now)])


def screen(serving: Serving, now: Overview, before: Overview, seconds: float) -> Panel:
    """The whole picture; rates are what has happened since ``before``, so many seconds of wall time ago."""
    passed = (now.now - before.now) / SECOND / seconds if seconds > 0 else 0.0
    head = Text(f"{now.when}   speed {serving.speed}, now {passed:.1f}   market: {serving.market}")
    for remark in _remarks(now):
        head.append(f"\n{remark}", style="yellow")
    parts: list[ConsoleRenderable] = [head, _clients(now.clients, before, seconds), _symbols(now), _orders(now.orders)]
    if now.played:
        parts.append(Text("".join(f"\nincident  {clock(at)}  {name}" for at, name in now.played[-PLAYED_SHOWN:]), style="dim"))
    title = f"theo gateway · simulated TWS on {serving.address}"
    return Panel(Group(*parts), title=title, subtitle="Ctrl+C ends it", border_style="dim")


def _remarks(now: Overview) -> list[str]:
    """What a person should know."""
    found = []
    if now.behind >= BEHIND_MIN:
        found.append(f"BEHIND by {now.behind / SECOND:,.1f} s of market time: this machine cannot keep up with the speed")
    if now.data_ended:
        found.append("the data has ended: nothing moves any more")
    if now.lasting:
        found.append(f"incidents now: {', '.join(now.lasting)}")
    if now.waiting:
        found.append(f"incidents that wait for an order: {', '.join(now.waiting)}")
    if now.failed:
        _, name, why = now.failed[-1]
        found.append(f"incident {name} could not be: {why}")
    return found


def _table(left: Iterable[str], right: Iterable[str]) -> Table:
    table = Table(box=None, pad_edge=False, expand=True)
    for name in left:
        table.add_column(name)
    for name in right:
        table.add_column(name, justify="right")
    return table


def _more(table: Table, count: int, what: str) -> Table:
    """The table, with a last row for what it does not show, or for nothing."""
    if count > ROWS_MAX:
        table.add_row(f"and {count - ROWS_MAX} more")
    elif not count:
        table.add_row(f"no {what}", style="dim")
    return table


def _clients(clients: tuple[ClientView, ...], before: Overview, seconds: float) -> Table:
    known = {client.number: client for client in before.clients}
    table = _table(("\nclient", "\naddress"), ("\nversion", "\nin/s", "\nout/s", "\nsubscriptions", "\nwaiting kB"))
    for client in clients[:ROWS_MAX]:
        old = known.get(client.number)
        came = client.requests - (old.requests if old else 0)
        went = client.messages - (old.messages if old else 0)
        rates = [f"{count / seconds:,.0f}" if seconds > 0 else "" for count in (came, went)]
        name = "connecting" if client.id is None else str(client.id)
        waiting = f"{client.waiting_bytes / 1024:,.0f}"
        table.add_row(name, client.address, str(client.version or ""), *rates, str(client.subscriptions), waiting)
    return _more(table, len(clients), "client is connected")


def _symbols(now: Overview) -> Table:
    table = _table(("\nsymbol",), ("\nlines", "\ntick by tick", "\n5-s bars", "\nbooks", "\nkept history"))
    for each in now.symbols[:ROWS_MAX]:
        counts = (each.lines, each.ticks, each.bars, each.books, each.kept)
        table.add_row(each.symbol, *(str(count or "") for count in counts))
    return _more(table, len(now.symbols), "subscription")


def _orders(orders: tuple[OrderView, ...]) -> Table:
    table = _table(("\norder", "\nsymbol", "\nside", "\ntype", "\nstatus"), ("\nfilled", "\nlimit", "\nstop"))
    for each in orders[:ROWS_MAX]:
        name = f"{each.client_id}:{each.order_id}"
        filled = f"{each.filled:,} of {each.quantity:,}"
        prices = ["" if price is None else f"{price:g}" for price in (each.limit, each.stop)]
        table.add_row(name, each.symbol, each.side, each.type, each.status, filled, *prices)
    return _more(table, len(orders), "working order")
