"""Signals by hand, as functions: what `theo signal` and the interface do.

A signal is made, processed and withdrawn by the running trader of a home, asked through its inbox as for orders: the core keeps
it, judges it by every rule when it is processed, and gives it up at its expiry. Where no trader runs, nothing is asked.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from theo.app.home.journals import run_name, usual_folder
from theo.app.home.layout import Home, open_home
from theo.app.home.projecting import projected
from theo.app.inbox.orders import command_of, sent, unanswered
from theo.app.times import iso
from theo.domain.asked import PromotionAsked, SignalAsked
from theo.domain.errors import UserError
from theo.domain.inputs import Command
from theo.domain.instrument import Instrument
from theo.ports.market_store import Cell, MarketStore, SignalPage


class Signalled(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. ``state``: done, refused, silent (it may still be carried out) or not_running.

    ``rule`` is the field or the rule that refused it; ``signal`` is the id of the signal; ``orders`` are those of its trade.
    """

    run: str
    command: str
    state: str
    text: str
    rule: str = ""
    signal: str = ""
    orders: tuple[str, ...] = ()


class SignalShown(msgspec.Struct, frozen=True, kw_only=True):
    """A signal as people read it; times in UTC, "" for none."""

    id: str
    strategy: str
    kind: str
    symbol: str
    side: str
    type: str
    quantity: int
    entry: str
    stop: str
    target: str
    status: str
    why: str
    rule: str
    active: bool
    created: str
    updated: str
    expires: str
    user: str
    scan: int | None
    exchange: str
    product: str
    reason: str


def create_signal(home: Path, asked: SignalAsked, *, run: str = "", command_id: str = "", reason: str = "") -> Signalled:
    """Keep an entry as a signal, PENDING until it is processed, withdrawn or expires."""
    return _ask(home, run, command_of("create_signal", asked, command_id, reason))


def process_signal(home: Path, signal: str, *, run: str = "", command_id: str = "", reason: str = "") -> Signalled:
    """Promote a signal to a trade, if every rule lets it pass."""
    return _ask(home, run, command_of("process_signal", PromotionAsked(signal), command_id, reason))


def cancel_signal(home: Path, signal: str, *, run: str = "", command_id: str = "", reason: str = "") -> Signalled:
    """Withdraw a signal that waits."""
    return _ask(home, run, command_of("cancel_signal", None, command_id, reason, signal))


def list_signals(home: Path, *, run: str = "", count: int = 20, status: str = "", strategy: str = "") -> list[SignalShown]:
    """The newest signals of a run, strategies' and people's."""
    opened = open_home(home)
    with projected(opened, usual_folder(opened, run)) as market:
        return _shown(market, market.signals(SignalPage(count=count, status=status, config=strategy)))


def get_signal(home: Path, signal: str, *, run: str = "") -> SignalShown:
    """One signal. Raises UserError for one that is not known."""
    opened = open_home(home)
    folder = usual_folder(opened, run)
    with projected(opened, folder) as market:
        found = _shown(market, tuple(market.rows("signals", id=signal)))
    if not found:
        raise UserError(f"no signal {signal}", where=run_name(opened, folder), remedy="`theo signal list` shows them")
    return found[0]


def _ask(path: Path, run: str, command: Command) -> Signalled:
    home = open_home(path)
    return asked_of(home, usual_folder(home, run), command)


def asked_of(home: Home, folder: Path, command: Command) -> Signalled:
    """Ask the trader of a folder, and say what came of it."""
    outcome, run = sent(home, folder, command), run_name(home, folder)
    if isinstance(outcome, str):
        return Signalled(run=run, command=command.id, state=outcome, text=unanswered(outcome, command.id))
    processed = isinstance(command.payload, PromotionAsked)
    signal = command.payload.signal if isinstance(command.payload, PromotionAsked) else command.subject
    return Signalled(
        run=run,
        command=command.id,
        state="done" if outcome.accepted else "refused",
        text=outcome.text,
        rule=outcome.rule,
        signal=signal if processed or not outcome.orders else outcome.orders[0],
        orders=outcome.orders if processed else (),
    )


def _shown(market: MarketStore, rows: tuple[Mapping[str, Cell], ...]) -> list[SignalShown]:
    instruments = {i.id: i for i in market.instruments()}
    return [_one(row, instruments) for row in rows]


def _one(row: Mapping[str, Cell], instruments: Mapping[int, Instrument]) -> SignalShown:
    def text(name: str) -> str:
        return "" if row[name] is None else str(row[name])

    def time(name: str) -> str:
        at = row[name]
        return iso(at) if isinstance(at, int) else ""

    def price(name: str) -> str:
        units = row[name]
        return instrument.text(units) if isinstance(units, int) else ""

    number, scan, quantity = row["instrument"], row["config_id"], row["quantity"]
    assert isinstance(number, int)
    assert isinstance(quantity, int)
    instrument = instruments[number]
    return SignalShown(
        id=text("id"),
        strategy=text("config"),
        kind=text("kind"),
        symbol=instrument.symbol,
        side=text("side"),
        type=text("order_type"),
        quantity=quantity,
        entry=price("entry"),
        stop=price("stop"),
        target=price("target"),
        status=text("status"),
        why=text("status_reason"),
        rule=text("refused_rule"),
        active=bool(row["active"]),
        created=time("created_at"),
        updated=time("updated_at"),
        expires=time("expires_at"),
        user=text("user_name"),
        scan=scan if isinstance(scan, int) else None,
        exchange=text("exchange"),
        product=text("product_type"),
        reason=text("reason"),
    )
