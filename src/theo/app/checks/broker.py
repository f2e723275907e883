"""The checks of the broker's side, for `theo doctor`: only where the configuration says that a broker is meant, or when asked."""

import asyncio
from datetime import UTC, datetime

from theo.app.checks.check import Check, Level
from theo.app.configuration.file import configured
from theo.app.configuration.roll import live_rolls
from theo.app.home.instruments import known_instruments
from theo.app.home.layout import Home
from theo.domain.errors import ConfigError, TheoError

SYMBOLS = ("MES", "VIX", "SPY")  # a future, an index and a fund: what the shipped rule sets read


def broker_checks(home: Home, *, asked: bool) -> list[Check]:
    """Nothing for the simulated market; else what TWS or IB Gateway answers."""
    try:
        settings = configured(home.configuration)
        listed = known_instruments(home)
    except TheoError:
        return []  # the checks of the home say it
    if settings.mode == "virtual" and not asked:
        return []
    from theo.adapters.ib.diagnosis import diagnose  # ib_async is loaded only where a broker is meant
    from theo.adapters.system.clock import WallClock

    known = {symbol: entry.instrument for symbol, entry in listed.items()}
    instruments = [known[symbol] for symbol in SYMBOLS if symbol in known]
    try:
        rules = live_rolls(settings.rolls, known)
    except ConfigError as error:
        return [Check("roll", Level.FAIL, f"{error.what}: {error.why}".rstrip(": "), error.remedy)]
    rolls = [(one, rules[one.id]) for one in known.values() if one.id in rules]
    found = asyncio.run(diagnose(settings.ib, instruments, WallClock(), f"{datetime.now(UTC):%Y%m%d}", rolls))
    return [Check(f"broker {one.name}", Level(one.level.upper()), one.text, one.fix) for one in found]
