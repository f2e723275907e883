"""Facts become rows: once, in batches of any size, and the same again from the journal."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.journal_records import chain
from tests.unit.adapters.sql.trading_day import KEY, MES, trading_day
from theo.adapters.sql.database.transactions import writing
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.sql.projection.entity_rows import Listing, WorldReading
from theo.adapters.sql.projection.fact_rows import _PROJECT
from theo.adapters.sql.projection.projecting import Decoders, Projection
from theo.adapters.sql.projection.rebuild import REBUILT_NAME, rebuild
from theo.adapters.sql.tables.projected import PROJECTED
from theo.domain.errors import CorruptionError
from theo.domain.facts import (
    DayBegan,
    Decided,
    Fact,
    LegRolled,
    OrdersIntended,
    Restarted,
    RollAsked,
    Rolled,
    RunStarted,
    SignalClosed,
)
from theo.domain.journal import TRADING, Record
from theo.domain.market_data import MINUTE, Bar, Tick
from theo.engine.codec import KEPT_FACT, DecidedText
from theo.ports.market_store import BarRange, Cell, TickRange

_facts = msgspec.json.Decoder(list[KEPT_FACT])
_market = msgspec.msgpack.Decoder(list[Tick | Bar])


def decode_steps(record: Record) -> tuple[tuple[int, tuple[Fact | DecidedText, ...]], ...]:
    """The record is one step, at ten times its number."""
    return ((10 * record.seq, tuple(_facts.decode(record.payload))),) if record.stream == TRADING else ()


def decode_market(record: Record) -> list[Tick | Bar]:
    return [] if record.stream == TRADING else _market.decode(record.payload)


def versions(world: str) -> Mapping[str, str]:
    return {KEY.config: KEY.config_version, "world": world}


DECODERS = Decoders(decode_steps, decode_market, versions)


def day_records() -> list[Record]:
    return chain([msgspec.json.encode(facts) for facts in trading_day()], 1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlMarketStore]:
    opened = SqlMarketStore(tmp_path)
    yield opened
    opened.close()


def everything(store: SqlMarketStore) -> dict[str, list[Mapping[str, Cell]]]:
    return {name: list(store.rows(name)) for name in PROJECTED}


def test_every_fact_has_a_projection_and_the_day_has_every_fact() -> None:
    kinds = {*get_args(Fact)} - {RunStarted}
    assert set(_PROJECT) == kinds - {Decided}
    assert kinds - {type(fact) for facts in trading_day() for fact in facts} == {OrdersIntended, Rolled, RollAsked, LegRolled}


def test_the_day_in_rows(store: SqlMarketStore) -> None:
    assert Projection(store, DECODERS).apply(day_records()) == 18
    (trade,) = store.rows("trades")
    expected = {
        "status": "closed",
        "how": "stop",
        "close_reason": "manual",
        "in_quantity": 2,
        "out_quantity": 2,
        "entry_sum": 449_975 + 450_025,
        "exit_sum": 2 * 449_125,
        "charges": 4 * 620_000 - 20_000,
        "current_stop": 449_100,
        "first_fill_at": 30,
        "closed_at": 62,
        "seq": 11,
    }
    assert {name: trade[name] for name in expected} == expected
    orders = {row["id"]: row for row in store.rows("orders")}
    assert {i: (r["status"], r["filled"], r["broker_id"]) for i, r in orders.items()} == {
        "j-1": ("filled", 2, "perm1"),
        "j-2": ("filled", 2, "perm2"),
        "j-3": ("cancelled", 0, "perm3"),
    }
    names = ("id", "broker", "broker_id", "broker_client_id", "broker_handle")
    assert [tuple(row[name] for name in names) for row in orders.values()] == [
        (f"j-{n}", "IB", f"perm{n}", 7, 900 + n) for n in (1, 2, 3)
    ]
    assert orders["j-2"]["stop_price"] == 449_100
    assert orders["j-1"]["passed"] == '["daily_loss","exposure"]'
    (deal,) = store.rows("deals", run="run-1")
    assert (deal["gross"], deal["charges"], deal["net"]) == (-87_500_000, 2_460_000, -89_960_000)
    assert [r["numbers"] for r in store.rows("decisions", config="mes-vix")] == ["[null,1.5]", "[4500.25,-0.8]"]
    signals = {r["id"]: (r["kind"], r["status"], r["refused_rule"]) for r in store.rows("signals")}
    assert signals == {"S0": ("entry", "PENDING", ""), "S1": ("entry", "EXECUTED", ""), "S2": ("exit", "FAILED", "open_trades")}
    assert [r["kind"] for r in store.rows("latches")] == ["breaker_tripped", "breaker_reset", "halted", "resumed"]
    assert len(list(store.rows("events"))) == 15


def test_a_signal_has_what_its_run_knew_and_the_quantity_of_its_trade(store: SqlMarketStore) -> None:
    reading = WorldReading(
        timeframes=lambda _world: {KEY.config: "15min"},
        scan_ids=lambda _world: {KEY.config: 3},
        listings=lambda _world: {MES: Listing("CME", "MARGIN", 2)},
    )
    Projection(store, Decoders(decode_steps, decode_market, versions, reading)).apply(day_records())
    asked, first, second = store.rows("signals")
    known = ("timeframe", "config_id", "exchange", "product_type", "contract_size")
    assert [tuple(row[name] for name in known) for row in (first, second)] == [("15min", 3, "CME", "MARGIN", 2)] * 2
    assert (first["quantity"], first["active"], first["created_at"], first["updated_at"]) == (2, False, 20, 60)
    assert (second["active"], second["created_at"], second["updated_at"]) == (False, 70, 120)
    assert (asked["active"], asked["created_at"], asked["expires_at"]) == (True, 32, 60_000_032)


def test_a_promoted_signal_is_validated_until_something_of_it_is_filled(store: SqlMarketStore) -> None:
    projection = Projection(store, DECODERS)
    records = day_records()
    projection.apply(records[:3])
    assert [(row["status"], row["active"]) for row in store.rows("signals")] == [("VALIDATED", True)]
    projection.apply(records[:6])
    assert [(row["status"], row["active"]) for row in store.rows("signals", id="S1")] == [("EXECUTED", False)]
    facts = [*trading_day()[:6], [SignalClosed("S1", "CANCELLED", "once more")]]
    with pytest.raises(ValueError, match="EXECUTED cannot be cancelled"):
        projection.apply(chain([msgspec.json.encode(each) for each in facts], 1))


def test_the_cash_of_the_fills_is_the_change_of_equity(store: SqlMarketStore) -> None:
    """Flat again, nothing is marked: what left with the fills is what the deal and the day say, to the micro."""
    Projection(store, DECODERS).apply(day_records())
    paid = [(r["value"], r["charges"]) for r in store.rows("fills")]
    change = -sum(int(value or 0) + int(charges or 0) for value, charges in paid)
    first, second = store.rows("daily_pnl")
    assert (first["net"], first["trades_closed"]) == (change, 1)
    assert first["equity_end"] == second["equity_start"] == 100_000_000_000 + change
    assert [row["net"] for row in store.rows("deals")] == [change]


def test_every_projected_row_carries_the_keys(store: SqlMarketStore) -> None:
    Projection(store, DECODERS).apply(day_records())
    for name, rows in everything(store).items():
        assert rows, name
        for row in rows:
            assert (row["account"], row["user_name"], row["mode"], row["run"]) == ("DU1", "owner", "virtual", "run-1")
    for name in ("decisions", "signals", "orders", "fills", "trades", "deals"):
        for row in store.rows(name):
            assert (row["config"], row["config_version"]) == (KEY.config, KEY.config_version)


@settings(max_examples=25)
@given(cuts=st.sets(st.integers(1, 15)), again=st.integers(0, 15), processes=st.integers(0, 2))
def test_any_batches_and_any_repeats_give_the_same_rows(cuts: set[int], again: int, processes: int) -> None:
    """By one process, by two that take turns, or by a new one each time (0)."""
    records = day_records()
    with TemporaryDirectory() as whole_folder, TemporaryDirectory() as folder:
        whole, parts = SqlMarketStore(Path(whole_folder)), SqlMarketStore(Path(folder))
        Projection(whole, DECODERS).apply(records)
        taking_turns = [Projection(parts, DECODERS) for _ in range(processes)]
        bounds = [0, *sorted(cuts), len(records)]
        for turn, (start, end) in enumerate(pairwise(bounds)):
            projection = taking_turns[turn % processes] if processes else Projection(parts, DECODERS)
            projection.apply(records[max(0, start - again) : end])
        assert everything(parts) == everything(whole)
        assert Projection(parts, DECODERS).watermark(TRADING) == len(records)
        whole.close()
        parts.close()


def test_two_processes_that_take_turns_know_what_the_other_has_projected(store: SqlMarketStore) -> None:
    days = [[DayBegan(day, day, day)] for day in (19_001, 19_002, 19_003)]
    records = chain([msgspec.json.encode(facts) for facts in [*trading_day()[:1], *days]], 1)
    ours, other = Projection(store, DECODERS), Projection(store, DECODERS)
    for projection, until in ((ours, 2), (other, 3), (ours, 4)):
        projection.apply(records[:until])
    assert [(row["day"], row["equity_end"]) for row in store.rows("daily_pnl")][-3:] == [
        (19_001, 19_002),
        (19_002, 19_003),
        (19_003, None),
    ]


def test_a_batch_that_fails_leaves_neither_rows_nor_watermark(store: SqlMarketStore) -> None:
    records = day_records()
    projection = Projection(store, DECODERS)
    projection.apply(records[:4])
    before = everything(store)
    broken = msgspec.structs.replace(records[5], payload=b"[]x")
    with pytest.raises(msgspec.DecodeError):
        projection.apply([records[4], broken])
    assert everything(store) == before
    assert projection.watermark(TRADING) == 4
    projection.apply(records[4:])
    assert len(list(store.rows("deals"))) == 1


def test_a_gap_and_another_journal_are_refused(store: SqlMarketStore) -> None:
    records = day_records()
    projection = Projection(store, DECODERS)
    projection.apply(records[:3])
    with pytest.raises(CorruptionError, match="record 5 does not follow the projected record 3"):
        projection.apply(records[4:])
    other = chain([msgspec.json.encode(facts) for facts in trading_day()], epoch=2)
    with pytest.raises(CorruptionError, match="record 4 does not follow"):
        projection.apply(other)
    assert projection.watermark(TRADING) == 3


def test_a_trade_that_ran_again_after_its_end_counts_once(store: SqlMarketStore) -> None:
    """Its second close reports the whole trade: the day's P&L moves by the difference."""
    from tests.unit.adapters.sql.trading_day import fill
    from theo.domain import facts as f
    from theo.domain.orders import OrderRole, Side

    facts = trading_day()[:10]
    facts.append([fill(61, 3, OrderRole.TARGET, Side.SELL, 2, 453_000), fill(62, 1, OrderRole.ENTRY, Side.BUY, 2, 453_000)])
    sums = {"quantity": 4, "entry_sum": 1_806_000, "exit_sum": 1_804_250, "gross": -87_500_000, "charges": 4_960_000}
    facts.append([f.TradeClosed(at=63, id="T1", how="flatten", **sums)])
    Projection(store, DECODERS).apply(chain([msgspec.json.encode(each) for each in facts], 1))
    (day,) = store.rows("daily_pnl")
    assert (day["trades_closed"], day["gross"], day["charges"], day["net"]) == (1, -87_500_000, 4_960_000, -92_460_000)
    (deal,) = store.rows("deals")
    assert (deal["quantity"], deal["net"], deal["how"]) == (4, -92_460_000, "flatten")


