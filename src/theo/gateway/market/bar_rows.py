"""Bars from rows of minutes, or from single trades, by the sessions and bounds that the whole platform uses."""

from collections.abc import Iterator

import numpy as np

from theo.domain.market_data import DAY, MINUTE, SECOND, Bar
from theo.gateway.market.traded import Minutes
from theo.market.sessions import Hours, Session

DAILY = "1d"


def timeframe_name(length: int) -> str:
    """As timeframes are named: 5s, 15min, 1d."""
    if not length:
        return DAILY
    return f"{length // MINUTE}min" if length % MINUTE == 0 else f"{length // SECOND}s"


def joined(rows: list[Minutes]) -> Minutes:
    """Several stretches, oldest first, as one."""
    columns = zip(*((r.start, r.open, r.high, r.low, r.close, r.volume) for r in rows), strict=True)
    merged = [np.concatenate(column) for column in columns] if rows else [np.zeros(0, dtype=np.int64)] * 6
    return Minutes(*merged)


def chosen(rows: Minutes, keep: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> Minutes:
    """The rows for which ``keep`` is true."""
    return Minutes(rows.start[keep], rows.open[keep], rows.high[keep], rows.low[keep], rows.close[keep], rows.volume[keep])


def session_bars(instrument: int, rows: Minutes, session: Session, hours: Hours, length: int, source: str) -> Iterator[Bar]:
    """The bars that a session's rows make; ``length`` 0 is one for the whole session. Rows outside the hours are left out."""
    inside = np.zeros(len(rows.start), dtype=np.bool_)
    for opens, closes in session.spans(hours.scope):
        inside |= (rows.start >= opens) & (rows.start < closes)
    rows = chosen(rows, inside)
    if not len(rows.start):
        return
    opened, closed = hours.bounds(session)
    starts = np.maximum(rows.start - rows.start % length, opened) if length else np.full(len(rows.start), opened)
    edges = np.concatenate(([0], np.flatnonzero(np.diff(starts)) + 1))
    name = timeframe_name(length)
    columns = zip(
        starts[edges].tolist(),
        rows.open[edges].tolist(),
        np.maximum.reduceat(rows.high, edges).tolist(),
        np.minimum.reduceat(rows.low, edges).tolist(),
        rows.close[np.concatenate((edges[1:], [len(starts)])) - 1].tolist(),
        np.add.reduceat(rows.volume, edges).tolist(),
        strict=True,
    )
    for start, first, high, low, last, volume in columns:
        end = min(start - start % length + length, closed) if length else closed
        yield Bar(instrument, end, name, start, end, first, high, low, last, volume, source, session.date)


def day_range(start: int, end: int) -> range:
    """The UTC days that ``start`` to ``end`` (excluded) touch."""
    return range(start // DAY, (end - 1) // DAY + 1)
