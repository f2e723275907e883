"""Files of bars: what is read, what is refused, and that a refused or interrupted import leaves nothing."""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from tests.unit.adapters.files.instruments import ES, SPY, VIX
from theo.adapters.files import tables
from theo.adapters.files.bar_checks import BarReader
from theo.adapters.files.importing import ImportProgress, import_bars
from theo.adapters.files.settings import BadRange, BarSettings, Label
from theo.adapters.files.tables import open_table
from theo.adapters.sql.market.store import SqlMarketStore
from theo.domain.errors import DataError
from theo.domain.market_data import DAY, MINUTE, Bar, SessionScope
from theo.domain.timeframe import timeframe
from theo.market.sessions import Session, SessionTable
from theo.market.splits import Split
from theo.ports.market_store import BarRange

HEAD = "ts_start,open,high,low,close,volume"
SETTINGS = BarSettings(instrument=VIX, timeframe=timeframe("15min"))
WHOLE = BarRange(instrument=VIX.id, timeframe="15min")
JAN_4 = 1_546_612_200_000_000  # 2019-01-04T14:30:00Z

WriteCsv = Callable[..., Path]


@pytest.fixture
def write_csv(tmp_path: Path) -> WriteCsv:
    def write(*lines: str, name: str = "bars.csv") -> Path:
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlMarketStore]:
    opened = SqlMarketStore(tmp_path / "home")
    yield opened
    opened.close()


def read(path: Path, settings: BarSettings = SETTINGS) -> list[Bar]:
    return [bar for bars in BarReader(open_table(path), settings).batches() for bar in bars]


def rows(count: int, minutes: int = 15) -> list[str]:
    """Rows that nothing is wrong with, from 2019-01-04 14:30 UTC on."""
    made = []
    for number in range(count):
        clock = 14 * 60 + 30 + number * minutes
        made.append(f"2019-01-04T{clock // 60:02d}:{clock % 60:02d}:00Z,20.{number:02d},21,19.5,20.5,{number}")
    return made


def test_a_row_becomes_a_bar(write_csv: WriteCsv) -> None:
    (bar,) = read(write_csv(HEAD, "2019-01-04T14:30:00Z,23.72,24.08,23.19,23.2,7"))
    end = JAN_4 + 15 * MINUTE
    assert bar == Bar(VIX.id, end, "15min", JAN_4, end, 2372, 2408, 2319, 2320, 7)


@pytest.mark.parametrize(
    ("time", "zone"),
    [
        ("2019-01-04 09:30:00", "America/New_York"),
        ("2019-01-04T08:30", "America/Chicago"),
        ("2019-01-04T15:30:00+01:00", ""),
        ("1546612200", ""),
        ("1546612200000", ""),
        ("1546612200000000", ""),
        ("1546612200000000000", ""),
    ],
)
def test_one_moment_written_in_many_ways(write_csv: WriteCsv, time: str, zone: str) -> None:
    settings = msgspec.structs.replace(SETTINGS, zone=zone)
    assert [bar.start for bar in read(write_csv(HEAD, f"{time},20,21,19,20,1"), settings)] == [JAN_4]


def test_delimiters_byte_order_mark_and_compression(write_csv: WriteCsv, tmp_path: Path) -> None:
    plain = read(write_csv(HEAD, *rows(4)))
    semicolons = [line.replace(",", ";") for line in (HEAD, *rows(4))]
    assert read(write_csv("\ufeff" + semicolons[0], *semicolons[1:])) == plain
    packed = tmp_path / "bars.csv.gz"
    packed.write_bytes(gzip.compress("\n".join([HEAD, *rows(4)]).encode()))
    assert read(packed) == plain


def test_closes_alone_make_flat_bars_and_contracts_are_kept(write_csv: WriteCsv) -> None:
    settings = msgspec.structs.replace(SETTINGS, instrument=ES, columns={"close": "es_close", "contract": "es_contract"})
    (bar,) = read(write_csv("ts_start,es_close,es_contract", "2019-01-04T14:30:00Z,2500.25,201903"), settings)
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.contract) == (250_025, 250_025, 250_025, 250_025, 0, "201903")


def test_a_time_that_may_be_start_or_end_is_asked_for(write_csv: WriteCsv) -> None:
    path = write_csv("timestamp,close", "2019-01-04T14:45:00Z,20")
    with pytest.raises(DataError, match=r"'timestamp' may be either.*--label"):
        read(path)
    starts = {label: read(path, msgspec.structs.replace(SETTINGS, label=label))[0].start for label in Label}
    assert starts == {Label.START: JAN_4 + 15 * MINUTE, Label.END: JAN_4}


