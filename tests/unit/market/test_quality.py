from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theo.domain.market_data import DAY, HOUR, MINUTE, SECOND, Bar, SessionScope, Tick, TickFlag, TickKind
from theo.market.gaps import Gap, GapFinder, gaps_between, gaps_in
from theo.market.quality import OutlierFilter, OutlierLimits, SettlementDiffers, TickQuality, check_settlement
from theo.market.sessions import Hours, Session, SessionTable
from theo.market.trust import LIFE, TRUSTED, Trust, TrustEvent, next_trust

OPEN = 20_000 * DAY + 14 * HOUR + 30 * MINUTE
CLOSE = OPEN + 2 * HOUR


def session(number: int) -> Session:
    spans = ((OPEN + number * DAY, CLOSE + number * DAY),)
    return Session(20_000 + number, spans, spans)


TABLE = SessionTable("TEST", "test", 19_999, 20_009, (session(0), session(1), session(4)))


def hours() -> Hours:
    return Hours(TABLE, SessionScope.ALL)


def flagged(prices: list[int], limits: OutlierLimits | None = None) -> list[int]:
    """Which of the prices are outliers, by place."""
    check = OutlierFilter(1, limits)
    return [place for place, price in enumerate(prices) if check.is_outlier(price)]


QUIET = [10_000 + n % 3 for n in range(60)]


def test_a_single_bad_print_is_flagged_and_teaches_nothing() -> None:
    assert flagged([*QUIET, 12_000, 10_001, 8_000, 10_002]) == [60, 62]


def test_the_first_tick_may_be_the_bad_one() -> None:
    assert flagged([100_000, 10_000, 10_001, 10_002, 10_000]) == [1]


def test_a_new_level_is_believed_after_its_confirmations() -> None:
    limits = OutlierLimits()
    moved = [11_000 + n % 5 for n in range(20)]
    assert flagged(QUIET + moved) == [60 + n for n in range(limits.confirmations - 1)]


def test_bad_prints_at_scattered_levels_confirm_nothing() -> None:
    assert flagged([*QUIET, 11_000, 14_000, 11_000, 19_000, 11_000, 14_000, 10_001]) == [60, 61, 62, 63, 64, 65]


def test_a_trend_is_no_outlier() -> None:
    assert flagged([10_000 + 2 * n for n in range(2_000)]) == []


@given(st.lists(st.integers(1, 50_000), max_size=200), st.integers(0, 200))
def test_the_filter_is_the_textbook_formula_and_restores(prices: list[int], cut: int) -> None:
    """Against the mean and the population deviation of the accepted prices by the statistics module."""
    from statistics import fmean, pstdev

    limits, check, accepted = OutlierLimits(), OutlierFilter(1), list[int]()
    for place, price in enumerate(prices):
        if place == cut:
            other = OutlierFilter(1)
            other.restore(msgspec.json.decode(msgspec.json.encode(check.state())))
            check = other
        window, believed = accepted[-limits.window :], False
        outlier = check.is_outlier(price)
        if len(window) >= limits.warm_up:
            band = limits.z * pstdev(window) + limits.granularity_ticks
            distance = abs(price - fmean(window))
            if abs(distance - band) > 1e-6:
                assert outlier <= (distance > band), "nothing inside the band is flagged"
                believed = distance > band and not outlier
        if not outlier:
            accepted = msgspec.convert(check.state(), tuple[list[int], list[int]])[0]
        assert not believed or accepted == prices[place + 1 - limits.confirmations : place + 1]


def test_real_trades_are_hardly_ever_outliers(real_data: Path) -> None:
    """The vendor marks none of these trades as suspicious; one in ten thousand is our bound for false alarms."""
    import duckdb

    with duckdb.connect() as connection:
        usable = "('0x' || cond)::bigint & 1049120 = 0"
        query = f"select round(price * 100)::bigint from read_parquet(?) where {usable} order by file_row_number"  # noqa: S608 - our own text
        prices = [row[0] for row in connection.execute(query, [str(real_data / "spy_ticks_20131007.parquet")]).fetchall()]
    check = OutlierFilter(1)
    assert sum(check.is_outlier(price) for price in prices) < len(prices) / 10_000
    seen = 0
    for place, price in enumerate(prices[10_000:20_000]):
        bad = place % 1_000 == 999
        seen += check.is_outlier(price + 200 if bad else price) and bad
    assert seen == 10


