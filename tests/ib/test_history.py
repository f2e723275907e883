"""History over TCP, against the gateway market's own past."""

from collections.abc import Sequence

import pytest

from tests.ib.conftest import until
from tests.unit.gateway.tables import at
from theo.adapters.ib.contracts import Contracts
from theo.adapters.ib.history import History
from theo.adapters.ib.link import Link
from theo.adapters.ib.requests import RequestRefusedError
from theo.adapters.ib.tick_line import Print, Seconds
from theo.domain.errors import DataError
from theo.domain.instrument import Instrument
from theo.domain.market_data import DAY, HOUR, MINUTE, SECOND, Bar, SessionScope, Timeframe
from theo.domain.timeframe import timeframe
from theo.gateway.building import Gateway
from theo.gateway.contracts.book import Contracts as Book
from theo.gateway.desk import Listing
from theo.gateway.server import GatewayServer
from theo.market.sessions import Hours
from theo.ports.feed import Progress

Numbers = tuple[int, int, int, int, int, int]
TEN = at("2026-11-20 10:00")


@pytest.fixture
def history(link: Link, resolved: Contracts) -> History:
    return History(link, resolved)


@pytest.fixture
def listings(resolved: Contracts, contracts: Book, instruments: dict[str, Instrument]) -> dict[str, Listing]:
    found = {}
    for symbol in ("MES", "VIX", "SPY"):
        listing = contracts.listing(resolved.contract(instruments[symbol].id).conId)
        assert listing is not None
        found[symbol] = listing
    return found


def own(
    gateway: Gateway, listing: Listing, instrument: Instrument, length: int, span: tuple[int, int], *, regular: bool
) -> list[Numbers]:
    """The market's own bars, in our price units."""
    scale = 10 ** (instrument.price_decimals - listing.instrument.price_decimals)
    return [
        (bar.start, bar.open * scale, bar.high * scale, bar.low * scale, bar.close * scale, bar.volume)
        for bar in gateway.simulator.desk.market.bars(listing.con_id, length, *span, regular=regular)
    ]


