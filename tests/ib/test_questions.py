"""The port of questions on a connection of its own, contracts kept between starts, and bars fetched into a real store."""

from collections.abc import AsyncIterator, Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from tests.ib.conftest import TODAY, Told
from tests.unit.gateway.tables import at
from theo.adapters.calendars.stored import session_table
from theo.adapters.ib.contracts import Contracts
from theo.adapters.ib.history import SOURCE
from theo.adapters.ib.kept_contracts import KeptContracts
from theo.adapters.ib.link import Link
from theo.adapters.ib.questions import Questions, asking
from theo.adapters.ib.settings import QUESTION_IDS, IbSettings
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.system.clock import PacedClock
from theo.app.stored.downloading import Download, fetch
from theo.domain.errors import DataError, RefusedError, TheoError, UserError
from theo.domain.instrument import Instrument
from theo.domain.market_data import DAY, Bar, SessionScope
from theo.domain.timeframe import timeframe
from theo.gateway.building import Gateway
from theo.gateway.server import GatewayServer
from theo.market.sessions import Hours
from theo.ports.feed import Progress
from theo.ports.market_questions import MarketQuestions, Phase
from theo.ports.market_store import BarRange

TEN = at("2026-11-20 10:00")
HELD = "ib:all"


@pytest.fixture
async def questions(server: GatewayServer, clock: PacedClock, told: Told) -> AsyncIterator[Questions]:
    async with asking(IbSettings(port=server.port), clock, told) as made:
        yield made


async def test_each_question_resolves_what_it_needs(questions: MarketQuestions, instruments: dict[str, Instrument]) -> None:
    mes, spy = instruments["MES"], instruments["SPY"]
    assert (await questions.get_market_status(spy)).phase is Phase.REGULAR
    assert (await questions.get_current_price(spy)).price
    assert (await questions.get_market_data(mes)).bid
    assert len((await questions.get_market_depth(mes, 3)).bids) == 3
    assert await questions.get_option_chain(spy)
    listed = await questions.validate_symbol(mes)
    assert (listed.contract, listed.last_day, listed.tradable) == ("MESZ6", "20261218", True)
    assert not (await questions.validate_symbol(instruments["VIX"])).tradable


async def test_what_ib_serves_no_longer_is_refused(questions: MarketQuestions, instruments: dict[str, Instrument]) -> None:
    for ask, what in (
        (questions.get_fundamental_data, "fundamental data"),
        (questions.get_corporate_actions, "corporate actions"),
    ):
        with pytest.raises(RefusedError, match=f"no {what} of SPY .*has ended.*Polygon"):
            await ask(instruments["SPY"])


async def test_it_takes_the_next_id_that_is_free_and_the_trader_s_never(
    server: GatewayServer, clock: PacedClock, told: Told, link: Link
) -> None:
    """As many as there are ids ask at once, beside a trader; one more is told so."""
    settings = IbSettings(port=server.port)
    opened = [asking(settings, clock, told) for _ in range(QUESTION_IDS)]
    made = [await each.__aenter__() for each in opened]
    ids = [each._link.settings.client_id for each in made]
    assert ids == [settings.question_client_id + n for n in range(QUESTION_IDS)]
    assert all(each._link.settings.read_only for each in made)
    with pytest.raises(UserError, match=r"in use.*question_client_id"):
        await asking(settings, clock, told).__aenter__()
    for each in opened:
        await each.__aexit__(None, None, None)
    assert link.up


async def test_nobody_answers(clock: PacedClock, told: Told, unused_tcp_port: int) -> None:
    with pytest.raises(UserError, match="no answer from TWS or IB Gateway"):
        await asking(IbSettings(port=unused_tcp_port), clock, told).__aenter__()


# Kept contracts


async def asked(link: Link, kept: KeptContracts, instruments: list[Instrument], today: str = TODAY) -> int:
    """How many questions a start asks."""
    sent: list[int] = []
    link.callbacks.on("contractDetailsEnd", sent.append)
    await Contracts(link, kept).resolve(instruments, today)
    return len(sent)


async def test_a_start_asks_only_what_is_new(link: Link, instruments: dict[str, Instrument], tmp_path: Path) -> None:
    file = tmp_path / "contracts" / "ib.json"
    mes, spy, vix = (instruments[name] for name in ("MES", "SPY", "VIX"))
    assert await asked(link, KeptContracts(file), [mes, spy]) == 2
    assert await asked(link, KeptContracts(file), [mes, spy, vix]) == 1
    fresh, kept = Contracts(link), Contracts(link, KeptContracts(file))
    await fresh.resolve([mes], TODAY)
    await kept.resolve([mes], TODAY)
    assert kept.details(mes.id) == fresh.details(mes.id)
    assert kept.month(mes.id, "MESH7") == fresh.month(mes.id, "MESH7")
    file.write_bytes(b"{")
    assert await asked(link, KeptContracts(file), [mes]) == 1