def test_daily_bars_carry_their_date(write_csv: WriteCsv) -> None:
    settings = msgspec.structs.replace(SETTINGS, timeframe=timeframe("1d"))
    (bar,) = read(write_csv("Date,Open,High,Low,Close", "2019-01-04,20,21,19,20.5"), settings)
    day = JAN_4 // DAY
    assert (bar.session_date, bar.start, bar.end, bar.at) == (day, day * DAY, day * DAY + DAY, day * DAY + DAY)


def test_a_short_first_bar_of_the_session_is_an_hourly_bar(write_csv: WriteCsv) -> None:
    settings = msgspec.structs.replace(SETTINGS, timeframe=timeframe("60min"))
    bars = read(write_csv("ts_start,close", "2019-01-04T14:30:00Z,20", "2019-01-04T15:00:00Z,20"), settings)
    assert [(bar.end - bar.start) // MINUTE for bar in bars] == [30, 60]


def at_row(number: int, line: str, count: int = 5) -> list[str]:
    """Good rows with a bad one in place of row ``number``."""
    made = rows(count)
    made[number - 1] = line
    return [HEAD, *made]


BAD_FILES = {
    "empty": ([""], "is empty"),
    "no close": (["ts_start,open,high,low"], "no column for the close"),
    "half of the prices": (["ts_start,open,close"], "no column for all of open, high and low"),
    "no time": (["open,high,low,close"], "no column for the time"),
    "two columns of one name": (["ts_start,close,close"], "two columns of one name"),
    "no rows": ([HEAD], "holds no rows"),
    "cut in a row": ([HEAD, *rows(3), "2019-01-04T15:"], "row 4 has 1 cells, the heading has 6"),
    "no zone": (at_row(1, "2019-01-04 14:30,20,21,19,20,1", 1), "row 1: the time has no zone.*--zone"),
    "some with a zone": (at_row(3, "2019-01-04 15:00,20,21,19,20,1"), "row 3: has a time without a zone"),
    "no time at all": (at_row(2, ",20,21,19,20,1"), "row 2: '' is no time"),
    "text for a price": (at_row(4, "2019-01-04T15:15:00Z,20,x,19,20,1"), "row 4: high 'x' is no number"),
    "price missing": (at_row(2, "2019-01-04T14:45:00Z,20,21,19,,1"), "row 2: close is missing"),
    "price NaN": (at_row(2, "2019-01-04T14:45:00Z,nan,21,19,20,1"), "row 2: open is missing"),
    "price infinite": (at_row(2, "2019-01-04T14:45:00Z,20,inf,19,20,1"), "row 2: high is missing or no number"),
    "price zero": (at_row(3, "2019-01-04T15:00:00Z,20,21,0,20,1"), "row 3: low is 0"),
    "price negative": (at_row(5, "2019-01-04T15:30:00Z,20,21,-19,20,1"), "row 5: low is -19"),
    "too many decimals": (
        at_row(2, "2019-01-04T14:45:00Z,20.005,21,19,20,1"),
        "row 2: open 20.005 has more than 2 decimals.*--round",
    ),
    "high below low": (
        at_row(3, "2019-01-04T15:00:00Z,20,19,21,20,1"),
        "row 3: open 20.00 or close 20.00 lies outside low 21.00",
    ),
    "close outside": (at_row(3, "2019-01-04T15:00:00Z,20,21,19,22,1"), "row 3: .*close 22.00 lies outside.*--bad-range"),
    "volume negative": (at_row(1, "2019-01-04T14:30:00Z,20,21,19,20,-1"), "row 1: volume is -1"),
    "volume in parts": (at_row(1, "2019-01-04T14:30:00Z,20,21,19,20,1.5"), "row 1: volume is 1.5"),
    "unsorted": ([HEAD, rows(3)[1], rows(3)[0]], "row 2 is earlier than row 1.*--sort"),
    "duplicate": ([HEAD, *rows(3), rows(3)[2]], "rows 3 and 4 are bars of the same time"),
    "five minutes": ([HEAD, *rows(12, 5)], "row 2 begins before the bar of the row before ends"),
    "thirty minutes": ([HEAD, *rows(12, 30)], "the bars are 30 minutes apart, not 15min"),
}


@pytest.mark.parametrize(("lines", "message"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_bad_file_is_refused_with_its_place_and_nothing_is_stored(
    write_csv: WriteCsv, store: SqlMarketStore, lines: list[str], message: str
) -> None:
    path = write_csv(*lines)
    with pytest.raises(DataError, match=message) as refused:
        import_bars(store, path, SETTINGS)
    assert refused.value.where == str(path)
    assert refused.value.remedy
    assert store.series() == ()
    assert list(store.bars(WHOLE)) == []


def test_zones_and_their_changes_of_the_clock(write_csv: WriteCsv) -> None:
    settings = msgspec.structs.replace(SETTINGS, zone="America/New_York")
    for time, what in (("2019-11-03 01:30", "comes twice"), ("2019-03-10 02:30", "does not exist")):
        with pytest.raises(DataError, match=what):
            read(write_csv(HEAD, f"{time},20,21,19,20,1"), settings)
    with pytest.raises(DataError, match="no time zone 'New York'"):
        read(write_csv(HEAD, "2019-01-04 09:30,20,21,19,20,1"), msgspec.structs.replace(SETTINGS, zone="New York"))


def test_unsorted_rows_can_be_sorted_duplicates_not(write_csv: WriteCsv) -> None:
    settings = msgspec.structs.replace(SETTINGS, sort=True)
    good = rows(6)
    assert read(write_csv(HEAD, *reversed(good)), settings) == read(write_csv(HEAD, *good))
    with pytest.raises(DataError, match="rows 1 and 4 are bars of the same time"):
        read(write_csv(HEAD, good[3], good[1], good[0], good[3]), settings)


def test_two_contracts_of_one_time_are_two_bars(write_csv: WriteCsv) -> None:
    settings = msgspec.structs.replace(SETTINGS, instrument=ES)
    lines = ["ts_start,close,contract", "2019-01-04T14:30:00Z,2500,201903", "2019-01-04T14:30:00Z,2501,201906"]
    assert [bar.contract for bar in read(write_csv(*lines), settings)] == ["201903", "201906"]
    with pytest.raises(DataError, match="rows 1 and 3 are bars of the same time"):
        read(write_csv(*lines, lines[1]), settings)


def test_prices_are_rounded_only_when_asked(write_csv: WriteCsv) -> None:
    path = write_csv(HEAD, "2019-01-04T14:30:00Z,20.005,20.0149,20.004,20.01,1")
    (bar,) = read(path, msgspec.structs.replace(SETTINGS, round_prices=True))
    assert (bar.open, bar.high, bar.low, bar.close) == (2000, 2001, 2000, 2001)


def test_bars_that_do_not_enclose_their_prices_are_widened_or_skipped_and_counted(
    write_csv: WriteCsv, store: SqlMarketStore
) -> None:
    path = write_csv(*at_row(3, "2019-01-04T15:00:00Z,20,21,19,22,1"))
    skipped = import_bars(store, path, msgspec.structs.replace(SETTINGS, bad_range=BadRange.SKIP))
    assert (skipped.rows, skipped.skipped, skipped.widened) == (4, 1, 0)
    widened = import_bars(store, path, msgspec.structs.replace(SETTINGS, bad_range=BadRange.WIDEN))
    assert (widened.rows, widened.skipped, widened.widened, widened.replaced) == (5, 0, 1, 4)
    assert list(store.bars(WHOLE))[2].high == 2200


DAY_4 = JAN_4 // DAY
SESSIONS = SessionTable(
    "NYSE",
    "test",
    DAY_4 - 5,
    DAY_4 + 9,
    tuple(
        Session(
            day,
            ((day * DAY + 870 * MINUTE, day * DAY + 1260 * MINUTE),),
            ((day * DAY + 540 * MINUTE, day * DAY + 1500 * MINUTE),),
        )
        for day in (DAY_4 - 1, DAY_4, DAY_4 + 3)
    ),
)


def test_a_reverse_split_moves_older_prices_and_volumes(write_csv: WriteCsv) -> None:
    """Four old shares at 20.50 are one new share at 82.00; the day of the split trades at the new price."""
    settings = msgspec.structs.replace(SETTINGS, splits=(Split(DAY_4 + 3, new=1, old=4),))
    path = write_csv(HEAD, "2019-01-04T20:45:00Z,20,21,19.5,20.5,8", "2019-01-07T14:30:00Z,80,81,79,80.5,8")
    with pytest.raises(DataError, match="splits need a session table"):
        read(path, settings)
    bars = read(path, msgspec.structs.replace(settings, sessions=SESSIONS))
    assert [(bar.close, bar.low, bar.volume) for bar in bars] == [(8200, 7800, 2), (8050, 7900, 8)]


def test_daily_bars_follow_their_session_where_its_table_is_given(write_csv: WriteCsv) -> None:
    settings = msgspec.structs.replace(SETTINGS, timeframe=timeframe("1d"), sessions=SESSIONS)
    lines = ["date,close", "2019-01-04,20", "2019-01-07,80"]
    split = msgspec.structs.replace(settings, splits=(Split(DAY_4 + 3, new=1, old=4),))
    bars = read(write_csv(*lines), split)
    assert [(bar.session_date, bar.start - JAN_4, bar.end - bar.start, bar.close) for bar in bars] == [
        (DAY_4, 0, 390 * MINUTE, 8000),
        (DAY_4 + 3, 3 * DAY, 390 * MINUTE, 8000),
    ]
    whole = read(write_csv(*lines), msgspec.structs.replace(settings, scope=SessionScope.ALL))
    assert whole[0].end - whole[0].start == 960 * MINUTE
    with pytest.raises(DataError, match="row 2: 2019-01-05 is no session of NYSE"):
        read(write_csv(*lines[:2], "2019-01-05,20"), settings)


def test_an_unknown_column_of_the_user_names_the_closest(write_csv: WriteCsv) -> None:
    path = write_csv(HEAD, *rows(1))
    with pytest.raises(DataError, match="Did you mean 'close'"):
        read(path, msgspec.structs.replace(SETTINGS, columns={"close": "closee"}))
    with pytest.raises(DataError, match="'price' is no column of ours"):
        read(path, msgspec.structs.replace(SETTINGS, columns={"price": "close"}))


def test_files_that_are_not_there_or_of_no_known_kind(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        open_table(tmp_path / "none.csv")
    (tmp_path / "bars.xlsx").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"unknown format.*parquet"):
        open_table(tmp_path / "bars.xlsx")


class StoppedError(Exception):
    """Stands for Ctrl+C at a given moment."""


@pytest.mark.parametrize("stop_at", [1, 3, 5])
def test_an_interrupted_import_shows_nothing_and_goes_on_where_it_stopped(
    write_csv: WriteCsv, store: SqlMarketStore, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    from theo.adapters.files import csv_table

    assert tables.BATCH_ROWS > 10
    monkeypatch.setattr(csv_table, "BATCH_ROWS", 4)
    path = write_csv(HEAD, *rows(20))
    seen: list[ImportProgress] = []

    def stop(progress: ImportProgress) -> None:
        seen.append(progress)
        if sum(p.phase == "storing" for p in seen) == stop_at:
            raise StoppedError

    with pytest.raises(StoppedError):
        import_bars(store, path, SETTINGS, stop)
    assert store.series() == ()
    source = f"import:{path.name}"
    staged: list[int] = []
    begin = store.begin_import

    def noting(name: str, fingerprint: str) -> object:
        found = begin(name, fingerprint)
        staged.append(found.rows)
        return found

    monkeypatch.setattr(store, "begin_import", noting)
    report = import_bars(store, path, SETTINGS)
    assert staged == [4 * stop_at]
    assert (report.rows, report.source) == (20, source)
    assert [bar.volume for bar in store.bars(WHOLE)] == list(range(20))


def test_progress_covers_the_whole_file_twice(write_csv: WriteCsv, store: SqlMarketStore) -> None:
    seen: list[ImportProgress] = []
    import_bars(store, write_csv(HEAD, *rows(20)), SETTINGS, seen.append)
    assert [(p.phase, p.rows, p.done == p.total) for p in seen] == [("checking", 20, True), ("storing", 20, True)]


def test_the_first_prices_of_spy_and_the_last(write_csv: WriteCsv) -> None:
    """Prices beyond two decimals, as vendors' binary files hold them, come out exactly."""
    (bar,) = read(
        write_csv(HEAD, "2019-01-04T14:30:00Z,247.58,248.69,247.1701,248.44,1"), msgspec.structs.replace(SETTINGS, instrument=SPY)
    )
    assert (bar.open, bar.high, bar.low, bar.close) == (2_475_800, 2_486_900, 2_471_701, 2_484_400)
