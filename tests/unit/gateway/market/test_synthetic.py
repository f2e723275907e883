"""The seeded market: the same numbers from wherever one looks, bars that are what ticks make, prices that agree."""

from datetime import date
from hashlib import sha256
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.gateway.tables import at, tables
from theo.domain.market_data import DAY, HOUR, MINUTE, SECOND, Bar, SessionScope, Tick, TickKind, Timeframe
from theo.gateway.contracts.book import Contracts
from theo.gateway.desk import NEVER, Listing
from theo.gateway.market.synthetic import WATCHED_MAX, SyntheticMarket
from theo.gateway.market.synthetic_past import FIRST_AT, OPTIONS_KEPT_MAX
from theo.market.bars import BarTree
from theo.market.sessions import Hours

BOOK = Contracts(tables(), date(2026, 11, 20))
SPY, SPX, VIX, EUR = 756733, 416904, 13455763, 12087792
ES, MES, NEXT_ES, VX = 600010323, 600020323, 600010326, 600050323
CALL = next(each.con_id for each in BOOK.listings() if each.contract.local_symbol == "SPY   261218C00800000")
PUT = next(each.con_id for each in BOOK.listings() if each.contract.local_symbol == "SPY   261218P00800000")
SINGLE = [SPY, SPX, VIX, EUR, ES, VX, CALL]
START = at("2026-11-20 10:00:30")


def listing(con_id: int) -> Listing:
    found = BOOK.listing(con_id)
    assert found is not None
    return found


def market(start: int = START, seed: int = 7, listings: list[int] | None = None) -> SyntheticMarket:
    """A market of the few contracts that are looked at, with their underlyings."""
    chosen = [*SINGLE, MES, NEXT_ES, PUT, 11004968] if listings is None else listings
    return SyntheticMarket(seed, [listing(each) for each in chosen], start)


def prices(ticks: list[Tick] | tuple[Tick, ...], con_id: int) -> list[Tick]:
    return [tick for tick in ticks if tick.instrument == con_id]


def test_the_same_seed_gives_the_same_ticks_and_another_gives_others() -> None:
    until = START + 2 * MINUTE
    first = list(market().advance(until))
    assert first == list(market().advance(until))
    assert first != list(market(seed=8).advance(until))
    assert len(first) > 1_000


def test_ticks_are_in_order_and_counted() -> None:
    ticks = list(market().advance(START + 3 * MINUTE))
    assert all(START < tick.at == tick.timestamp for tick in ticks)
    assert all(one.at <= other.at for one, other in pairwise(ticks))
    keys = [(tick.instrument, tick.timestamp, tick.seq) for tick in ticks]
    assert len(set(keys)) == len(keys)


def test_steps_of_time_do_not_matter() -> None:
    whole = market()
    stepped = market()
    until = START + 2 * MINUTE
    one_go = list(whole.advance(until))
    by_step: list[Tick] = []
    now = START
    while now < until:
        now = min(now + 7 * SECOND, until)
        by_step += stepped.advance(now)
    assert one_go == by_step
    assert [whole.quote(each) for each in SINGLE] == [stepped.quote(each) for each in SINGLE]


def test_time_goes_from_tick_to_tick() -> None:
    one = market()
    expected = list(market().advance(START + 10 * SECOND))
    found: list[Tick] = []
    while one.next_at() <= START + 10 * SECOND:
        found += one.advance(one.next_at())
    assert found == expected


@pytest.mark.parametrize("con_id", [SPY, SPX, ES, VX, EUR])
def test_the_past_is_the_live_part_of_an_earlier_start(con_id: int) -> None:
    early = market(START - 5 * MINUTE)
    lived = prices(list(early.advance(START)), con_id)
    assert list(market().ticks(con_id, START - 5 * MINUTE + 1, START + 1)) == lived
    assert market().quote(con_id) == early.quote(con_id)


