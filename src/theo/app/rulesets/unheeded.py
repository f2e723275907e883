"""What a ``[scan]`` table asks for and nothing acts on yet: a backtest warns of it, and nothing is traded by it otherwise."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from theo.app.home.layout import Home
from theo.app.rulesets.stored_scans import listed
from theo.domain.errors import ConfigError
from theo.domain.instrument import Instrument, SecurityType
from theo.strategy.ruleset import RuleSet

KINDS: Final[Mapping[str, frozenset[SecurityType]]] = MappingProxyType(
    {
        "FUT": frozenset({SecurityType.FUT, SecurityType.CONTFUT}),
        "ETF": frozenset({SecurityType.ETF, SecurityType.STK}),
        "CASH": frozenset({SecurityType.STK, SecurityType.ETF}),
        "OPTION": frozenset({SecurityType.OPT}),
    }
)


def unheeded(ruleset: RuleSet, primary: Instrument) -> tuple[str, ...]:
    """One sentence for each key that changes nothing yet, though it says that something should be otherwise."""
    scan, found = ruleset.scan, []
    if scan.placeholder and primary.security_type not in KINDS[scan.placeholder]:
        found.append(f'placeholder = "{scan.placeholder}" is not heeded yet: {primary.symbol} itself is traded')
    return tuple(f"{ruleset.name}: [scan] {text}" for text in found)


def refuse_unheeded(rulesets: Iterable[RuleSet], instruments: Mapping[str, Instrument]) -> None:
    """Orders that are not what a scan asks for are not placed. Raises ConfigError."""
    for ruleset in rulesets:
        found = unheeded(ruleset, instruments[ruleset.naming.primary])
        if found:
            raise ConfigError("; ".join(found), remedy="Take the key away, or use `theo backtest` or `theo scan test`")


def refuse_disabled(home: Home, names: Sequence[str]) -> None:
    """A scan that was disabled is not traded by. Raises ConfigError."""
    for scan in listed(home):
        if scan.name in names and not scan.active:
            raise ConfigError(f"the scan {scan.name!r} is disabled", remedy=f"theo scan enable {scan.name}")