def tick(seconds: int, price: int, kind: TickKind = TickKind.TRADE, flags: int = 0) -> Tick:
    timestamp = OPEN + seconds * SECOND
    return Tick(1, timestamp, timestamp, 0, int(kind), price, 1, flags)


def test_ticks_are_flagged_never_dropped() -> None:
    quality = TickQuality(hours(), 1)
    for n, price in enumerate(QUIET):
        good = tick(n, price)
        assert quality.on_tick(good) is good
    bad = quality.on_tick(tick(70, 20_000))
    assert (bad.flags, bad.price) == (TickFlag.OUTLIER, 20_000)
    condition = tick(71, 20_000, flags=int(TickFlag.NOT_LAST))
    assert quality.on_tick(condition) is condition
    settlement = tick(72, 20_000, TickKind.SETTLEMENT)
    assert quality.on_tick(settlement) is settlement
    next_day = tick(24 * 3600, 20_000)
    assert quality.on_tick(next_day) is next_day


def test_crossed_quotes_are_flagged_and_locked_ones_are_not() -> None:
    quality = TickQuality(hours(), 1)
    flags = [
        quality.on_tick(tick(n, price, kind)).flags
        for n, (kind, price) in enumerate(
            [
                (TickKind.BID, 100),
                (TickKind.ASK, 101),
                (TickKind.BID, 101),
                (TickKind.BID, 102),
                (TickKind.ASK, 103),
                (TickKind.ASK, -1),
            ]
        )
    ]
    assert flags == [0, 0, 0, TickFlag.CROSSED, 0, 0]
    again = TickQuality(hours(), 1)
    again.restore(msgspec.json.decode(msgspec.json.encode(quality.state())))
    assert again.state() == quality.state()


def test_settlement_against_last() -> None:
    assert check_settlement(10_050, 10_000, 25, 2) is None
    assert check_settlement(10_075, 10_000, 25, 2) == SettlementDiffers(10_075, 10_000, 3.0)


def bar(start: int, length: int = 5 * MINUTE) -> Bar:
    return Bar(1, start + length, "5min", start, start + length, 1, 1, 1, 1, 1)


def test_gaps_are_found_inside_sessions_only() -> None:
    step = 5 * MINUTE
    starts = (
        [OPEN + n * step for n in range(24) if n not in {3, 4, 9}]
        + [OPEN + DAY + n * step for n in range(1, 24)]
        + [OPEN + 4 * DAY]
    )
    found = list(gaps_in(map(bar, starts), hours(), step))
    assert found == [
        Gap(20_000, OPEN + 3 * step, OPEN + 5 * step, 2),
        Gap(20_000, OPEN + 9 * step, OPEN + 10 * step, 1),
        Gap(20_001, OPEN + DAY, OPEN + DAY + step, 1),
    ]
    whole_day = list(gaps_between(hours(), 0, CLOSE, OPEN + 4 * DAY))
    assert whole_day == [Gap(20_001, OPEN + DAY, CLOSE + DAY, 1)]


def test_a_revision_or_a_repeat_is_no_gap() -> None:
    finder = GapFinder(hours(), 5 * MINUTE)
    finder.on_bar(bar(OPEN))
    finder.on_bar(bar(OPEN + 5 * MINUTE))
    assert finder.on_bar(bar(OPEN)) == ()
    other = GapFinder(hours(), 5 * MINUTE)
    other.restore(finder.state())
    assert other.on_bar(bar(OPEN + 10 * MINUTE)) == ()
    assert len(other.on_bar(bar(OPEN + 30 * MINUTE))) == 1


@given(st.lists(st.sampled_from(TrustEvent)))
def test_the_table_of_trust_keeps_its_promises(events: list[TrustEvent]) -> None:
    trust = Trust.LIVE
    for event in events:
        if event not in LIFE[trust]:
            with pytest.raises(ValueError, match="cannot meet"):
                next_trust(trust, event)
            continue
        before, trust = trust, next_trust(trust, event)
        if before is Trust.GAPPED and trust in TRUSTED:
            assert event is TrustEvent.FILLED
        if before in {Trust.STALE, Trust.FAILED_OVER}:
            assert trust not in TRUSTED
        if event in {TrustEvent.SILENCE, TrustEvent.SOURCE_LOST}:
            assert trust not in TRUSTED


def test_every_state_can_take_silence_and_a_lost_source() -> None:
    for row in LIFE.values():
        assert row[TrustEvent.SILENCE] is Trust.STALE
        assert row[TrustEvent.SOURCE_LOST] is Trust.FAILED_OVER