def test_nothing_of_the_future_is_told() -> None:
    one = market()
    assert one.ticks(SPY, START + 1, START + HOUR) == []
    assert one.bars(SPY, MINUTE, START, START + HOUR, regular=False) == []
    (now,) = one.bars(SPY, HOUR, at("2026-11-20 10:00"), START + HOUR, regular=False)
    seen = [tick.price for tick in one.ticks(SPY, at("2026-11-20 10:00"), NEVER) if tick.kind == TickKind.TRADE]
    assert (now.open, now.high, now.low, now.close) == (seen[0], max(seen), min(seen), seen[-1])


@pytest.mark.parametrize("con_id", [SPY, ES, SPX, VX])
@pytest.mark.parametrize("length", [5 * SECOND, 30 * SECOND, MINUTE, 5 * MINUTE, HOUR])
@pytest.mark.parametrize("regular", [True, False])
def test_bars_are_what_the_platform_makes_of_the_ticks(con_id: int, length: int, regular: bool) -> None:  # noqa: FBT001 - pytest names it
    """BarTree is tested against real data elsewhere; the half hour around the regular open has both hours in it."""
    start, end = at("2026-11-20 09:00"), at("2026-11-20 10:00")
    one = market(end)
    hours = Hours(listing(con_id).hours.table, SessionScope.RTH if regular else SessionScope.ALL)
    kind = TickKind.INDEX if con_id == SPX else TickKind.TRADE
    tree = BarTree(con_id, [Timeframe("bar", length)], hours, kind=kind)
    made: list[Bar] = []
    for tick in one.ticks(con_id, start, end):
        made += tree.on_tick(tick)
    made += tree.on_time(end + DAY)
    expected = [(bar.start, bar.end, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in made if bar.start >= start]
    found = one.bars(con_id, length, start, end, regular=regular)
    assert [(bar.start, bar.end, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in found] == expected
    assert expected


@pytest.mark.parametrize(("con_id", "regular"), [(SPY, True), (SPY, False), (ES, False), (ES, True), (VIX, True), (EUR, False)])
def test_a_day_is_the_sum_of_its_minutes(con_id: int, regular: bool) -> None:  # noqa: FBT001 - pytest names it
    one = market()
    start, end = at("2026-11-12 00:00"), at("2026-11-20 00:00")
    days = one.bars(con_id, 0, start, end, regular=regular)
    minutes = one.bars(con_id, MINUTE, start, end + DAY, regular=regular)
    assert [bar.session_date for bar in days] == sorted({bar.session_date for bar in days})
    assert len(days) == 6
    for day in days:
        inside = [bar for bar in minutes if bar.session_date == day.session_date]
        assert (day.open, day.close) == (inside[0].open, inside[-1].close)
        assert (day.high, day.low) == (max(bar.high for bar in inside), min(bar.low for bar in inside))
        assert day.volume == sum(bar.volume for bar in inside)


def test_a_bar_does_not_depend_on_what_was_asked_before() -> None:
    asked, fresh = market(), market()
    for start in ("2026-07-01", "2026-11-01", "2026-06-10"):
        asked.bars(ES, 15 * MINUTE, at(f"{start} 00:00"), at(f"{start} 00:00") + 5 * DAY, regular=False)
    span = at("2026-09-14 00:00"), at("2026-09-16 00:00")
    assert asked.bars(ES, HOUR, *span, regular=False) == fresh.bars(ES, HOUR, *span, regular=False)
    later = market(at("2026-12-01 12:00"))
    assert later.bars(ES, HOUR, *span, regular=False) == fresh.bars(ES, HOUR, *span, regular=False)


def test_quotes_stand_around_trades_and_never_cross() -> None:
    """From a quiet evening into the next morning, over the gap between."""
    one = market(at("2026-11-19 19:58"), listings=[SPY])
    step = listing(SPY).instrument.tick
    bids = asks = 0
    for tick in one.advance(at("2026-11-20 04:05")):
        quote = one.quote(SPY)
        if tick.instrument != SPY:
            continue
        assert quote.bid is not None
        assert quote.ask is not None
        assert quote.bid < quote.ask
        assert quote.bid % step == quote.ask % step == tick.price % step == 0
        if tick.kind == TickKind.TRADE:
            assert tick.price in {quote.bid, quote.ask}
            bids, asks = bids + (tick.price == quote.bid), asks + (tick.price == quote.ask)
            assert (quote.last, quote.last_size, quote.last_at) == (tick.price, tick.volume, tick.timestamp)
    assert bids > 10
    assert asks > 10


def test_an_index_has_values_only() -> None:
    one = market()
    ticks = prices(list(one.advance(START + MINUTE)), VIX)
    assert {tick.kind for tick in ticks} == {TickKind.INDEX}
    quote = one.quote(VIX)
    assert (quote.bid, quote.ask, quote.volume) == (None, None, 0)
    assert quote.last == ticks[-1].price


def test_currencies_are_quoted_only() -> None:
    one = market()
    assert {tick.kind for tick in prices(list(one.advance(START + MINUTE)), EUR)} == {TickKind.BID, TickKind.ASK}
    quote = one.quote(EUR)
    assert quote.last is None
    assert quote.high is not None


@pytest.mark.parametrize(
    ("con_id", "start", "until", "regular"),
    [
        (SPY, "2026-11-20 15:58", "2026-11-23 09:32", True),
        (SPX, "2026-11-20 15:58", "2026-11-23 09:32", True),
        (VIX, "2026-11-20 16:13", "2026-11-23 09:33", True),
        (ES, "2026-11-20 16:58", "2026-11-22 18:03", False),
        (VX, "2026-11-20 16:58", "2026-11-22 18:03", False),
    ],
)
def test_the_day_of_a_quote_is_the_day_of_its_bars(con_id: int, start: str, until: str, regular: bool) -> None:  # noqa: FBT001 - pytest names it
    """Asked late, as if asked since the start, over a weekend; the close is the one of the session before."""
    early, late = (market(at(start), listings=[con_id]) for _ in range(2))
    early.quote(con_id)
    for one in (early, late):
        for _ in one.advance(at(until)):
            pass
    before, today = late.bars(con_id, 0, at(start) - 5 * DAY, at(until), regular=regular)[-2:]
    quote = late.quote(con_id)
    assert (quote.open, quote.high, quote.low, quote.close) == (today.open, today.high, today.low, before.close)
    assert quote == early.quote(con_id)


def test_nothing_happens_when_closed() -> None:
    closed = market(at("2026-11-21 12:00"), listings=[SPY, ES])
    assert closed.next_at() >= at("2026-11-22 18:00")
    first = next(iter(closed.advance(at("2026-11-22 18:01"))))
    assert first.instrument == ES
    assert list(market(at("2026-11-26 12:00"), listings=[SPY]).advance(at("2026-11-27 03:59"))) == []


def test_half_days_end_early() -> None:
    (day,) = market(at("2026-11-28 12:00")).bars(SPY, 0, at("2026-11-27 00:00"), at("2026-11-28 00:00"), regular=True)
    assert day.end == at("2026-11-27 13:00")


def test_the_tables_end_is_the_end() -> None:
    last = market(at("2027-01-15 21:00"), listings=[SPY])
    assert last.next_at() == NEVER
    assert list(last.advance(NEVER - 1)) == []


def test_a_future_ends_on_its_last_day() -> None:
    one = market(at("2026-12-18 09:29"), listings=[ES, 11004968])
    ticks = list(one.advance(at("2026-12-18 12:00")))
    assert max(tick.at for tick in prices(ticks, ES)) < at("2026-12-18 09:30")


def closes(one: SyntheticMarket, con_id: int, *, length: int = MINUTE) -> dict[int, int]:
    bars = one.bars(con_id, length, at("2026-11-19 09:30"), at("2026-11-19 16:00"), regular=True)
    return {bar.start: bar.close for bar in bars}


def test_what_follows_one_index_agrees() -> None:
    """MES as ES; ES at fair value of SPX, within a tick; the later contract above the earlier by the same carry."""
    one = market()
    spx, es, mes, next_es = (closes(one, each) for each in (SPX, ES, MES, NEXT_ES))
    assert es == mes
    years = (at("2026-12-18 09:30") - at("2026-11-19 12:00")) / (365.25 * DAY)
    for start, price in es.items():
        assert price == pytest.approx(spx[start] * (1 + 0.028 * years), abs=13 + 25)
        assert next_es[start] - price == pytest.approx(spx[start] * 0.028 * 91 / 365.25, abs=60)


def test_volatility_moves_against_the_index() -> None:
    one = market()
    bars = {each: one.bars(each, 0, at("2026-06-02 00:00"), START, regular=True) for each in (SPX, VIX)}
    moves = {each: np.diff(np.log([bar.close for bar in found])) for each, found in bars.items()}
    assert np.corrcoef(moves[SPX], moves[VIX])[0, 1] < -0.7
    minutes = {each: closes(one, each) for each in (SPX, VIX)}
    pairs = [(minutes[SPX][start], minutes[VIX][start]) for start in sorted(minutes[SPX])]
    short = np.diff(np.log(np.array(pairs)), axis=0)
    assert np.corrcoef(short[:, 0], short[:, 1])[0, 1] < -0.3
    assert all(900 <= value <= 10_000 for _, value in pairs)


def test_a_year_has_the_markets_volatility() -> None:
    one = market()
    found = one.bars(SPX, 0, at("2026-06-02 00:00"), START, regular=True)
    moves = np.diff(np.log([bar.close for bar in found]))
    assert 0.10 < moves.std() * 252**0.5 < 0.24


def test_options_have_ticks_once_they_are_asked_for() -> None:
    one = market()
    assert not prices(list(one.advance(START + MINUTE)), CALL)
    quote = one.quote(CALL)
    assert quote.bid is not None
    assert quote.ask is not None
    assert quote.bid < quote.ask
    asked_at = START + MINUTE
    ticks = prices(list(one.advance(asked_at + 2 * MINUTE)), CALL)
    assert ticks
    assert min(tick.at for tick in ticks) > asked_at
    assert ticks == list(one.ticks(CALL, asked_at + 1, asked_at + 2 * MINUTE + 1))
    assert not prices(ticks, PUT)


def test_an_option_is_quoted_around_its_model() -> None:
    one = market()
    for minute in range(1, 6):
        one.quote(CALL)
        for _ in one.advance(START + minute * MINUTE):
            pass
        model, quote = one.model(CALL), one.quote(CALL)
        assert model is not None
        assert quote.bid is not None
        assert quote.ask is not None
        # the newest tick of an option is some seconds old
        assert quote.bid / 100 - 0.5 < model.price < quote.ask / 100 + 0.5
        assert 0 < model.delta < 1


def test_calls_and_puts_keep_parity() -> None:
    one = market()
    call, put = one.model(CALL), one.model(PUT)
    assert call is not None
    assert put is not None
    years = (at("2026-12-18 16:00") - START) / (365.25 * DAY)
    forward = call.under_price * np.exp(-0.012 * years) - 800 * np.exp(-0.04 * years)
    assert call.price - put.price == pytest.approx(forward, abs=1e-9)


def test_implied_volatility_and_price_are_inverse() -> None:
    one = market()
    priced = one.option_price(CALL, 0.23, 810.0)
    assert priced is not None
    back = one.implied_volatility(CALL, priced.price, 810.0)
    assert back is not None
    assert back.implied_volatility == pytest.approx(0.23, abs=1e-9)
    assert one.implied_volatility(CALL, 900.0, 810.0) is None
    assert one.model(SPY) is None
    assert one.option_price(SPY, 0.2, 800.0) is None


@settings(max_examples=25)
@given(st.integers(0, 2**63), st.integers(0, 150), st.sampled_from([SPY, ES, VIX, EUR, VX, CALL]))
def test_prices_are_on_their_grid_and_above_nothing(seed: int, days: int, con_id: int) -> None:
    now = at("2026-06-03 12:00") + days * DAY
    one = market(now, seed, [con_id, SPY] if con_id == CALL else [con_id])
    step = listing(con_id).instrument.tick
    for bar in one.bars(con_id, MINUTE, now - DAY, now, regular=False):
        assert 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        assert all(price % step == 0 for price in (bar.open, bar.high, bar.low, bar.close))


def test_history_reaches_back() -> None:
    one = market()
    first = listing(SPY).hours.table.sessions[0].full[0][0]
    assert one.head(SPY) == first > FIRST_AT
    assert one.bars(SPY, 0, first, first + 5 * DAY, regular=True)
    assert one.head(NEXT_ES) == listing(NEXT_ES).hours.first  # a session is open when the table begins


def test_load_is_as_asked_for() -> None:
    spy = listing(SPY)
    many = [
        msgspec.structs.replace(
            spy,
            contract=msgspec.structs.replace(spy.contract, con_id=n, symbol=f"S{n}"),
            instrument=msgspec.structs.replace(spy.instrument, id=n, symbol=f"S{n}"),
        )
        for n in range(1, 11)
    ]
    one = SyntheticMarket(1, many, at("2026-11-20 10:00"), ticks_a_second=10)
    ticks = list(one.advance(at("2026-11-20 10:02")))
    assert len(ticks) / 120 / 10 == pytest.approx(10, rel=0.05)
    references = {tick.instrument: tick.price for tick in ticks if tick.kind == TickKind.TRADE}
    assert len(set(references.values())) == 10


# Of bars and ticks of seed 1. It changes when the model does: then every market that was kept by its seed becomes another one.
GOLDEN = "9cc06fbf59af2c9d"


def test_a_seed_is_a_market_for_good() -> None:
    one = market(seed=1)
    found: list[object] = []
    for con_id in (SPY, SPX, VIX, EUR, ES, VX, CALL):
        found += one.bars(con_id, HOUR, at("2026-11-18 00:00"), START, regular=False)
        found += one.ticks(con_id, at("2026-11-19 09:30"), at("2026-11-19 09:31"))
    assert sha256(msgspec.json.encode(found)).hexdigest()[:16] == GOLDEN


def test_many_options_are_not_kept() -> None:
    under = [each for each in BOOK.listings() if each.underlying == SPY]
    one = SyntheticMarket(1, [listing(SPY), *under], START)
    first = one.model(under[0].con_id)
    for each in under[1 : OPTIONS_KEPT_MAX + 20]:
        one.model(each.con_id)
    assert len(one._past._options) == OPTIONS_KEPT_MAX
    assert one.model(under[0].con_id) == first


def test_too_many_watched_options_drop_the_first() -> None:
    one = SyntheticMarket(1, [listing(SPY), *(each for each in BOOK.listings() if each.underlying == SPY)], START)
    options = [each.con_id for each in BOOK.listings() if each.underlying == SPY][: WATCHED_MAX + 5]
    for con_id in options:
        one.quote(con_id)
    assert list(one._watched) == options[5:]


def test_volume_goes_over_to_the_next_month_a_week_or_two_before_a_future_ends() -> None:
    """ESZ6 trades for the last time on Friday 18 December: from one session on the next contract has the greater volume."""
    days = [date(2026, 12, day) for day in (3, 4, 7, 8, 9, 10, 11, 14, 15, 16)]
    late = market(at("2026-12-16 17:00"), listings=[ES, NEXT_ES, 11004968])
    ahead = []
    for day in days:
        opens, closes = (at(f"{day} {time}") for time in ("09:30", "16:00"))
        bars = (late.bars(each, HOUR, opens, closes, regular=True) for each in (ES, NEXT_ES))
        front, following = (sum(bar.volume for bar in hours) for hours in bars)
        ahead.append(following > front)
    assert ahead == sorted(ahead)
    assert 4 <= ahead.index(True) <= 7
