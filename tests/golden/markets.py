"""Real pairs of markets, imported from the test data into a home, and the rule sets that trade them."""

from collections.abc import Callable
from datetime import date
from importlib.resources import files
from pathlib import Path

import msgspec

from theo.adapters.calendars.stored import session_table
from theo.adapters.files.importing import import_bars
from theo.adapters.files.settings import BarSettings
from theo.adapters.instruments.catalogue import catalogue
from theo.adapters.sql.market.store import SqlMarketStore
from theo.domain.timeframe import timeframe
from theo.market.splits import Split

RULESET = """
name = "{name}"
strategy = "correlation"
timeframe = "{timeframe}"
session = "{session}"

[symbols]
primary = "{primary}"
partners = ["{partner}"]

[correlation]
relation = "inverse"
threshold = 0.7
level = "swing(2)"

[stop]
times = 2.0
of = "atr(14)"

[target]
times = 3.0
of = "atr(14)"

[size]
risk_percent = 1.0
quantity_max = {quantity_max}

[trading]
style = "positional"
{hours}
"""
ALL_HOURS = 'from = "00:00"\nto = "24:00"\ndays = "all"\noutside_rth = true'
VXX_SPLITS = (date(2010, 11, 9), date(2012, 10, 5), date(2013, 11, 8), date(2016, 8, 9))  # one share for four


class Source(msgspec.Struct, frozen=True):
    """One instrument's file and the columns in it that are not recognised by their names."""

    symbol: str
    file: str
    columns: dict[str, str] = {}
    round_prices: bool = False
    splits: tuple[date, ...] = ()


class Pair(msgspec.Struct, frozen=True):
    """A primary, its partner, and the rule set that trades them; ``ruleset`` is TOML."""

    name: str
    timeframe: str
    sources: tuple[Source, Source]
    ruleset: str

    @property
    def primary(self) -> str:
        """The symbol that is traded."""
        return self.sources[0].symbol


HomeOf = Callable[[Pair], tuple[Path, Path]]  # a fresh home that holds the pair, and the rule set's path


def _close_only(symbol: str) -> dict[str, str]:
    return {"close": f"{symbol.lower()}_close", "contract": f"{symbol.lower()}_contract"}


def _ruleset(name: str, of: str, primary: str, partner: str, quantity_max: int, *, all_hours: bool = False) -> str:
    session, hours = ("ALL", ALL_HOURS) if all_hours else ("RTH", "")
    return RULESET.format(
        name=name, timeframe=of, session=session, primary=primary, partner=partner, quantity_max=quantity_max, hours=hours
    )


SPY_VIX = Pair(
    "spy-vix",
    "15min",
    (Source("SPY", "spy_15m_ohlcv_2019"), Source("VIX", "vix_15m_ohlcv_2019")),
    files("theo.strategy").joinpath("rulesets/spy-vix.toml").read_text(encoding="utf-8"),
)
ES_VX = Pair(
    "es-vx",
    "60min",
    (
        Source("ES", "pair_es_vx_60m", _close_only("ES")),
        Source("VX", "pair_es_vx_60m", _close_only("VX"), round_prices=True),
    ),
    _ruleset("es-vx", "60min", "ES", "VX", 3, all_hours=True),
)
NQ_VX = Pair(
    "nq-vx",
    "15min",
    (
        Source("NQ", "pair_nq_vx_15m", _close_only("NQ")),
        Source("VX", "pair_nq_vx_15m", _close_only("VX"), round_prices=True),
    ),
    _ruleset("nq-vx", "15min", "NQ", "VX", 3, all_hours=True),
)
SPY_VXX = Pair(
    "spy-vxx",
    "60min",
    (Source("SPY", "spy_60m_ohlcv"), Source("VXX", "vxx_60m_ohlcv", splits=VXX_SPLITS)),
    _ruleset("spy-vxx", "60min", "SPY", "VXX", 1_000),
)


def import_pair(home: Path, data: Path, pair: Pair) -> Path:
    """Import both files into a home, write the rule set beside it; the rule set's path."""
    home.mkdir(parents=True, exist_ok=True)
    listed = catalogue()
    store = SqlMarketStore(home)
    try:
        for source in pair.sources:
            days = [(day - date(1970, 1, 1)).days for day in source.splits]
            settings = BarSettings(
                instrument=listed[source.symbol].instrument,
                timeframe=timeframe(pair.timeframe),
                columns=source.columns,
                round_prices=source.round_prices,
                splits=tuple(Split(day, new=1, old=4) for day in days),
                sessions=session_table("NYSE", min(source.splits), max(source.splits)) if source.splits else None,
            )
            import_bars(store, data / f"{source.file}.parquet", settings)
    finally:
        store.close()
    path = home / f"{pair.name}.toml"
    path.write_text(pair.ruleset, encoding="utf-8")
    return path
