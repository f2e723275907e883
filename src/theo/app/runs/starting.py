"""What a run is refused for before it begins: limits that can never let the smallest order pass."""

import sys
from collections.abc import Iterable, Mapping

from theo.app.home.layout import Home
from theo.app.stored.bars import StoredSeries
from theo.domain.errors import ConfigError
from theo.drive.assembly import Plan
from theo.risk.limits import impossible


def refuse_impossible_limits(home: Home, plan: Plan, prices: Mapping[int, int]) -> None:
    """Raise ConfigError when a limit can never pass at these prices (price units by instrument id) for what the plan trades.

    An account that is too small for its leverage limits may grow: that is a warning on standard error, beside the result.
    """
    traded = [plan.instruments[ruleset.naming.ordered] for ruleset, _ in plan.rulesets]
    never = impossible(plan.limits, traded, prices)
    if never:
        raise ConfigError(
            "; ".join(never), where=f"{home.configuration} [limits]", remedy="Raise the limit, or trade something smaller"
        )
    for warning in impossible(plan.limits, traded, prices, plan.cash):
        print(f"warning: {warning} until equity has grown", file=sys.stderr)


def least_prices(stored: Iterable[StoredSeries]) -> dict[int, int]:
    """The lower one of the first open and the last close of each instrument's range, in price units."""
    return {series.info.instrument: price for series in stored if (price := series.least_price()) is not None}
