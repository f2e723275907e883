"""A future rolls under `theo live`: two months beside the gateway in simulated time, judged by the gateway's own books."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from tests.sim.live_world.played import did
from tests.sim.live_world.roll_week import DAYS, NEXT, OLD, ROLLS, STARTS, UP, RollWeek, ticks, walk
from tests.unit.gateway.tables import at
from theo.app.commands import status
from theo.domain.facts import Decided, Fact, LegRolled, RollAsked, Rolled, TradeClosed, TradeIntended
from theo.domain.market_data import MINUTE, SECOND
from theo.domain.orders import Side
from theo.market.series import Series

T = TypeVar("T")
BASE = """
name = "rolls"
strategy = "rules"
timeframe = "15min"
session = "RTH"
[symbols]
primary = "MES"
[stop]
percent = 2.0
[target]
percent = 2.0
[size]
quantity = 2
[trading]
style = "positional"
from = "00:00"
to = "24:00"
days = "all"
[entry]
"""  # levels that no session reaches: the trade is there when the future rolls
HOLDS = BASE + 'long = [{ left = "minutes_to_close", op = "==", right = 330 }]\n'  # 10:30 of each day, one trade at a time
LEVELS = (
    BASE.replace('"positional"', '"intraday"')
    + 'long = [{ left = "close", op = "breaks_above", right = "highest(20)" }, { left = "atr(14)", op = ">", right = 0 },'
    + ' { left = "sma(20)", op = ">", right = 0 }]\n'
)
BY_VOLUME = '[roll.MES]\nrule = "volume"\n'
AFTER = at("2026-12-10 09:40")
LATER = at("2026-12-10 12:10")
BAR = 15 * MINUTE


@pytest.fixture(scope="session")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Session tables, made once."""
    return tmp_path_factory.mktemp("sessions")


def of(facts: list[Fact], kind: type[T]) -> list[T]:
    return [fact for fact in facts if isinstance(fact, kind)]


def carried(week: RollWeek) -> None:
    """Two deals, one trade: what was held of the old contract is held of the next one, behind a stop and a target moved by UP."""
    assert week.deals() == [(OLD, "BUY", 2), (OLD, "SELL", 2), (NEXT, "BUY", 2)]
    assert week.held() == {NEXT: 2}
    assert [week.resting(NEXT, kind) for kind in ("STP", "LMT")] == [2, 2]
    assert [week.resting(OLD, kind) for kind in ("STP", "LMT", "MKT")] == [0, 0, 0]
    (leg,), (intended,) = of(week.facts, LegRolled), of(week.facts, TradeIntended)
    stop, target = (next(o for o in intended.approved.subject.orders if o.role == role) for role in ("stop", "target"))
    assert (leg.stop, leg.target, leg.difference) == ((stop.stop or 0) + UP, (target.limit or 0) + UP, UP)
    assert (week.wrong(), week.unprotected) == ([], [])


def of_their_time(week: RollWeek, spans: Sequence[tuple[str, str]] = DAYS, rolls: int = ROLLS) -> None:
    """Every print of the old contract up to the roll, every print of the next one from it on, each once, and no other."""
    prints = week.prints()
    played = [(moment, price + UP * (moment >= rolls)) for moment, price in walk(spans)]
    assert prints == [each for each in played if prints[0][0] <= each[0] <= prints[-1][0]]
    assert prints[-1][0] > rolls + 5 * MINUTE


