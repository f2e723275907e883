"""Rows that share columns are stored as if each had been written whole, however many they are, whatever the shared text holds."""

from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from theo.adapters.sql.database.dialect import insert_rows
from theo.adapters.sql.database.meanings import Value
from theo.adapters.sql.database.sqlite import WRITTEN_ROWS_MIN
from theo.adapters.sql.database.transactions import reading, writing
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.sql.tables.projected import decisions
from theo.domain.errors import DataError
from theo.domain.market_data import MINUTE, Bar
from theo.ports.market_store import BarRange

AWKWARD = {
    "home": "",
    "account": "O'Brien; --",
    "user_name": 'a "b" %s :name ? \\',
    "mode": "virtual",
    "run": "%(run)s {run} \n é 日",
    "config": "''",
    "config_version": "1",
}
COLUMNS = [column.name for column in decisions.columns]
VARYING = [name for name in COLUMNS if name not in AWKWARD]


def rows_of(count: int) -> list[tuple[Value, ...]]:
    return [(1, place, 60 * place, "nothing", f"[{place}.5,null]", place % 4) for place in range(count)]


def stored(folder: Path, batches: list[list[tuple[Value, ...]]], fixed: dict[str, str]) -> list[tuple[Value, ...]]:
    store = SqlMarketStore(folder)
    try:
        with writing(store.engine) as connection:
            added = [insert_rows(connection, decisions, batch, fixed=fixed) for batch in batches]
        assert added == [len(batch) for batch in batches]
        with reading(store.engine) as connection:
            return [tuple(row) for row in connection.execute(select(decisions).order_by(*decisions.primary_key))]
    finally:
        store.close()


@pytest.mark.parametrize("count", [1, WRITTEN_ROWS_MIN - 1, WRITTEN_ROWS_MIN, WRITTEN_ROWS_MIN + 1])
def test_shared_columns_are_stored_in_their_places(tmp_path: Path, count: int) -> None:
    rows = rows_of(count)
    whole = [tuple({**AWKWARD, **dict(zip(VARYING, row, strict=True))}[name] for name in COLUMNS) for row in rows]
    assert stored(tmp_path / "shared", [rows], AWKWARD) == whole
    assert stored(tmp_path / "whole", [whole], {}) == whole


def test_two_users_rows_do_not_share_a_statement(tmp_path: Path) -> None:
    """The values are part of the statement: another user's rows need another."""
    store = SqlMarketStore(tmp_path)
    try:
        with writing(store.engine) as connection:
            for seq, user in enumerate(("one", "two"), 1):
                rows = [(seq, *row[1:]) for row in rows_of(WRITTEN_ROWS_MIN)]
                insert_rows(connection, decisions, rows, fixed={**AWKWARD, "user_name": user})
        assert {(row["seq"], row["user_name"]) for row in store.rows("decisions")} == {(1, "one"), (2, "two")}
    finally:
        store.close()


def test_bars_of_several_series_in_one_batch(tmp_path: Path) -> None:
    """Mixed as they arrive; a stored bar that says something else is still noticed in a batch of any size."""
    bars = [
        Bar(of, end, "1min", end - MINUTE, end, 5, 9, 1, 7, number, source, 0, 0, contract)
        for number in range(WRITTEN_ROWS_MIN + 1)
        for end in [(number + 1) * MINUTE]
        for of, source, contract in ((1, "it's", ""), (2, "it's", "ESH6"), (2, "other", "ESM6"))
    ]
    store = SqlMarketStore(tmp_path)
    try:
        store.put_bars(bars)
        store.put_bars(bars)
        for of in (1, 2):
            assert list(store.bars(BarRange(instrument=of, timeframe="1min"))) == [bar for bar in bars if bar.instrument == of]
        with pytest.raises(DataError, match="another 1min bar of instrument 2 starting at 0 us"):
            store.put_bars([*bars[5:], msgspec.structs.replace(bars[1], close=8)])
    finally:
        store.close()