def test_a_run_that_comes_back_with_another_world_is_another_row_of_the_same_run(store: SqlMarketStore) -> None:
    facts = [*trading_day(), [Restarted(100, "b3", "{2}")]]
    Projection(store, DECODERS).apply(chain([msgspec.json.encode(each) for each in facts], 1))
    first, second = store.rows("runs", run="run-1")
    assert (first["world"], first["restarted"], second["world"], second["restarted"]) == ("{}", False, "{2}", True)
    assert (second["build"], second["cash"]) == ("b3", 100_000_000_000)
    more = chain(
        [msgspec.json.encode([Decided("mes-vix", 110, "no break", (), 0)])],
        1,
        after=chain([msgspec.json.encode(each) for each in facts], 1)[-1],
    )
    Projection(store, DECODERS).apply(more)
    assert [r["run"] for r in store.rows("decisions")] == ["run-1"] * 3


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqlJournalStore]:
    """The day's journal, with two batches of market data of which one bar was imported, too."""
    opened = SqlJournalStore(tmp_path)
    opened.claim(TRADING, "ticks:market")
    opened.append(day_records())
    ticks = [Tick(1, 9, n // 2, n % 2, 0, 450_000 + n, 1, source="ib") for n in range(10)]
    bars = [Bar(1, 9, "1min", n * MINUTE, (n + 1) * MINUTE, 1, 2, 1, 2, 5, "ticks") for n in range(3)]
    payloads = [msgspec.msgpack.encode(ticks), msgspec.msgpack.encode(bars)]
    opened.append(chain(payloads, 1, "ticks:market"))
    yield opened
    opened.close()


def test_market_data_of_the_journal_is_projected(store: SqlMarketStore, journal: SqlJournalStore) -> None:
    assert Projection(store, DECODERS).catch_up(journal) == 20
    assert len(list(store.ticks(TickRange(instrument=1)))) == 10
    assert len(list(store.bars(BarRange(instrument=1, timeframe="1min")))) == 3
    assert Projection(store, DECODERS).catch_up(journal) == 0


def test_rebuilding_agrees_and_leaves_no_file(store: SqlMarketStore, journal: SqlJournalStore, tmp_path: Path) -> None:
    Projection(store, DECODERS).catch_up(journal)
    done = rebuild(journal, store, tmp_path, DECODERS)
    assert done.equal
    assert done.records == 20
    assert {t.table: t.stored_rows for t in done.tables}["ticks"] == 10
    assert not list(tmp_path.glob(f"{REBUILT_NAME}*"))


@pytest.mark.parametrize(
    ("change", "table", "first"),
    [
        ("UPDATE deals SET net = net + 1", "deals", "trade_id 'T1': net is -89959999, should be -89960000"),
        ("DELETE FROM fills WHERE execution = 'x31'", "fills", "seq 5, place 1: missing in the stored table"),
        ("UPDATE bars SET close = 7 WHERE start_at = 0", "bars", "close is 7, should be 2"),
        ("UPDATE orders SET id = 'ghost' WHERE id = 'j-3'", "orders", "id 'ghost': not in the journal"),
        ("UPDATE watermarks SET seq = 16 WHERE stream = 'trading'", "watermarks", "seq is 16, should be 18"),
    ],
)
def test_rebuilding_finds_the_row_and_repairs_it(
    store: SqlMarketStore, journal: SqlJournalStore, tmp_path: Path, change: str, table: str, first: str
) -> None:
    Projection(store, DECODERS).catch_up(journal)
    right = everything(store)
    with writing(store.engine) as connection:
        connection.exec_driver_sql(change)
    found = rebuild(journal, store, tmp_path, DECODERS, replace=True)
    (wrong,) = [t for t in found.tables if not t.equal]
    assert wrong.table == table
    assert first in wrong.first_difference
    assert rebuild(journal, store, tmp_path, DECODERS).equal
    assert everything(store) == right


def test_rebuilding_does_not_touch_what_was_imported(store: SqlMarketStore, journal: SqlJournalStore, tmp_path: Path) -> None:
    staged = store.begin_import("ticks", "f")
    store.stage_bars(staged, [Bar(1, 9, "1min", n * MINUTE, (n + 1) * MINUTE, 1, 2, 1, 2, 5, "ticks") for n in range(5)])
    store.publish(staged)
    Projection(store, DECODERS).catch_up(journal)
    assert rebuild(journal, store, tmp_path, DECODERS, replace=True).equal
    assert len(list(store.bars(BarRange(instrument=1, timeframe="1min")))) == 5


def test_a_lost_market_database_comes_back(journal: SqlJournalStore, tmp_path: Path) -> None:
    first = SqlMarketStore(tmp_path)
    Projection(first, DECODERS).catch_up(journal)
    right = everything(first)
    first.close()
    for path in tmp_path.glob("market.db*"):
        path.unlink()
    second = SqlMarketStore(tmp_path)
    assert not rebuild(journal, second, tmp_path, DECODERS, replace=True).equal
    assert everything(second) == right
    assert len(list(second.ticks(TickRange(instrument=1)))) == 10
    second.close()
