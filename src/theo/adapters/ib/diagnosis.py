"""What is wrong between us and TWS, found by trying: port, API, client id, account, clock, orders allowed, data subscribed.

Nothing is ordered. Each finding has what to do; the first that makes the rest pointless ends the look.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta

import msgspec

from theo.adapters.ib.codes import Kind, meaning
from theo.adapters.ib.contracts import Contracts
from theo.adapters.ib.link import ID_IN_USE, Link
from theo.adapters.ib.settings import IbSettings
from theo.domain.errors import TheoError
from theo.domain.instrument import Instrument
from theo.domain.market_data import SECOND
from theo.market.rolls import RollRule
from theo.ports.clock import Clock

CONNECT_SECONDS, DATA_SECONDS, ORDERS_SECONDS = 5.0, 5.0, 5.0
LIVE_DATA = frozenset({1, 2})  # market data types: live, and frozen while the market is closed
READ_ONLY = 321


class Finding(msgspec.Struct, frozen=True):
    """``level`` is ok, warn or fail; ``fix`` says what to do, "" when there is nothing to do."""

    name: str
    level: str
    text: str
    fix: str = ""


class _Heard:
    """A notifier, and a listener of errors, that keeps what it hears."""

    def __init__(self) -> None:
        self.errors: list[tuple[int, int, str]] = []

    def tell(self, at: int, severity: str, code: str, text: str) -> None:
        """Skew is asked for by number; everything else ends the link, and is said as its reason."""

    def error(self, request: int, code: int, text: str, _advanced: str = "") -> None:
        """An error or notice of TWS."""
        self.errors.append((request, code, text))


async def diagnose(
    settings: IbSettings,
    instruments: Sequence[Instrument],
    clock: Clock,
    today: str,
    rolls: Sequence[tuple[Instrument, RollRule]] = (),
) -> list[Finding]:
    """Look at everything; ``today`` is YYYYMMDD. ``rolls``: the futures that are to roll, and when."""
    settings = msgspec.structs.replace(settings, connect_seconds=CONNECT_SECONDS)
    refused = await _port(settings)
    if refused is not None:
        return [refused]
    heard = _Heard()
    link = Link(settings, clock, heard)
    link.callbacks.on("error", heard.error)
    async with _kept(link) as failure:
        if not link.up:
            return [_not_up(link, settings, failure)]
        return [
            Finding("connection", "ok", f"TWS answers on {settings.host}:{settings.port} as client {settings.client_id}"),
            Finding("account", "ok", f"{link.account}, {'real money' if settings.live else 'paper'}"),
            _clock(link),
            await _orders(link, heard),
            *[finding for one in instruments for finding in await _data(link, heard, one, today)],
            *[await _roll(link, one, rule, today) for one, rule in rolls],
        ]


async def _port(settings: IbSettings) -> Finding | None:
    address = f"{settings.host}:{settings.port}"
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(settings.host, settings.port)
    except (OSError, TimeoutError):
        return Finding("connection", "fail", f"nothing listens on {address}", meaning(502).remedy + f", on port {settings.port}")
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return None


@contextlib.asynccontextmanager
async def _kept(link: Link) -> AsyncIterator[BaseException | None]:
    """The link as it stands after its first try, and what ended that for good."""
    came = asyncio.Event()

    async def up(_how: object) -> None:
        came.set()

    link.on_up.append(up)
    run = asyncio.ensure_future(link.run())
    waits = [asyncio.ensure_future(came.wait()), asyncio.ensure_future(link.failed.wait())]
    try:
        await asyncio.wait((run, *waits), timeout=2 * CONNECT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0)  # the link counts as up once its listeners have been told
        yield run.exception() if run.done() else None
    finally:
        for task in (run, *waits):
            task.cancel()
        await asyncio.gather(run, *waits, return_exceptions=True)
        await link.close()


def _not_up(link: Link, settings: IbSettings, failure: BaseException | None) -> Finding:
    if isinstance(failure, TheoError):
        return Finding("account", "fail", failure.what, failure.remedy)
    if link.id_in_use:
        return Finding("connection", "fail", f"client id {settings.client_id} is in use", meaning(ID_IN_USE).remedy)
    return Finding(
        "connection",
        "fail",
        f"something listens on {settings.host}:{settings.port}, but does not speak TWS's protocol: {link.why}",
        "In TWS's API settings tick Enable ActiveX and Socket Clients, and trust this machine's address",
    )


def _clock(link: Link) -> Finding:
    seconds = link.clock_offset / SECOND
    if abs(link.clock_offset) > link.settings.clock_skew_max:
        return Finding(
            "clock", "warn", f"the broker's clock is {seconds:+.1f} s off ours", "Let a time service set this machine's clock"
        )
    return Finding("clock", "ok", f"within {max(1.0, abs(seconds)):.0f} s of the broker's")


async def _orders(link: Link, heard: _Heard) -> Finding:
    """A read-only API refuses the question for open orders with 321, which carries no request."""
    if link.settings.read_only:
        return Finding("orders", "ok", "not wanted: [ib] read_only")
    await link.budget.message()
    try:
        rows = await link.requests.by_name("openOrder", link.client.reqAllOpenOrders, ORDERS_SECONDS)
    except TheoError as error:
        refused = next((text for _, code, text in heard.errors if code == READ_ONLY), "")
        text = refused or str(error)
        return Finding("orders", "fail", f"orders cannot be asked for: {text}", "Untick Read-Only API in TWS's API settings")
    return Finding("orders", "ok", f"may be sent; {len(rows)} are open")


async def _data(link: Link, heard: _Heard, instrument: Instrument, today: str) -> list[Finding]:
    name = f"data {instrument.symbol}"
    contracts = Contracts(link)
    try:
        await contracts.resolve([instrument], today)
    except TheoError as error:
        return [Finding(name, "fail", error.what, error.remedy or error.why)]
    kinds: list[int] = []
    answered, came = asyncio.Event(), asyncio.Event()
    request = link.next_id()
    link.callbacks.on("marketDataType", lambda of, kind: kinds.append(kind) if of == request else None)
    link.callbacks.on("priceSizeTick", lambda of, *_: _set(came, answered) if of == request else None)
    link.callbacks.on("error", lambda of, *_: answered.set() if of == request else None)
    await link.budget.message()
    link.client.reqMktData(request, contracts.contract(instrument.id), "", False, False, [])  # noqa: FBT003 - as ib_async takes it
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DATA_SECONDS):
            await answered.wait()
    link.client.cancelMktData(request)
    errors = [(code, text) for of, code, text in heard.errors if of == request]
    return [_data_finding(name, errors, kinds, came=came.is_set())]


async def _roll(link: Link, instrument: Instrument, rule: RollRule, today: str) -> Finding:
    """Whether there is a contract to roll to, and one after which nothing is settled."""
    name = f"roll {instrument.symbol}"
    contracts = Contracts(link)
    try:
        await contracts.resolve([instrument], today)
    except TheoError as error:
        return Finding(name, "fail", error.what, error.remedy or error.why)
    months = contracts.months(instrument.id)
    if len(months) < 2:  # noqa: PLR2004 - one to leave and one to go to
        listed = ", ".join(month.name for month in months) or "no contract"
        return Finding(
            name, "fail", f"IB lists {listed} and none after it", "Take the month out of instruments.toml, or do not roll"
        )
    front, following = months[:2]
    last = date(1970, 1, 1) + timedelta(days=front.last_trade)
    text = f"{front.name} trades for the last time on {last}, {following.name} is next; by {rule.rule}, at the latest {rule.days}"
    return Finding(name, "ok", f"{text} trading days before")


def _data_finding(name: str, errors: Sequence[tuple[int, str]], kinds: Sequence[int], *, came: bool) -> Finding:
    for code, text in errors:
        known = meaning(code)
        if known.kind is not Kind.ADVISORY:
            return Finding(name, "fail", f"{known.text} ({code}: {text})", known.remedy)
    for code, text in errors:
        return Finding(name, "warn", f"{meaning(code).text} ({code}: {text})", meaning(code).remedy)
    if kinds and kinds[-1] not in LIVE_DATA:
        return Finding(name, "warn", "delayed data", meaning(354).remedy)
    if not came:
        return Finding(
            name, "warn", f"subscribed, but no price came within {DATA_SECONDS:.0f} s", "Normal while the market is closed"
        )
    return Finding(name, "ok", "live prices")


def _set(*events: asyncio.Event) -> None:
    for event in events:
        event.set()