def test_an_open_trade_goes_on_in_the_next_contract(tmp_path: Path, sessions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    week = RollWeek(tmp_path, sessions, HOLDS, BY_VOLUME)
    week.run((STARTS, AFTER))
    carried(week)
    of_their_time(week)
    named, rolled = week.rolled()
    assert (named.previous, named.contract, named.difference) == ("", OLD, 0)
    assert (rolled.previous, rolled.contract, rolled.difference, rolled.at) == (OLD, NEXT, UP, ROLLS)
    assert (rolled.measured_at, rolled.source) == (at("2026-12-09 16:00"), "ib:history")
    assert "page" not in {severity for severity, *_ in week.told.messages}
    assert week.decided_again().first_difference is None
    assert did(week.facts) == week.replayed(AFTER), "live and replay differ on the same ticks"
    assert status.run(tmp_path, json=False) == 0
    assert f"MES trades in {NEXT}, the next is MESM7" in capsys.readouterr().out


def test_a_virtual_trade_beside_it_goes_on_in_the_next_contract_too(tmp_path: Path, sessions: Path) -> None:
    week = RollWeek(tmp_path, sessions, HOLDS, BY_VOLUME, shadows=[0])
    week.run((STARTS, AFTER))
    carried(week)
    assert "page" not in {severity for severity, *_ in week.told.messages}
    ours, theirs = ([(f.previous, f.contract, f.difference) for f in of(facts, Rolled)] for facts in week.both())
    assert ours == theirs == [("", OLD, 0), (OLD, NEXT, UP)]
    ours_did, theirs_did = map(did, week.both())
    assert [line.split()[2:] for line in ours_did.orders] == [line.split()[2:] for line in theirs_did.orders]
    (leg,) = of(week.facts_beside, LegRolled)
    assert leg.difference == UP


@pytest.mark.slow
def test_a_trade_that_is_not_carried_is_closed_at_the_roll(tmp_path: Path, sessions: Path) -> None:
    week = RollWeek(tmp_path, sessions, HOLDS, BY_VOLUME + "carry = false\n")
    week.run((STARTS, AFTER))
    assert week.deals() == [(OLD, "BUY", 2), (OLD, "SELL", 2)]
    assert [closed.how for closed in of(week.facts, TradeClosed)] == ["roll"]
    assert (week.held(), week.wrong(), week.unprotected) == ({}, [], [])
    assert week.rolled()[-1].contract == NEXT


@pytest.mark.slow
@pytest.mark.parametrize("kind", [RollAsked, LegRolled])
def test_a_process_that_ends_in_the_middle_of_the_roll_goes_on_where_it_was(
    kind: type[Fact], tmp_path: Path, sessions: Path
) -> None:
    """The old contract's closing order is on record and never left; then the next one's bracket."""
    week = RollWeek(tmp_path, sessions, HOLDS, BY_VOLUME)
    killed: list[int] = []

    def watch(week: RollWeek, facts: list[Fact]) -> None:
        if not killed and of(facts, kind):
            killed.append(week.loop.now)
            week.kill()

    week.watch = watch
    week.run((STARTS, AFTER), (0, AFTER))
    assert ROLLS <= killed[0] < ROLLS + MINUTE
    carried(week)
    assert week.decided_again().first_difference is None


@pytest.mark.slow
def test_where_the_next_contract_is_refused_the_trade_ends_flat_and_a_person_is_paged(tmp_path: Path, sessions: Path) -> None:
    week = RollWeek(tmp_path, sessions, HOLDS, BY_VOLUME)

    def watch(week: RollWeek, facts: list[Fact]) -> None:
        if of(facts, LegRolled):
            week.stand.act(lambda: week.gateway.trading.reject_next(1, "no trading permission"))

    week.watch = watch
    week.run((STARTS, AFTER))
    assert week.deals() == [(OLD, "BUY", 2), (OLD, "SELL", 2)]
    assert (week.held(), week.wrong(), week.unprotected) == ({}, [], [])
    assert ("page", "roll_failed") in {(severity, code) for severity, code, _ in week.told.messages}


@pytest.mark.slow
def test_without_a_price_of_one_instant_there_is_no_roll_and_nothing_is_carried_into_delivery(
    tmp_path: Path, sessions: Path
) -> None:
    """On two days the next contract is not traded: a person is paged, and five trading days before the end it is closed."""
    week = RollWeek(
        tmp_path, sessions, HOLDS, '[roll.MES]\nrule = "days"\ndays = 6\n', ticks(without=("2026-12-09", "2026-12-10"))
    )
    week.run((STARTS, at("2026-12-11 09:40")))
    assert [rolled.contract for rolled in week.rolled()] == [OLD]
    assert week.deals() == [(OLD, "BUY", 2), (OLD, "SELL", 2)]
    assert (week.held(), week.wrong(), week.unprotected) == ({}, [], [])
    assert {("page", "no_roll"), ("page", "delivery")} <= {(severity, code) for severity, code, _ in week.told.messages}


@pytest.mark.slow
def test_the_last_session_to_roll_is_left_to_the_roll(tmp_path: Path, sessions: Path) -> None:
    """Five trading days before the end: what is open is closed from the evening before on, unless a roll takes it along."""
    week = RollWeek(tmp_path, sessions, HOLDS, '[roll.MES]\nrule = "days"\n')
    rolls = at("2026-12-11 09:30")
    week.run((at("2026-12-10 10:00"), at("2026-12-11 09:50")))
    carried(week)
    of_their_time(week, rolls=rolls)
    assert week.rolled()[-1].at == rolls
    assert "page" not in {severity for severity, *_ in week.told.messages}


@pytest.mark.slow
def test_what_was_stopped_out_while_nobody_was_there_is_not_closed_again(tmp_path: Path, sessions: Path) -> None:
    """A roll is due at the start, and the stop was filled on the day before, of which IB Gateway tells no executions any more."""
    week = RollWeek(tmp_path, sessions, HOLDS, BY_VOLUME)
    week.at(at("2026-12-09 15:45"), lambda: week.fill(OLD, "STP"))
    week.run((STARTS, at("2026-12-09 15:30")), (at("2026-12-10 10:00"), at("2026-12-10 10:20")))
    assert week.deals() == [(OLD, "BUY", 2), (OLD, "SELL", 2)]
    assert {("page", "position_differs"), ("page", "no_roll")} <= {(severity, code) for severity, code, _ in week.told.messages}
    assert [rolled.contract for rolled in week.rolled()] == [OLD]


@pytest.mark.slow
def test_a_market_that_never_closes_but_for_an_hour_rolls_in_its_pause(tmp_path: Path, sessions: Path) -> None:
    """All hours: the session of the 10th begins at 18:00 on the 9th."""
    spans = (("2026-12-08 18:00", "2026-12-09 17:00"), ("2026-12-09 18:00", "2026-12-09 18:30"))
    played = ticks(spans)
    rules = HOLDS.replace('"RTH"', '"ALL"').replace("330", "60")  # 16:00
    week = RollWeek(tmp_path, sessions, rules, BY_VOLUME, played)
    week.run((at("2026-12-09 15:30"), at("2026-12-09 18:20")))
    carried(week)
    of_their_time(week, spans, at("2026-12-09 18:00"))
    assert week.rolled()[-1].at == at("2026-12-09 18:00")


@pytest.mark.slow
def test_a_roll_waits_until_the_old_contract_is_whole(tmp_path: Path, sessions: Path) -> None:
    """From before the open until after it TWS has lost its server, and every subscription with it."""
    week = RollWeek(tmp_path, sessions, HOLDS, BY_VOLUME)
    back = ROLLS + 75 * SECOND
    week.play("server-lost-data-lost", ROLLS - MINUTE, back)
    week.run((STARTS, AFTER))
    carried(week)
    of_their_time(week)
    assert back <= week.rolled()[-1].at < back + 2 * MINUTE


def expected(until: int) -> dict[str, float]:
    """What TA-Lib says of the bars of the walk in the next contract's prices, in regular hours alone."""
    import talib

    bars: dict[int, list[int]] = {}
    for moment, price in walk():
        if at(f"2026-12-{_day(moment)} 09:30") <= moment < min(until, at(f"2026-12-{_day(moment)} 16:00")):
            bars.setdefault(moment // BAR, []).append(price + UP)
    made = list(bars.values())
    high, low = (np.array([pick(prices) for prices in made], dtype=float) for pick in (max, min))
    close = np.array([prices[-1] for prices in made], dtype=float)
    return {
        "highest(20)": talib.MAX(high, 20)[-1],
        "sma(20)": talib.SMA(close, 20)[-1],
        "atr(14)": talib.ATR(high, low, close, 14)[-1],
    }


def _day(moment: int) -> str:
    return next(begins[8:10] for begins, _ in DAYS if at(begins) <= moment < at(begins) + 24 * 60 * MINUTE)


DISTURBED = {
    "by nothing": [(STARTS, LATER)],
    "by a restart after the roll": [(STARTS, at("2026-12-10 10:07")), (at("2026-12-10 10:12"), LATER)],
    "by a restart around the roll": [(STARTS, at("2026-12-10 09:20")), (at("2026-12-10 09:47"), LATER)],
    "by a night and a morning away": [(STARTS, at("2026-12-09 15:30")), (at("2026-12-10 10:00"), LATER)],
    "by a first start after the roll": [(at("2026-12-10 10:00"), LATER)],
}


@pytest.mark.slow
@pytest.mark.parametrize("disturbed", DISTURBED)
def test_levels_over_the_roll_are_those_of_the_back_adjusted_series(disturbed: str, tmp_path: Path, sessions: Path) -> None:
    week = RollWeek(tmp_path, sessions, LEVELS, BY_VOLUME)
    week.run(*DISTURBED[disturbed])
    end, indicators = week.levels()
    assert end == at("2026-12-10 12:00")
    assert indicators == pytest.approx(expected(end))
    assert week.rolled()[-1].difference == UP
    assert week.wrong() == []
    assert week.decided_again().first_difference is None


BESIDE = {
    "all the time": (DISTURBED["by nothing"], [0]),
    "begun after the roll": (DISTURBED["by a restart after the roll"], [1]),
    "begun around the roll": (DISTURBED["by a restart around the roll"], [1]),
    "begun after a night away": (DISTURBED["by a night and a morning away"], [1]),
    "away around the roll": ([(STARTS, at("2026-12-10 09:20")), (0, at("2026-12-10 09:50")), (0, LATER)], [0, 2]),
    "killed around the roll": (DISTURBED["by a restart around the roll"], [0, 1]),
    "begun with a first start": (DISTURBED["by a first start after the roll"], [0]),
}


@pytest.mark.slow
@pytest.mark.parametrize("how", BESIDE)
def test_a_run_beside_it_knows_the_levels_whenever_it_began(how: str, tmp_path: Path, sessions: Path) -> None:
    """Where it is new after the roll its look-back is the next contract's alone: prices are the same, volume is not."""
    processes, shadows = BESIDE[how]
    week = RollWeek(tmp_path, sessions, LEVELS, BY_VOLUME, shadows=shadows)
    week.run(*processes)
    assert "virtual_ended" not in week.told.codes()
    for beside in (False, True):
        end, indicators = week.levels(beside=beside)
        assert end == at("2026-12-10 12:00")
        assert indicators == pytest.approx(expected(end))
    assert week.wrong() == []
    prints = week.prints(beside=True)
    assert len(prints) == len(set(prints)) > 0  # no tick is told to it twice


def entries(week: RollWeek) -> list[tuple[int, Side]]:
    """What was decided to be opened, and at which bar end."""
    ends = {fact.end for fact in of(week.facts, Decided)}
    opened = of(week.facts, TradeIntended)
    return [(max(end for end in ends if end <= fact.at), fact.approved.subject.orders[0].side) for fact in opened]


@pytest.mark.slow
def test_a_roll_is_no_signal_and_without_the_moved_frame_it_would_be_one(
    tmp_path: Path, sessions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside it runs one that stays in the old contract: the same entries at the same bar ends."""
    stays, rolls, broken = (RollWeek(tmp_path / name, sessions, LEVELS, how) for name, how in WAYS.items())
    for week in (stays, rolls):
        week.run((STARTS, LATER))
    assert entries(stays) == entries(rolls)
    monkeypatch.setattr(Series, "shift", lambda _self, _difference: None)
    broken.run((STARTS, LATER))
    gap = ROLLS + BAR, Side.BUY
    assert gap in entries(broken)
    assert gap not in entries(stays)


WAYS = {"stays": "", "rolls": BY_VOLUME, "broken": BY_VOLUME}
