"""Where the contract behind a series of bars changes, the platform is told before.

With a roll calendar the series rolls as it says. Without one nothing is known of the next contract's price: before the last bar
of a contract, and after it, open trades are closed (command "roll"). That the source looks one bar ahead is how a backtest knows.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from theo.domain.errors import DataError
from theo.domain.inputs import Command
from theo.domain.market_data import Bar, ContractRolled
from theo.market.rolls import Roll, RollRule

LOOK_AHEAD = 3


class Rolling(msgspec.Struct, frozen=True):
    """How an instrument rolls, and when."""

    rule: RollRule
    calendar: tuple[Roll, ...]


def rolling(bars: Iterable[Bar], how: Rolling) -> Iterator[Bar | ContractRolled]:
    """Bars of one instrument in order of time, each roll before the first bar at or after it; the first contract is named too.

    Raises DataError for a bar of another contract than the calendar says.
    """
    left: Sequence[Roll] = how.calendar
    front: str | None = None
    for bar in bars:
        if front is None:
            front = bar.contract
            left = [roll for roll in left if roll.at > bar.start]
            yield _named(bar, front)
        while left and left[0].at <= bar.start:
            roll, left = left[0], left[1:]
            if roll.previous == front:
                front = roll.contract
                yield _rolled(bar.instrument, roll, how.rule)
        if bar.contract != front or not front:
            raise DataError(
                f"a bar of {bar.contract or 'no contract'} at {bar.start} where the roll calendar has {front or 'a contract'}",
                why="levels of one contract mean nothing at the prices of another",
                remedy="Make the series and its calendar together: theo import roll SYMBOL",
            )
        yield bar


def _named(bar: Bar, contract: str) -> ContractRolled:
    return ContractRolled(at=bar.start, instrument=bar.instrument, previous="", contract=contract, difference=0)


def _rolled(instrument: int, roll: Roll, rule: RollRule) -> ContractRolled:
    return ContractRolled(
        at=roll.at,
        instrument=instrument,
        previous=roll.previous,
        contract=roll.contract,
        difference=roll.difference,
        carry=rule.carry,
        spread=rule.method == "spread",
    )


def closing(bars: Iterable[Bar]) -> Iterator[Bar | Command]:
    """Bars of one instrument in order of time, a roll command after the last but one bar of a contract and after its last."""
    window: list[Bar] = []  # the bar to give out, and up to two that follow it
    for bar in bars:
        window.append(bar)
        if len(window) == LOOK_AHEAD:
            yield from _give(window)
            window.pop(0)
    while window:
        yield from _give(window)
        window.pop(0)


def _give(window: list[Bar]) -> Iterator[Bar | Command]:
    """The first bar, and a roll when its contract ends with it or with the bar after it."""
    first = window[0]
    yield first
    if any(later.contract != first.contract for later in window[1:]):
        yield _command(first)


def _command(bar: Bar) -> Command:
    return Command(
        at=bar.at,
        id=f"roll-{bar.instrument}-{bar.end}",
        actor="roll calendar",
        name="roll",
        reason=f"contract {bar.contract} ends",
        subject=str(bar.instrument),
    )
