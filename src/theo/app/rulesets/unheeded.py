"""What a ``[scan]`` table asks for and nothing acts on yet: a backtest warns of it, and nothing is traded by it otherwise."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from theo.app.home.layout import Home
from theo.app.rulesets.stored_scans import listed
from theo.domain.errors import ConfigError
from theo.domain.instrument import Instrument, SecurityType
from theo.strategy.ruleset import RuleSet
from theo.strategy.scan_terms import asks_options

KINDS: Final[Mapping[str, frozenset[SecurityType]]] = MappingProxyType(
    {
        "FUT": frozenset({SecurityType.FUT, SecurityType.CONTFUT}),
        "ETF": frozenset({SecurityType.ETF, SecurityType.STK}),
        "CASH": frozenset({SecurityType.STK, SecurityType.ETF}),
        "OPTION": frozenset({SecurityType.OPT}),
    }
)


def kind_asked(ruleset: RuleSet) -> str:
    """Of which kind a signal's trade is to be; "" for whatever is traded. An option of the category FUT is the future itself."""
    scan = ruleset.scan
    return "FUT" if scan.placeholder == "OPTION" and scan.option_category == "FUT" else scan.placeholder


def unheeded(ruleset: RuleSet, ordered: Instrument, *, options: bool = False) -> tuple[str, ...]:
    """One sentence for each key that is not acted on: of what orders are placed in (``ordered``) it says otherwise.

    ``options``: whether options are chosen and traded, as in live runs: bought ones, none are written.
    """
    kind = kind_asked(ruleset)
    if options and asks_options(ruleset.scan):
        return (
            f"{ruleset.name}: [scan] writing = true is not heeded: options are bought, none are written",
        ) * ruleset.scan.writing
    if not kind or ordered.security_type in KINDS[kind]:
        return ()
    what = f'{ruleset.name}: [scan] placeholder = "{kind}" is not heeded'
    if kind == "OPTION":
        return (f"{what} here, where no prices of options are known: {ordered.symbol} itself is traded",)
    return (f"{what}: {ordered.symbol}, which is traded, is of type {ordered.security_type}; [symbols] traded names another",)


def refuse_unheeded(rulesets: Iterable[RuleSet], instruments: Mapping[str, Instrument], *, options: bool = False) -> None:
    """Orders that are not what a scan asks for are not placed; ``options`` as above. Raises ConfigError."""
    for ruleset in rulesets:
        found = unheeded(ruleset, instruments[ruleset.naming.ordered], options=options)
        if found:
            raise ConfigError("; ".join(found), remedy="Take the key away, or use `theo backtest` or `theo scan test`")


def refuse_disabled(home: Home, names: Sequence[str]) -> None:
    """A scan that was disabled is not traded by. Raises ConfigError."""
    for scan in listed(home):
        if scan.name in names and not scan.active:
            raise ConfigError(f"the scan {scan.name!r} is disabled", remedy=f"theo scan enable {scan.name}")
