"""Splits, with their dates as data: bars as traded become bars on one scale."""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

import msgspec

from theo.domain.errors import DataError
from theo.domain.market_data import Bar
from theo.market.sessions import SessionTable


class Split(msgspec.Struct, frozen=True):
    """``new`` shares for ``old`` ones from the session of ``date`` (days since 1970-01-01) on; a reverse split has new < old."""

    date: int
    new: int
    old: int

    def __post_init__(self) -> None:
        if self.new < 1 or self.old < 1:
            raise DataError(f"a split of {self.new} for {self.old} is impossible", why="both are whole numbers of shares")


def split_adjusted(bars: Iterable[Bar], splits: Sequence[Split], table: SessionTable) -> Iterator[Bar]:
    """Bars on the scale after the last split: prices before a split times old / new, volumes times new / old.

    Prices are rounded once, to the nearest price unit, halves up; volumes down. Raises DataError when a split's date is no
    session of the table.
    """
    opens = {session.date: session.full[0][0] for session in table.sessions}
    steps: list[tuple[int, Fraction]] = []
    for split in sorted(splits, key=lambda s: s.date):
        if split.date not in opens:
            raise DataError(
                f"a split is dated {split.date} (days since 1970-01-01), which is no session of {table.calendar}",
                remedy="Give the first session that trades at the new price",
            )
        steps.append((opens[split.date], Fraction(split.old, split.new)))
    for bar in bars:
        factor = Fraction(1)
        for effective, step in steps:
            if bar.start < effective:
                factor *= step
        yield bar if factor == 1 else _scaled(bar, factor)


def _scaled(bar: Bar, factor: Fraction) -> Bar:
    prices = {name: _nearest(getattr(bar, name), factor) for name in ("open", "high", "low", "close")}
    return msgspec.structs.replace(bar, volume=bar.volume * factor.denominator // factor.numerator, **prices)


def _nearest(price: int, factor: Fraction) -> int:
    return (2 * price * factor.numerator + factor.denominator) // (2 * factor.denominator)
