"""Files of ticks, Parquet and DBN, and exports that come back as they were."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec
import pytest

from tests.unit.adapters.files.instruments import ES, SPY, VIX
from theo.adapters.calendars.stored import session_table
from theo.adapters.files.bar_checks import BarReader
from theo.adapters.files.export import export_bars, export_ticks
from theo.adapters.files.importing import import_bars, import_ticks
from theo.adapters.files.settings import BarSettings, TickSettings
from theo.adapters.files.tables import open_table
from theo.adapters.files.tick_checks import TickReader
from theo.adapters.sql.market.store import SqlMarketStore
from theo.domain.errors import DataError
from theo.domain.market_data import MINUTE, SECOND, Bar, Tick, TickFlag, TickKind
from theo.domain.timeframe import timeframe
from theo.ports.market_store import BarRange, TickRange

START = 1_381_132_800_000_000  # 2013-10-07T08:00:00Z
SETTINGS = TickSettings(instrument=SPY)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlMarketStore]:
    opened = SqlMarketStore(tmp_path / "home")
    yield opened
    opened.close()


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def read(path: Path, settings: TickSettings = SETTINGS) -> list[Tick]:
    return [tick for ticks in TickReader(open_table(path), settings).batches() for tick in ticks]


def test_rows_of_one_instant_are_counted_and_conditions_become_flags(tmp_path: Path) -> None:
    lines = [
        "ts,price,size,cond,suspicious",
        "2013-10-07T08:00:00.464Z,167.41,100,1,0",
        "2013-10-07T08:00:00.464Z,167.42,50,20000020,0",
        "2013-10-07T08:00:00.465Z,167.43,7,100000,1",
        "2013-10-07T08:00:00.465Z,167.43,7,,0",
    ]
    ticks = read(write(tmp_path / "t.csv", *lines))
    quiet = int(TickFlag.NOT_LAST | TickFlag.NOT_HIGH_LOW)
    assert [(t.timestamp - START, t.seq, t.price, t.volume, t.flags) for t in ticks] == [
        (464_000, 0, 1_674_100, 100, 0),
        (464_000, 1, 1_674_200, 50, quiet),
        (465_000, 0, 1_674_300, 7, quiet | TickFlag.OUTLIER),
        (465_000, 1, 1_674_300, 7, 0),
    ]
    assert {(t.kind, t.at == t.timestamp) for t in ticks} == {(TickKind.TRADE, True)}


def test_an_index_has_values_not_trades(tmp_path: Path) -> None:
    (tick,) = read(write(tmp_path / "t.csv", "time,last", "2019-01-04T14:30:00Z,23.72"), TickSettings(instrument=VIX))
    assert (tick.kind, tick.price, tick.volume) == (TickKind.INDEX, 2372, 0)


def test_seq_goes_on_across_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from theo.adapters.files import csv_table

    monkeypatch.setattr(csv_table, "BATCH_ROWS", 3)
    path = write(tmp_path / "t.csv", "ts,price,size", *(["2013-10-07T08:00:00Z,167.41,1"] * 8))
    assert [tick.seq for tick in read(path)] == list(range(8))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["2013-10-07T08:00:01Z,1,1", "2013-10-07T08:00:00Z,1,1"], "row 2 is earlier than the row before.*--sort"),
        (["2013-10-07T08:00:01,1,1"], "row 1: the time has no zone"),
        (["2013-10-07T08:00:01Z,0,1"], "row 1: price is 0"),
        (["2013-10-07T08:00:01Z,1,1", "2013-10-07T08:00:01Z,nan,1"], "row 2: price is missing"),
        (["2013-10-07T08:00:01Z,1,-5"], "row 1: size is -5"),
        (["2013-10-07T08:00:01Z,1.00001,5"], "row 1: price 1.00001 has more than 4 decimals"),
    ],
)
def test_bad_ticks_are_refused_and_nothing_is_stored(
    tmp_path: Path, store: SqlMarketStore, rows: list[str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        import_ticks(store, write(tmp_path / "t.csv", "ts,price,size", *rows), SETTINGS)
    assert list(store.ticks(TickRange(instrument=SPY.id))) == []


def test_sorting_keeps_the_order_within_an_instant(tmp_path: Path) -> None:
    rows = ["2013-10-07T08:00:02Z,3,1", "2013-10-07T08:00:01Z,2,1", "2013-10-07T08:00:01Z,1,1"]
    path = write(tmp_path / "t.csv", "ts,price,size", *rows)
    ticks = read(path, msgspec.structs.replace(SETTINGS, sort=True))
    assert [(t.price // 10_000, t.seq) for t in ticks] == [(2, 0), (1, 1), (3, 0)]


def test_a_sale_condition_that_is_none_names_its_row(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "ts,price,size,cond", "2013-10-07T08:00:01Z,1,1,@T")
    with pytest.raises(DataError, match="row 1: sale condition '@T' is no hexadecimal number"):
        read(path)


def many_ticks(count: int) -> list[Tick]:
    quiet = int(TickFlag.NOT_LAST | TickFlag.NOT_HIGH_LOW)
    return [
        Tick(SPY.id, START + n // 3 * SECOND, START + n // 3 * SECOND, n % 3, 0, 1_674_100 + n, n, quiet * (n % 2), 0, "lean")
        for n in range(count)
    ]


def many_bars(count: int) -> list[Bar]:
    return [
        Bar(SPY.id, START + (n + 1) * MINUTE, "1min", START + n * MINUTE, START + (n + 1) * MINUTE, 5, 9 + n, 1, 5, n, "lean")
        for n in range(count)
    ]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_exported_bars_come_back_as_they_were(tmp_path: Path, store: SqlMarketStore, ending: str) -> None:
    bars = many_bars(200)
    path = tmp_path / f"bars.{ending}"
    assert export_bars(bars, SPY, path) == 200
    settings = BarSettings(instrument=SPY, timeframe=timeframe("1min"), source="lean")
    import_bars(store, path, settings)
    assert list(store.bars(BarRange(instrument=SPY.id, timeframe="1min"))) == bars
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == [path.name]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_exported_ticks_come_back_but_for_their_flags(tmp_path: Path, store: SqlMarketStore, ending: str) -> None:
    ticks = many_ticks(300)
    path = tmp_path / f"ticks.{ending}"
    assert export_ticks(ticks, SPY, path) == 300
    import_ticks(store, path, TickSettings(instrument=SPY, source="lean"))
    stored = list(store.ticks(TickRange(instrument=SPY.id)))
    assert stored == [msgspec.structs.replace(tick, flags=0) for tick in ticks]


def test_an_export_never_overwrites(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "kept")
    with pytest.raises(DataError, match="exists already"):
        export_ticks([], SPY, path)
    assert path.read_text() == "kept\n"
    with pytest.raises(DataError, match="unknown format"):
        export_ticks([], SPY, tmp_path / "t.xls")


@pytest.mark.parametrize("kept", [0.0, 0.01, 0.5, 0.999])
def test_a_truncated_parquet_file_is_refused(tmp_path: Path, store: SqlMarketStore, kept: float) -> None:
    path = tmp_path / "bars.parquet"
    export_bars(many_bars(5_000), SPY, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(DataError, match="is no whole Parquet file") as refused:
        import_bars(store, path, BarSettings(instrument=SPY, timeframe=timeframe("1min")))
    assert refused.value.where == str(path)
    assert store.series() == ()


def test_a_parquet_file_of_other_things_is_refused(tmp_path: Path, store: SqlMarketStore) -> None:
    path = tmp_path / "ticks.parquet"
    export_ticks(many_ticks(10), SPY, path)
    with pytest.raises(DataError, match=r"has no column for the close .*it has ts, seq"):
        import_bars(store, path, BarSettings(instrument=SPY, timeframe=timeframe("1min")))


def test_parquet_slices_and_batches_are_one_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from theo.adapters.files import parquet_table

    path = tmp_path / "bars.parquet"
    export_bars(many_bars(101), SPY, path)
    settings = BarSettings(instrument=SPY, timeframe=timeframe("1min"))
    whole = [bar for bars in BarReader(open_table(path), settings).batches() for bar in bars]
    monkeypatch.setattr(parquet_table, "BATCH_ROWS", 7)
    monkeypatch.setattr(parquet_table, "SLICE_ROWS", 21)
    batches = list(BarReader(open_table(path), settings).batches())
    assert [len(bars) for bars in batches] == [7, 7, 7] * 4 + [7, 7, 3]
    assert [bar for bars in batches for bar in bars] == whole


def dbn_file(path: Path, schema: str, records: list[bytes]) -> Path:
    import databento_dbn as dbn

    symbols, numbers = dbn.SType("raw_symbol"), dbn.SType("instrument_id")
    metadata = dbn.Metadata("GLBX.MDP3", START * 1_000, symbols, numbers, dbn.Schema(schema))
    path.write_bytes(bytes(metadata) + b"".join(records))
    return path


def dbn_bar(number: int, instrument: int = 7) -> bytes:
    import databento_dbn as dbn

    price = 1_676_250_000_000
    at = (START + number * MINUTE) * 1_000
    return bytes(dbn.OHLCVMsg(33, 1, instrument, at, price, price + 500_000_000, price, price + 250_000_000, 11 + number))


def test_dbn_bars_and_trades(tmp_path: Path) -> None:
    import databento_dbn as dbn

    bars_path = dbn_file(tmp_path / "bars.dbn", "ohlcv-1m", [dbn_bar(n) for n in range(20)])
    settings = BarSettings(instrument=ES, timeframe=timeframe("1min"))
    bars = [bar for batch in BarReader(open_table(bars_path), settings).batches() for bar in batch]
    assert [(bar.start, bar.volume) for bar in bars] == [(START + n * MINUTE, 11 + n) for n in range(20)]
    assert {(bar.open, bar.high, bar.low, bar.close) for bar in bars} == {(167_625, 167_675, 167_625, 167_650)}
    trade = dbn.TradeMsg(1, 7, START * 1_000 + 999, 1_676_250_000_000, 3, dbn.Action("T"), dbn.Side("B"), 0, START * 1_000)
    ticks = read(dbn_file(tmp_path / "trades.dbn", "trades", [bytes(trade)] * 2), TickSettings(instrument=ES))
    assert [(t.timestamp, t.seq, t.price, t.volume) for t in ticks] == [(START, 0, 167_625, 3), (START, 1, 167_625, 3)]


def test_bad_dbn_files_are_refused(tmp_path: Path) -> None:
    settings = BarSettings(instrument=ES, timeframe=timeframe("1min"))

    def bars(path: Path) -> list[Bar]:
        return [bar for batch in BarReader(open_table(path), settings).batches() for bar in batch]

    path = dbn_file(tmp_path / "bars.dbn", "ohlcv-1m", [dbn_bar(n) for n in range(20)])
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(DataError, match="ends within a record"):
        bars(path)
    with pytest.raises(DataError, match="row 2 is of instrument 8, the rows before of 7"):
        bars(dbn_file(tmp_path / "two.dbn", "ohlcv-1m", [dbn_bar(0), dbn_bar(1, 8)]))
    (tmp_path / "no.dbn").write_bytes(b"no DBN at all")
    with pytest.raises(DataError, match=r"no whole DBN file|holds no records|ends within"):
        bars(tmp_path / "no.dbn")


def test_a_tick_far_from_its_neighbours_is_stored_with_its_flag(tmp_path: Path, store: SqlMarketStore) -> None:
    prices = ["167.41", "167.42", "167.43", "167.41", "190.00", "167.42", "167.40", "167.42", "167.41", "167.42", "167.43"]
    lines = [f"2013-10-07T14:00:{n:02}Z,{price},100" for n, price in enumerate(prices)]
    file = write(tmp_path / "t.csv", "ts,price,size", *lines)
    judged = msgspec.structs.replace(SETTINGS, sessions=session_table("NYSE", date(2013, 10, 1), date(2013, 10, 31)))
    assert import_ticks(store, file, judged).flagged == 1
    stored = list(store.ticks(TickRange(instrument=SPY.id)))
    assert [(t.price, t.flags) for t in stored if t.flags] == [(1_900_000, TickFlag.OUTLIER)]
    assert len(stored) == len(prices)
    assert all(not tick.flags for tick in read(file)), "without sessions only the vendor's marks are flags"
    too_early = msgspec.structs.replace(SETTINGS, sessions=session_table("NYSE", date(2014, 1, 1), date(2014, 1, 31)))
    with pytest.raises(DataError, match="session table of NYSE"):
        import_ticks(store, file, too_early)
