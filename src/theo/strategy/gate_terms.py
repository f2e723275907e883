"""The ``[gate]`` table: what a rule set asks of its data before anything opens. Without the table it asks for trust alone."""

from typing import Final

from theo.domain.market_data import DAY
from theo.market.gate import DEVIATIONS_MAX, WINDOW_BARS_MAX, GateBounds
from theo.strategy.tables import Table

AGE_DAYS_MAX: Final = 3_650
TICKS_MAX: Final = 1_000_000


def read_gate(table: Table) -> GateBounds:
    """Each bound within its own; what the table leaves out is as GateBounds has it."""
    usual = GateBounds()
    window = table.whole("window", usual.window, 2, WINDOW_BARS_MAX)
    bars_min = table.whole("bars_min", min(usual.bars_min, window), 0, WINDOW_BARS_MAX)
    if bars_min > window:
        table.wrong("bars_min", f"is {bars_min}, the window {window}", remedy=f"Write at most {window}, or a longer window")
    bounds = GateBounds(
        bars_min=min(bars_min, window),
        window=window,
        missing_max=table.whole("missing_max", usual.missing_max, 0, WINDOW_BARS_MAX),
        age_max=int(table.number("age_days_max", usual.age_max / DAY, 0.0, AGE_DAYS_MAX) * DAY),
        common_session=table.flag("common_session", default=usual.common_session),
        outlier_deviations=table.number("outlier_deviations", usual.outlier_deviations, 0.0, DEVIATIONS_MAX),
        settlement_ticks_max=table.whole("settlement_ticks_max", usual.settlement_ticks_max, 0, TICKS_MAX),
    )
    table.finish()
    return bounds
