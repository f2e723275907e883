"""How a run stands, read from its folder without a lock and without writing: a running trader notices nothing."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from theo.adapters.sql.database.traces import is_there
from theo.adapters.sql.inbox import SqlInbox
from theo.adapters.sql.journal.lease import holder
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.system.latch import NAME as STOP_FILE
from theo.app.home.journals import journal_folders, journal_written_at, run_name
from theo.app.home.layout import Home
from theo.app.recorded.series_trust import SeriesShown, series_trust
from theo.app.recorded.stages import RunStages, newest_state
from theo.app.terminal.levels import level_texts
from theo.app.times import iso
from theo.domain.errors import TheoError
from theo.domain.facts import Alerted, RunStarted
from theo.domain.inputs import Command
from theo.domain.instrument import MICROS, Instrument
from theo.domain.journal import TRADING
from theo.domain.market_data import PRICES, SECOND, Bar, Tick
from theo.domain.orders import OrderRole
from theo.drive.record import known
from theo.engine.apply import apply
from theo.engine.codec import decode_batch, decode_facts
from theo.engine.journal import MARKET
from theo.engine.order_life import ENDED
from theo.engine.state import State, TradeState
from theo.ports.store import JournalStore
from theo.report.stages import Stage

LOOK_BACK_DATA_MAX = 64  # market data records searched for the last price of each instrument
LOOK_BACK_ALERTS_MAX = 500  # trading records searched for alerts
ALERTS_SHOWN = 3


class OpenTrade(msgspec.Struct, frozen=True, kw_only=True):
    """A trade that is not over; prices as text, profit in the account's currency. ``stop_status`` is the resting stop's.

    ``contract`` is that of a future that rolls, or the chosen option, whose stop and target are its underlying's prices; "" for
    others.
    """

    id: str
    symbol: str
    contract: str
    side: str
    status: str
    quantity: int
    entry: str
    stop: str
    stop_status: str
    target: str
    profit: float


class LastPrice(msgspec.Struct, frozen=True):
    """The newest price of an instrument and when the platform learned of it, UTC."""

    symbol: str
    price: str
    at: str


class FrontShown(msgspec.Struct, frozen=True):
    """The contract in which a future that rolls trades, and the next one; "" where that is not known now."""

    symbol: str
    contract: str
    following: str


class Alert(msgspec.Struct, frozen=True):
    """What a person was told, at core time, UTC."""

    at: str
    severity: str
    text: str


class Standing(msgspec.Struct, kw_only=True):
    """One run. ``problem`` says why the rest is missing, ``series_problem`` why the trust of its series is missing.

    Money in the account's currency, times UTC, ages in seconds. ``waiting_s`` is how long the oldest command has waited.
    """

    run: str
    folder: str
    problem: str = ""
    process: int | None = None
    account: str = ""
    mode: str = ""
    at: str = ""
    written_s: float = 0.0
    equity: float | None = None
    halted: str = ""
    breaker: str = ""
    breaker_until: str = ""
    books_agree: bool = True
    link_up: bool = True
    open_trades: list[OpenTrade] = []
    prices: list[LastPrice] = []
    contracts: list[FrontShown] = []
    waiting: list[str] = []
    waiting_s: float = 0.0
    alerts: list[Alert] = []
    series: list[SeriesShown] = []
    series_problem: str = ""
    stages: list[Stage] = []


def standing(home: Home, folder: Path) -> Standing:
    """The run of a folder; one that cannot be read says so in ``problem``."""
    found = Standing(
        run=run_name(home, folder), folder=str(folder), written_s=round(max(0.0, time.time() - journal_written_at(folder)), 1)
    )
    try:
        store = SqlJournalStore(home.place(folder))
        try:
            _read(found, store, home)
            if found.at:
                _judge(found, home, folder, store)
        finally:
            store.close()
        pending = _pending(home, folder)
        found.waiting = [command.name for command in pending]
        if pending:
            found.waiting_s = round(max(0.0, time.time() - pending[0].at / SECOND), 1)
    except TheoError as error:
        found.problem = str(error)
    try:
        found.process = holder(folder, TRADING)  # last: what was read above was written under its lock
        if found.at and not found.problem:
            found.stages = list(_stages(home, folder, running=found.process is not None))
    except TheoError as error:
        found.problem = found.problem or str(error)
    return found


def _stages(home: Home, folder: Path, *, running: bool) -> tuple[Stage, ...]:
    """From collection to trade, now."""
    place, now = home.place(folder), time.time_ns() // 1_000
    with closing(SqlJournalStore(place)) as journal:
        looked = RunStages(home, folder, journal)
        if not running or not is_there(folder, "market"):
            return looked.at(now, None, running=running)
        with closing(SqlMarketStore(place)) as tables:
            return looked.at(now, tables, running=running)


def stop_files(home: Home) -> list[Path]:
    """Every STOP file that halts a run of this home."""
    places = dict.fromkeys((home.store, *journal_folders(home), Path.cwd()))
    return [folder / STOP_FILE for folder in places if (folder / STOP_FILE).exists()]


def waiting_commands(home: Home, folder: Path) -> list[str]:
    """Names of the commands that no trader has carried out yet, oldest first."""
    return [command.name for command in _pending(home, folder)]


def _pending(home: Home, folder: Path) -> tuple[Command, ...]:
    if not is_there(folder, "inbox"):
        return ()
    with closing(SqlInbox(home.place(folder))) as inbox:
        return inbox.pending()


def recorded_state(store: SqlJournalStore) -> State:
    """The trading state at the journal's end: the newest whole snapshot and the facts after it."""
    state, seq = newest_state(store)
    for record in store.read(TRADING, seq + 1):
        for fact in decode_facts(record):
            apply(state, fact)
    return state


