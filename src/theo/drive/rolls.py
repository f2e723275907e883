"""No position is carried through a contract's end: before the last bar of a contract, and after it, the platform is told to roll.

The date of a roll is known beforehand (the roll calendar); that the source looks one bar ahead is how a backtest knows it.
"""

from collections.abc import Iterable, Iterator

from theo.domain.inputs import Command
from theo.domain.market_data import Bar


def with_rolls(bars: Iterable[Bar]) -> Iterator[Bar | Command]:
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


LOOK_AHEAD = 3


def _give(window: list[Bar]) -> Iterator[Bar | Command]:
    """The first bar, and a roll when its contract ends with it or with the bar after it."""
    first = window[0]
    yield first
    if any(later.contract != first.contract for later in window[1:]):
        yield _roll(first)


def _roll(bar: Bar) -> Command:
    return Command(
        at=bar.at,
        id=f"roll-{bar.instrument}-{bar.end}",
        actor="roll calendar",
        name="roll",
        reason=f"contract {bar.contract} ends",
        subject=str(bar.instrument),
    )
