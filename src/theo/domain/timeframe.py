"""Reading timeframe names: 30s, 1min, 15min, 1h, 60min, 1d."""

import re

from theo.domain.errors import ConfigError
from theo.domain.market_data import DAY, HOUR, MINUTE, SECOND, Timeframe

_UNITS = {"s": SECOND, "min": MINUTE, "h": HOUR}
DAILY = Timeframe("1d", 0)


def timeframe(name: str) -> Timeframe:
    """The timeframe of a name; 60min and 1h are one timeframe, named 60min. Raises ConfigError."""
    if name == "1d":
        return DAILY
    match = re.fullmatch(r"([1-9]\d{0,4})(s|min|h)", name)
    length = int(match[1]) * _UNITS[match[2]] if match else 0
    if not length or DAY % length:
        raise ConfigError(
            f"timeframe {name!r} is not known",
            why="an intraday length divides 24 hours",
            remedy='Write for example "30s", "5min", "15min", "60min" or "1d"',
        )
    return Timeframe(f"{length // MINUTE}min" if length % MINUTE == 0 else f"{length // SECOND}s", length)