def _read(found: Standing, store: SqlJournalStore, home: Home) -> None:
    head = store.head(TRADING)
    if head is None:
        return  # it has only just begun
    state = recorded_state(store)
    instruments = known_to(store)
    last = last_prices(store, set(instruments))
    found.account, found.mode = state.key.account, str(state.key.mode)
    found.at = iso(next(store.read(TRADING, head.seq)).recorded_at)
    found.halted, found.books_agree, found.link_up = state.halted, state.agreed, state.link_up
    if state.breaker is not None:
        found.breaker, found.breaker_until = state.breaker.text, iso(state.breaker_holds_until)
    found.equity = _equity(state, instruments, last) / MICROS
    found.open_trades = [_open_trade(state, state.trades[t], instruments, last) for t in state.open_trades]
    found.prices = [LastPrice(instruments[i].symbol, instruments[i].text(price), iso(at)) for i, (price, at) in last.items()]
    fronts = {instruments[i].symbol: front.name for i, front in state.fronts.items() if i in instruments}
    found.contracts = _fronts(fronts, home) if fronts else []
    found.alerts = [Alert(iso(a.at), a.severity, a.text) for a in _last_alerts(store, head.seq)]


def _fronts(names: dict[str, str], home: Home) -> list[FrontShown]:
    from theo.adapters.ib.kept_contracts import KeptContracts  # ib_async is loaded only where something rolls

    listed = KeptContracts(home.contracts)
    return [FrontShown(symbol, name, listed.after(name)) for symbol, name in names.items()]


def _judge(found: Standing, home: Home, folder: Path, store: SqlJournalStore) -> None:
    """The trust of its series. What it decides by may not be there any more: that leaves the rest of the standing as it is."""
    try:
        series = series_trust(home, folder, store)
    except TheoError as error:
        found.series_problem = str(error)
        return
    if series is None:
        found.series_problem = "no snapshot is near enough; the run keeps one every five minutes, and when it ends"
    else:
        found.series = series


def known_to(store: SqlJournalStore) -> dict[int, Instrument]:
    """The instruments that the run knew when it began, by their id."""
    first = next(store.read(TRADING, 1, 1), None)
    started = next((f for f in decode_facts(first) if isinstance(f, RunStarted)), None) if first is not None else None
    return {i.id: i for i in known(started.world).instruments} if started is not None else {}


def last_prices(store: JournalStore, wanted: set[int]) -> dict[int, tuple[int, int]]:
    """(price, when) of the newest trade, value or bar of each instrument, as far back as the look-back reaches."""
    found: dict[int, tuple[int, int]] = {}
    head = store.head(MARKET)
    newest = 0 if head is None else head.seq
    for seq in range(newest, max(0, newest - LOOK_BACK_DATA_MAX), -1):
        for record in store.read(MARKET, seq, seq):
            for item in reversed(decode_batch(record).items):
                if item.instrument not in found and isinstance(item, Tick | Bar):
                    if isinstance(item, Bar):
                        found[item.instrument] = (item.close, item.at)
                    elif item.kind in PRICES:
                        found[item.instrument] = (item.price, item.at)
        if wanted <= set(found):
            break
    return {i: found[i] for i in sorted(found) if i in wanted}


def _last_alerts(store: SqlJournalStore, newest: int) -> list[Alerted]:
    facts = (fact for record in store.read(TRADING, max(1, newest - LOOK_BACK_ALERTS_MAX)) for fact in decode_facts(record))
    return [fact for fact in facts if isinstance(fact, Alerted)][-ALERTS_SHOWN:]


def _equity(state: State, instruments: dict[int, Instrument], last: dict[int, tuple[int, int]]) -> int:
    """Cash and positions at their last prices, micros; at the newest planned entry where none is known (as the core marks)."""
    total = state.cash
    for instrument, quantity in state.positions.items():
        if quantity:
            entries = [t.entry for t in state.trades.values() if t.instrument == instrument]
            price = last[instrument][0] if instrument in last else entries[-1]
            total += quantity * price * instruments[instrument].unit_value
    return total


def _open_trade(
    state: State, trade: TradeState, instruments: dict[int, Instrument], last: dict[int, tuple[int, int]]
) -> OpenTrade:
    i = instruments[trade.instrument]
    entry = trade.in_sum / trade.in_quantity if trade.in_quantity else float(trade.entry)
    price = last[trade.instrument][0] if trade.instrument in last else trade.entry
    stops = list(_resting(state, trade, OrderRole.STOP))
    stop, target = level_texts(instruments, trade.instrument, trade.stop, trade.target, trade.exits)
    return OpenTrade(
        id=trade.id,
        symbol=i.symbol,
        contract=trade.contract,
        side=str(trade.side),
        status=str(trade.status),
        quantity=trade.open_quantity,
        entry=i.text(entry),
        stop=stop,
        stop_status=", ".join(stops) or "none",
        target=target,
        profit=round(trade.side.sign * (price - entry) * trade.open_quantity * i.unit_value / MICROS, 2),
    )


def _resting(state: State, trade: TradeState, role: OrderRole) -> Iterator[str]:
    for order in trade.orders:
        held = state.orders[order]
        if held.order.role is role and held.status not in ENDED:
            yield f"{held.status} for {held.order.quantity - held.filled}"
