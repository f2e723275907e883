"""Equity as a picture: Braille dots for a terminal, and an SVG that needs nothing else. Text in, text out.

The curve is drawn over time, each value holding until the next is known. Labels are the highest and lowest equity and the change.
"""

from collections.abc import Sequence
from html import escape
from typing import Final

from theo.domain.instrument import MICROS
from theo.report.deals import EquityPoint

BRAILLE: Final = 0x2800
# the bit of a dot in its cell: column 0 or 1, row 0 (top) to 3
DOTS: Final = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
CELL_WIDTH, CELL_HEIGHT = 2, 4
NOTHING_YET: Final = "no equity to show yet"
SVG_MARGIN: Final = 24


def sampled(points: Sequence[EquityPoint], count: int) -> list[int]:
    """Equity at ``count`` evenly spaced moments from the first point to the last: the value last known at each."""
    first, last = points[0].at, points[-1].at
    values, place = [], 0
    for n in range(count):
        moment = first + (last - first) * n // max(1, count - 1)
        while place + 1 < len(points) and points[place + 1].at <= moment:
            place += 1
        values.append(points[place].equity)
    return values


def terminal(points: Sequence[EquityPoint], columns: int = 72, rows: int = 12) -> str:
    """The curve in Braille, ``columns`` x ``rows`` characters, with the highest and lowest equity beside it."""
    if not points:
        return NOTHING_YET
    values = sampled(points, columns * CELL_WIDTH)
    low, high = min(values), max(values)
    cells = [[BRAILLE] * columns for _ in range(rows)]
    before = None
    for x, value in enumerate(values):
        y = _height(value, low, high, rows * CELL_HEIGHT - 1)
        for dot in range(min(y, y if before is None else before), max(y, y if before is None else before) + 1):
            row, part = divmod(rows * CELL_HEIGHT - 1 - dot, CELL_HEIGHT)
            cells[row][x // CELL_WIDTH] |= DOTS[x % CELL_WIDTH][part]
        before = y
    labels = {0: _cash(high), rows - 1: _cash(low)}
    width = max(len(label) for label in labels.values())
    return "\n".join(f"{labels.get(n, ''):>{width}} {''.join(map(chr, row))}" for n, row in enumerate(cells))


def svg(points: Sequence[EquityPoint], title: str, width: int = 720, height: int = 240) -> str:
    """The curve as a self-contained SVG in the colour of the text around it; the start's level is a thin line."""
    if not points:
        return _frame(title, NOTHING_YET, "", width, height)
    first, last = points[0], points[-1]
    low, high = min(p.equity for p in points), max(p.equity for p in points)

    def place(point: EquityPoint) -> tuple[float, float]:
        x = (width - 2 * SVG_MARGIN) * (point.at - first.at) / max(1, last.at - first.at)
        y = (height - 2 * SVG_MARGIN) * (high - point.equity) / max(1, high - low)
        return SVG_MARGIN + x, SVG_MARGIN + y

    steps = []
    level = place(first)[1]
    for point in points:
        x, y = place(point)
        steps.append(f"{x:.1f},{level:.1f} {x:.1f},{y:.1f}")
        level = y
    begin = place(first)[1]
    body = (
        f'<line x1="{SVG_MARGIN}" x2="{width - SVG_MARGIN}" y1="{begin:.1f}" y2="{begin:.1f}" opacity="0.3"/>'
        f'<polyline points="{" ".join(steps)}" stroke-width="1.5"/>'
    )
    change = last.equity - first.equity
    return _frame(title, f"{_cash(low)} to {_cash(high)}, change {change / MICROS:+,.2f}", body, width, height)


def _height(value: int, low: int, high: int, most: int) -> int:
    """Where a value stands from 0 to ``most``; the middle when all are one."""
    return (value - low) * most // (high - low) if high > low else most // 2


def _cash(micros: int) -> str:
    return f"{micros / MICROS:,.0f}"


def _frame(title: str, caption: str, body: str, width: int, height: int) -> str:
    text = f"{escape(title)}: {escape(caption)}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{text}" '
        f'fill="none" stroke="currentColor" font-family="sans-serif" font-size="12">'
        f"<title>{text}</title>{body}"
        f'<text x="{SVG_MARGIN}" y="{height - 6}" fill="currentColor" stroke="none">{text}</text></svg>'
    )
