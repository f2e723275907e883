"""`theo import roll`: the roll calendar of an instrument's stored contracts, and its continuous series, traded and adjusted."""

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import msgspec

from theo.adapters.files.roll_calendars import write_calendar
from theo.adapters.sql.market.store import SqlMarketStore
from theo.app.configuration.file import configured
from theo.app.home.instruments import known_instrument
from theo.app.home.layout import open_home
from theo.app.home.sessions import known_sessions
from theo.app.stored.bars import StoredSeries
from theo.app.stored.levels import bring_up_levels
from theo.app.terminal.output import json_text
from theo.app.times import clock, day_number
from theo.domain.errors import DataError
from theo.domain.instrument import Instrument
from theo.domain.market_data import SECOND, Bar, SessionScope
from theo.market.last_trades import contract_month, last_trade
from theo.market.rolls import Roll, RollRule, back_adjusted, roll_calendar, unadjusted
from theo.market.sessions import Hours

CONTINUOUS, ADJUSTED = "continuous", "back-adjusted"  # the sources of the series that are made here
BATCH = 10_000
EVER = 1 << 62


def run_roll(path: Path, symbol: str, timeframe: str, *, source: str, json: bool) -> int:
    """Make calendar and series anew, replacing earlier ones."""
    home = open_home(path)
    instrument = known_instrument(home, symbol)
    rule = configured(home.configuration).rolls.get(symbol, RollRule())
    store = SqlMarketStore(home.place(home.store))
    try:
        bars = _by_contract(StoredSeries(store, instrument, timeframe, -EVER, EVER, source))
        hours = Hours(known_sessions(home, instrument), SessionScope.ALL)
        rolls = roll_calendar(bars, {name: _last_trade(name, held, hours, rule) for name, held in bars.items()}, hours, rule)
        raw = list(unadjusted(bars, rolls))
        _store(store, CONTINUOUS, raw)
        _store(store, ADJUSTED, (msgspec.structs.replace(bar, contract="") for bar in back_adjusted(raw, rolls)))
        write_calendar(home.roll_calendar(symbol), rolls, instrument)
        for made in (CONTINUOUS, ADJUSTED):
            bring_up_levels(home, store, instrument.id, timeframe, made)
    finally:
        store.close()
    _print(instrument, rolls, len(raw), json=json)
    return 0


def _by_contract(stored: StoredSeries) -> dict[str, list[Bar]]:
    found: dict[str, list[Bar]] = {}
    for bar in stored.bars():
        found.setdefault(bar.contract, []).append(bar)
    if "" in found:
        raise DataError(
            f"{len(found[''])} bars of {stored.instrument.symbol} name no contract",
            where=stored.info.source,
            remedy="Import them with the column of their contract: --column contract=NAME",
        )
    return found


def _last_trade(name: str, held: list[Bar], hours: Hours, rule: RollRule) -> int:
    sessions = {session.date for session in hours.table.sessions}
    month = contract_month(name, datetime.fromtimestamp(held[0].start / SECOND, UTC).date())
    return day_number(last_trade(rule.last_trade, month, lambda day: day_number(day) in sessions))


def _store(store: SqlMarketStore, source: str, bars: Iterable[Bar]) -> None:
    staged = store.begin_import(source, f"made {datetime.now(UTC).isoformat()}")
    left = iter(bars)
    while batch := [msgspec.structs.replace(bar, source=source) for bar in islice(left, BATCH)]:
        store.stage_bars(staged, batch)
    store.publish(staged)


def _print(instrument: Instrument, rolls: tuple[Roll, ...], bars: int, *, json: bool) -> None:
    if json:
        rows = [msgspec.structs.asdict(roll) for roll in rolls]
        print(json_text({"symbol": instrument.symbol, "bars": bars, "rolls": rows}))
        return
    print(f"{bars:,} bars of {instrument.symbol}, {len(rolls)} rolls; stored as {CONTINUOUS} and {ADJUSTED}")
    for roll in rolls:
        print(f"{clock(roll.at)} New York  {roll.previous} to {roll.contract}  {instrument.decimal(roll.difference):+}")
