"""How the stored series of a backtest or paper run roll: the configuration's rule, and the calendar that the home keeps."""

from collections.abc import Mapping, Sequence

from theo.adapters.files.roll_calendars import read_calendar
from theo.app.home.layout import Home
from theo.app.stored.bars import StoredSeries
from theo.domain.errors import DataError
from theo.domain.instrument import Instrument
from theo.drive.rolls import Rolling
from theo.market.rolls import RollRule


def rollings(home: Home, rules: Mapping[str, RollRule], stored: Sequence[StoredSeries]) -> list[Rolling | None]:
    """One for each series; None where the configuration has no rule. Raises DataError for a rule without a calendar."""
    return [_rolling(home, each.instrument, rules.get(each.instrument.symbol)) for each in stored]


def _rolling(home: Home, instrument: Instrument, rule: RollRule | None) -> Rolling | None:
    if rule is None:
        return None
    path = home.roll_calendar(instrument.symbol)
    if not path.exists():
        raise DataError(
            f"[roll.{instrument.symbol}] is configured, and there is no roll calendar",
            where=str(path),
            remedy=f"Make it from stored bars of its contracts: theo import roll {instrument.symbol} --timeframe T",
        )
    return Rolling(rule, read_calendar(path, instrument))
