"""What two runs on one market are told: each of its own series, and nothing that it knows."""

from tests.unit.drive.test_marked_data import plan
from theo.domain.facts import Fact
from theo.domain.inputs import Input
from theo.domain.market_data import SECOND, Bar, ContractRolled, DataMark, DataMarked, Tick, TickKind
from theo.drive.assembly import assemble
from theo.runtime.sharing import Reading, SharedMarket

NOON = 1_795_190_400 * SECOND


def tick(instrument: int, at: int) -> Tick:
    return Tick(instrument, at, at, 0, int(TickKind.TRADE), 100_00, 1)


def reading(heard: dict[int, int]) -> Reading:
    return Reading(assemble(plan()), heard)


def own(run: Reading) -> int:
    """One of its instruments."""
    return min(run.instruments)


def test_a_tick_of_a_second_that_was_heard_is_no_news() -> None:
    """Of no whole second some ticks are asked for again: all of it was heard, or none."""
    instrument = own(reading({}))
    run = reading({instrument: NOON + 5})
    assert not run.lacks(tick(instrument, NOON - SECOND))
    assert not run.lacks(tick(instrument, NOON + SECOND - 1))
    assert run.lacks(tick(instrument, NOON + SECOND))
    assert reading({}).lacks(tick(instrument, NOON - SECOND))
    assert not run.lacks(tick(9_999, NOON + SECOND))


def test_a_bar_is_news_to_a_series_that_ends_before_it() -> None:
    run = reading({})
    (instrument, frame), series = next(iter(run.series.items()))
    bar = Bar(instrument, NOON, frame, NOON - 900 * SECOND, NOON, 1, 1, 1, 1, 1)
    assert run.lacks(bar)
    assert not run.lacks(Bar(instrument, NOON, "7min", NOON - 420 * SECOND, NOON, 1, 1, 1, 1, 1))
    series.close(bar)
    assert not run.lacks(bar)


def test_a_roll_is_news_to_a_run_that_holds_the_contract_before_it() -> None:
    run = reading({})
    instrument, core = own(run), run._core

    def rolled(previous: str, contract: str) -> ContractRolled:
        return ContractRolled(at=NOON, instrument=instrument, previous=previous, contract=contract, difference=0)

    assert run.lacks(rolled("", "MESU6"))
    core.step(rolled("", "MESU6"))
    assert run.fronts == {instrument: "MESU6"}
    assert [run.lacks(rolled(*names)) for names in (("", "MESU6"), ("MESM6", "MESU6"), ("MESU6", "MESZ6"))] == [
        False,
        False,
        True,
    ]


def test_each_hears_of_its_own_and_the_broker_s_run_first() -> None:
    both = reading({})
    instrument, other = own(both), max(both.instruments)
    leading = reading({instrument: NOON})
    leading.instruments = {instrument}
    told: list[tuple[str, Input | Fact]] = []
    shared = SharedMarket(leading, lambda item: told.append(("broker", item)), both, lambda item: told.append(("beside", item)))
    first, second = tick(instrument, NOON), DataMarked(other, NOON, DataMark.INTERRUPTED)
    shared.post(first)
    shared.post(second)
    assert told == [("broker", first), ("beside", first), ("beside", second)]
    assert shared.heard == {instrument: NOON}
