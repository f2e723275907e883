"""The newest of what only grows, read from its end."""

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.unit.adapters.sql.test_projection import DECODERS, day_records
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.sql.projection.newest_rows import newest_latch, runs_after
from theo.adapters.sql.projection.projecting import Projection


def test_the_newest_of_each_kind_and_the_starts_after_a_record(tmp_path: Path) -> None:
    with closing(SqlMarketStore(tmp_path)) as store:
        assert newest_latch(store, ("halted",)) == {}
        Projection(store, DECODERS).apply(day_records())
        every = list(store.rows("latches"))
        assert [row["kind"] for row in every] == ["breaker_tripped", "breaker_reset", "halted", "resumed"]
        assert newest_latch(store, ("breaker_tripped", "breaker_reset")) == every[1]
        assert newest_latch(store, ("halted", "resumed")) == every[3]
        starts = list(store.rows("runs"))
        assert runs_after(store, 0) == starts != []
        assert runs_after(store, int(starts[-1]["seq"] or 0)) == []


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM runs WHERE home = '' AND seq > 9 ORDER BY seq, place",
        "SELECT * FROM latches WHERE home = '' AND kind IN ('halted', 'resumed') ORDER BY seq DESC, place DESC LIMIT 1",
        "SELECT start_at FROM levels WHERE instrument = 1 AND timeframe = '5min' ORDER BY start_at DESC LIMIT 1",
    ],
)
def test_what_the_health_asks_is_found_by_an_index_and_never_sorted(query: str, tmp_path: Path) -> None:
    with closing(SqlMarketStore(tmp_path)) as store, store.engine.connect() as connection:
        plan = " ".join(str(row[3]) for row in connection.execute(text(f"EXPLAIN QUERY PLAN {query}")))
    assert "USING" in plan
    assert "SCAN" not in plan
    assert "TEMP B-TREE" not in plan