async def test_what_is_stale_or_of_another_login_is_asked_again(
    link: Link, clock: PacedClock, instruments: dict[str, Instrument], tmp_path: Path
) -> None:
    kept, mes = KeptContracts(tmp_path / "ib.json"), instruments["MES"]
    assert await asked(link, kept, [mes]) == 1
    assert await asked(link, kept, [mes], "20261219") == 1  # its last trade day is over
    assert await asked(link, kept, [mes], "20261219") == 0
    key = next(iter(kept._read()))
    stored = kept._read()[key]
    assert kept.get(key, stored.at + DAY - 1) == stored.listed
    assert kept.get(key, stored.at + DAY) == ()
    assert kept.get(key, stored.at - 1) == ()  # the clock was put back
    link.account = "DU0000001"
    assert await asked(link, kept, [mes]) == 1


# Downloads


def wanted(instrument: Instrument, days: int, calendar: str, folder: Path, **more: str) -> Download:
    table = session_table(calendar, date(2026, 6, 1), date(2027, 1, 15), folder)
    return Download(
        instrument=instrument,
        timeframe=timeframe("15min"),
        hours=Hours(table, SessionScope.ALL),
        start=TEN - days * DAY,
        end=TEN,
        source=more.get("source", ""),
    )


def stored(store: SqlMarketStore, instrument: Instrument) -> list[Bar]:
    return list(store.bars(BarRange(instrument=instrument.id, timeframe="15min")))


async def own_bars(questions: Questions, what: Download) -> list[Bar]:
    """The adapter's history, which tests/ib/test_history.py compares with the gateway market's own."""
    found: list[Bar] = []
    span = (what.start, TEN)
    async for piece in questions.get_historical_data(what.instrument, what.timeframe, what.hours, span, lambda _now: None):
        found += piece
    return found


def after(pieces: int) -> Callable[[Progress], None]:
    """Whoever is told of progress and breaks off after so many pieces."""
    left = [pieces]

    def tell(_now: Progress) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt

    return tell


async def test_bars_come_into_the_store_with_their_source(
    questions: Questions, instruments: dict[str, Instrument], tmp_path: Path
) -> None:
    what = wanted(instruments["SPY"], 10, "NYSE", tmp_path)
    with closing(SqlMarketStore(tmp_path)) as store:
        done = await fetch(questions, store, what, lambda _now: None)
        held = stored(store, what.instrument)
        assert {bar.source for bar in held} == {HELD} != {SOURCE}
        assert [(b.start, b.end, b.close) for b in held] == [(b.start, b.end, b.close) for b in await own_bars(questions, what)]
        assert (done.bars, done.first, done.last, done.resumed) == (len(held), held[0].start, held[-1].start, 0)
        again = await fetch(questions, store, what, lambda _now: None)
        assert (again.bars, again.replaced) == (done.bars, done.bars)
        mes = await fetch(questions, store, wanted(instruments["MES"], 2, "CME_EQUITY", tmp_path), lambda _now: None)
        assert mes.source == "ib:all:MESZ6"


async def test_what_was_interrupted_is_not_seen_and_goes_on(
    questions: Questions, instruments: dict[str, Instrument], tmp_path: Path
) -> None:
    """The first attempt ends after two pieces of a week, the next one asks for the rest only."""
    what = wanted(instruments["SPY"], 40, "NYSE", tmp_path)
    with closing(SqlMarketStore(tmp_path)) as store:
        with pytest.raises(KeyboardInterrupt):
            await fetch(questions, store, what, after(1))
        assert stored(store, what.instrument) == []
        told: list[Progress] = []
        done = await fetch(questions, store, what, told.append)
        held = stored(store, what.instrument)
        assert done.resumed > 0
        assert told[-1].bars == len(held) - done.resumed
        assert [(b.start, b.close) for b in held] == [(b.start, b.close) for b in await own_bars(questions, what)]
        assert (done.bars, done.first, done.last) == (len(held), held[0].start, held[-1].start)


async def test_a_link_that_is_cut_keeps_what_came(
    questions: Questions, server: GatewayServer, gateway: Gateway, instruments: dict[str, Instrument], tmp_path: Path
) -> None:
    what = wanted(instruments["SPY"], 40, "NYSE", tmp_path)

    def cut(_now: Progress) -> None:
        questions._link.client.disconnect()

    with closing(SqlMarketStore(tmp_path)) as store:
        with pytest.raises(TheoError, match=r"cut off, [\d,]+ bars are kept.*same command") as error:
            await fetch(questions, store, what, cut)
        assert not isinstance(error.value, UserError)
        assert stored(store, what.instrument) == []


async def test_nothing_to_download_is_said(questions: Questions, instruments: dict[str, Instrument], tmp_path: Path) -> None:
    what = wanted(instruments["SPY"], 1, "NYSE", tmp_path)
    ahead = Download(
        instrument=what.instrument,
        timeframe=what.timeframe,
        hours=what.hours,
        start=TEN + DAY,
        end=TEN + 2 * DAY,
        source="",
    )
    with closing(SqlMarketStore(tmp_path)) as store:
        with pytest.raises(UserError, match="no history of SPY in that time"):
            await fetch(questions, store, ahead, lambda _now: None)
        night = Download(
            instrument=what.instrument,
            timeframe=what.timeframe,
            hours=what.hours,
            start=at("2026-11-19 21:00"),
            end=at("2026-11-19 23:00"),
            source="",
        )
        with pytest.raises(DataError, match="no 15min bars of SPY"):
            await fetch(questions, store, night, lambda _now: None)
        assert store.series() == ()