def numbers(bars: Sequence[Bar]) -> list[Numbers]:
    return [(bar.start, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars]


async def read(
    history: History, instrument: Instrument, frame: Timeframe, listing: Listing, span: tuple[int, int], scope: SessionScope
) -> tuple[list[Bar], list[Progress]]:
    told: list[Progress] = []
    found: list[Bar] = []
    async for piece in history.bars(instrument, frame, Hours(listing.hours.table, scope), span, told.append):
        found += piece
    return found, told


@pytest.mark.parametrize(
    ("symbol", "name", "days", "scope"),
    [
        ("MES", "1min", 1, SessionScope.ALL),
        ("MES", "5min", 9, SessionScope.ALL),
        ("SPY", "15min", 40, SessionScope.RTH),
        ("SPY", "60min", 40, SessionScope.RTH),
        ("VIX", "30min", 40, SessionScope.ALL),
        ("SPY", "30s", 1, SessionScope.RTH),
    ],
)
async def test_bars_are_the_market_s(
    history: History,
    gateway: Gateway,
    listings: dict[str, Listing],
    instruments: dict[str, Instrument],
    symbol: str,
    name: str,
    days: int,
    scope: SessionScope,
) -> None:
    """In as many pieces as IB's table of steps makes of it, none twice, none missing."""
    frame, listing, instrument = timeframe(name), listings[symbol], instruments[symbol]
    span = (TEN - days * DAY, TEN)
    found, told = await read(history, instrument, frame, listing, span, scope)
    assert numbers(found) == own(gateway, listing, instrument, frame.length, span, regular=scope is SessionScope.RTH)
    assert found[-1].end <= TEN
    assert {(bar.source, bar.timeframe) for bar in found} == {("ib:history", frame.name)}
    assert [each.until for each in told] == sorted({each.until for each in told})
    assert (told[-1].until, told[-1].bars) == (TEN, len(found))


async def test_daily_bars_have_their_session_and_date(
    history: History, gateway: Gateway, listings: dict[str, Listing], instruments: dict[str, Instrument]
) -> None:
    span = (TEN - 60 * DAY, TEN)
    for symbol, scope in (("SPY", SessionScope.RTH), ("MES", SessionScope.ALL)):
        listing, instrument = listings[symbol], instruments[symbol]
        found, _ = await read(history, instrument, timeframe("1d"), listing, span, scope)
        hours = Hours(listing.hours.table, scope)
        sessions = [
            s
            for s in hours.sessions_between(span[0] // DAY, TEN // DAY)
            if span[0] <= hours.bounds(s)[0] and hours.bounds(s)[1] <= TEN
        ]
        assert [(bar.session_date, (bar.start, bar.end)) for bar in found] == [(s.date, hours.bounds(s)) for s in sessions]
        for bar in found[-3:]:
            minutes = own(gateway, listing, instrument, MINUTE, (bar.start, bar.end), regular=scope is SessionScope.RTH)
            assert bar.volume == sum(row[5] for row in minutes)
            assert (bar.high, bar.low) == (max(row[2] for row in minutes), min(row[3] for row in minutes))


async def test_reading_goes_on_where_it_ended(
    history: History, listings: dict[str, Listing], instruments: dict[str, Instrument]
) -> None:
    listing, mes, span = listings["MES"], instruments["MES"], (TEN - 6 * DAY, TEN)
    whole, told = await read(history, mes, timeframe("1min"), listing, span, SessionScope.ALL)
    again, _ = await read(history, mes, timeframe("1min"), listing, (told[0].until, TEN), SessionScope.ALL)
    assert again == [bar for bar in whole if bar.start >= told[0].until]
    assert len(told) == 3


async def test_a_size_that_ib_has_not(history: History, listings: dict[str, Listing], instruments: dict[str, Instrument]) -> None:
    with pytest.raises(DataError, match="IB has no bars of 2700 seconds"):
        await read(
            history, instruments["MES"], Timeframe("45min", 45 * MINUTE), listings["MES"], (TEN - DAY, TEN), SessionScope.ALL
        )


async def test_no_data_is_none_and_no_permission_is_told(
    history: History,
    gateway: Gateway,
    server: GatewayServer,
    listings: dict[str, Listing],
    instruments: dict[str, Instrument],
) -> None:
    """IB says both with 162."""
    before = gateway.simulator.desk.market.head(listings["SPY"].con_id)
    found, _ = await read(
        history, instruments["SPY"], timeframe("15min"), listings["SPY"], (before - 3 * DAY, before - 2 * DAY), SessionScope.RTH
    )
    assert found == []
    server.act(lambda simulator: gateway.incidents.play(simulator.desk, "not-subscribed", None, {"symbol": "SPY"}))
    with pytest.raises(RequestRefusedError, match="No market data permissions"):
        await read(history, instruments["SPY"], timeframe("15min"), listings["SPY"], (TEN - DAY, TEN), SessionScope.RTH)


async def test_too_fast_is_asked_again(
    history: History, gateway: Gateway, server: GatewayServer, listings: dict[str, Listing], instruments: dict[str, Instrument]
) -> None:
    """162 of the third kind: a pacing violation, though the budget was kept: somebody else has used it up."""
    refused: list[tuple[int, str]] = []
    history._link.callbacks.on("error", lambda _request, code, text, _more: refused.append((code, text)))
    server.act(lambda simulator: gateway.incidents.play(simulator.desk, "pacing", 30.0, {"messages": 50}))
    span = (TEN - HOUR, TEN)
    found, _ = await read(history, instruments["MES"], timeframe("1min"), listings["MES"], span, SessionScope.ALL)
    assert any(code == 162 and "pacing violation" in text for code, text in refused)
    assert len(found) == 60


async def test_where_history_begins(
    history: History, gateway: Gateway, listings: dict[str, Listing], instruments: dict[str, Instrument]
) -> None:
    assert await history.earliest(instruments["SPY"]) == gateway.simulator.desk.market.head(listings["SPY"].con_id)


async def test_a_long_hole_is_told_by_ticks_at_its_edges_and_minutes_inside(
    history: History, gateway: Gateway, listings: dict[str, Listing], instruments: dict[str, Instrument], link: Link
) -> None:
    """An hour of MES is more than six pages of ticks: the bars are the same, whatever they are made of."""
    await until(lambda: link.clock.now() > TEN + 30 * SECOND)
    mes, listing = instruments["MES"], listings["MES"]
    first, last = (TEN - 20 * HOUR) // SECOND + 17, TEN // SECOND + 11
    past = await history.prints(mes, Seconds(first, last))
    assert past.from_bars
    stamps = [each.timestamp for each in past.prints]
    assert stamps == sorted(stamps)
    minutes: dict[int, list[Print]] = {}
    for each in past.prints:
        minutes.setdefault(each.timestamp // MINUTE * MINUTE, []).append(each)
    whole = range((first // 60 + 1) * MINUTE, last // 60 * MINUTE, MINUTE)
    made = [
        (start, ps[0].price, max(p.price for p in ps), min(p.price for p in ps), ps[-1].price, sum(p.size for p in ps))
        for start, ps in sorted(minutes.items())
        if start in whole
    ]
    assert made == own(gateway, listing, mes, MINUTE, (whole.start, whole.stop), regular=False)
    ticks = gateway.simulator.desk.market.ticks(listing.con_id, last // 60 * MINUTE, (last + 1) * SECOND)
    edge = [(t.timestamp // SECOND, t.price, t.volume) for t in ticks if t.kind == 0]
    assert [(p.timestamp // SECOND, p.price, p.size) for p in past.prints if p.timestamp >= last // 60 * MINUTE] == edge


async def test_minutes_of_which_something_is_known_are_told_by_ticks(
    history: History, gateway: Gateway, listings: dict[str, Listing], instruments: dict[str, Instrument], link: Link
) -> None:
    """Of a long hole, too: a bar has the volume of its whole minute, also of what was handed on."""
    await until(lambda: link.clock.now() > TEN + 30 * SECOND)
    mes, listing = instruments["MES"], listings["MES"]
    first, last = (TEN - 20 * HOUR) // SECOND + 17, TEN // SECOND + 11
    known = range((TEN - HOUR) // MINUTE, (TEN - HOUR) // MINUTE + 3)
    past = await history.prints(mes, Seconds(first, last), known)
    assert past.from_bars
    span = (known.start * MINUTE, known.stop * MINUTE)
    truth = [t for t in gateway.simulator.desk.market.ticks(listing.con_id, *span) if t.kind == 0]
    told = [p for p in past.prints if span[0] <= p.timestamp < span[1]]
    assert [(p.timestamp // SECOND, p.price, p.size) for p in told] == [(t.timestamp // SECOND, t.price, t.volume) for t in truth]
    assert [p.timestamp for p in past.prints] == sorted(p.timestamp for p in past.prints)
