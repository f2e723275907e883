"""The live terminal screen: prices, levels, correlation, positions, orders, P&L, last decisions, health. Reads, never decides."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from math import isnan

from rich.console import Console, ConsoleRenderable, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from theo.adapters.system.log import LogNotifier
from theo.app.terminal.event_lines import line_of
from theo.app.terminal.levels import level_texts
from theo.app.times import clock
from theo.domain.facts import Decided, Fact, Filled, TradeClosed
from theo.domain.instrument import MICROS
from theo.drive.assembly import Plan
from theo.engine.account import equity
from theo.engine.core import Core

EVENTS_SHOWN = 8
DISCLAIMER = "real days, simulated intraday"


class DemoScreen:
    """One screen for one run. ``live`` False prints a line per closed trade instead.

    ``newest_level`` is the swing high or low that was stored last, in words.
    """

    def __init__(self, plan: Plan, days: int, *, live: bool) -> None:
        self._plan, self._days, self._live_mode = plan, days, live
        self._console = Console(stderr=not live)
        self._events: deque[str] = deque(maxlen=EVENTS_SHOWN)
        self._closed = self._won = 0
        self._net = 0
        self._decision, self.newest_level = "no bar closed yet", ""
        self._core: Core | None = None
        self._notifier: LogNotifier | None = None
        self._live: Live | None = None
        self._instruments = {i.id: i for i in plan.instruments.values()}

    @contextmanager
    def showing(self, core: Core, notifier: LogNotifier) -> Iterator[None]:
        """Draw while the run lasts."""
        self._core, self._notifier = core, notifier
        if not self._live_mode or not self._console.is_terminal:
            yield
            return
        with Live(self._draw(0), console=self._console, auto_refresh=False, screen=False) as self._live:
            yield

    def refresh(self, done: int) -> None:
        """Draw what is known now."""
        if self._live is not None:
            self._live.update(self._draw(done), refresh=True)

    def watch(self, at: int, facts: list[Fact]) -> None:
        """Keep what people want to read of new facts."""
        for fact in facts:
            if isinstance(fact, Decided):
                self._decision = f"{clock(fact.end)}  {fact.config}: {fact.verdict}"
            elif isinstance(fact, TradeClosed) and fact.quantity:
                net = fact.gross - fact.charges
                self._closed, self._net = self._closed + 1, self._net + net
                self._won += net > 0
            if not isinstance(fact, Filled) and (line := line_of(at, fact, self._instruments)):
                self._say(line)

    def _say(self, text: str) -> None:
        self._events.append(text)
        if not self._live_mode:
            self._console.print(text, highlight=False)

    def _draw(self, done: int) -> Panel:
        core = self._core
        assert core is not None
        title = f"theo demo · VIRTUAL · {DISCLAIMER} · {clock(core.at) if core.at > 1 else ''} · day {done + 1} of {self._days}"
        parts: list[ConsoleRenderable] = [self._prices(core), self._account(core), self._trades(core), self._log()]
        return Panel(Group(*parts), title=title, subtitle="Ctrl+C stops; run again to go on", border_style="dim")

    def _prices(self, core: Core) -> Table:
        table = Table(box=None, pad_edge=False, expand=True)
        for name in ("symbol", "last", "SH", "", "SL", "", "correlation"):
            table.add_column(name, justify="right" if name != "symbol" else "left")
        core.world.market.follow()
        pairs = core.world.market.pairs()
        r = pairs[0].correlation.column.value if pairs else float("nan")
        for n, series in enumerate(core.world.market.every_series()):
            i = series.instrument
            swing = next((kept for spec, kept in series.indicators.items() if spec.name == "swing"), None)
            values = [c.value for c in swing.columns] if swing else [float("nan")] * 4
            high, low, high_on, low_on = values
            last = core.world.market.last.get(i.id)
            table.add_row(
                i.symbol,
                "-" if last is None else i.text(last),
                "-" if isnan(high) else i.text(high),
                "holds" if high_on == 1.0 else "broken" if not isnan(high) else "",
                "-" if isnan(low) else i.text(low),
                "holds" if low_on == 1.0 else "broken" if not isnan(low) else "",
                "" if n else ("-" if isnan(r) else f"{r:+.2f}"),
            )
        return table

    def _account(self, core: Core) -> Text:
        state = core.state
        worth = equity(state, core.world)
        standing = f"HALTED ({state.halted})" if state.halted else "breaker tripped" if state.breaker else "trading"
        books = "" if state.agreed else ", comparing books"
        trust = "; ".join(dict.fromkeys(one.text for scan in core.world.scans.values() for one in scan.standings(core.at)))
        return Text(
            f"\nequity {worth / MICROS:,.2f} USD   closed {self._closed} trades ({self._won} won)   "
            f"net {self._net / MICROS:+,.2f}   {standing}{books}\n{trust}\n"
        )

    def _trades(self, core: Core) -> Table:
        table = Table(box=None, pad_edge=False, expand=True)
        for name in ("trade", "side", "open", "entry", "stop", "target", "P&L"):
            table.add_column(name, justify="left" if name in {"trade", "side"} else "right")
        for trade in [core.state.trades[t] for t in core.state.open_trades]:
            i = self._instruments[trade.instrument]
            last = core.world.market.last.get(trade.instrument, trade.entry)
            entry = trade.in_sum // trade.in_quantity if trade.in_quantity else trade.entry
            profit = trade.side.sign * (last - entry) * trade.open_quantity * i.unit_value
            stop, target = level_texts(self._instruments, trade.instrument, trade.stop, trade.target, trade.exits)
            table.add_row(
                f"{i.symbol} {trade.status}",
                str(trade.side),
                str(trade.open_quantity),
                i.text(entry),
                stop,
                target or "-",
                f"{profit / MICROS:+,.2f}",
            )
        if not core.state.open_trades:
            table.add_row("no open trade", "", "", "", "", "", "")
        return table

    def _log(self) -> Group:
        told = [text for _, severity, text in (self._notifier.newest if self._notifier else []) if severity != "info"][-2:]
        lines = [Text(f"\nlast decision  {self._decision}", style="dim"), *(Text(line) for line in self._events)]
        if self.newest_level:
            lines.insert(1, Text(f"last level     {self.newest_level}", style="dim"))
        return Group(*lines, *(Text(f"! {text}", style="yellow") for text in told))
