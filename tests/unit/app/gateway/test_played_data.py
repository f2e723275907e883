"""What a simulated gateway is given to play: from a store, in the prices of its contracts, and from a recorded run."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from tests.unit.app.conftest import Theo
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.app.gateway.data_choice import DataChoice, DataWishes, Playing
from theo.app.gateway.making import made
from theo.app.home.layout import Home
from theo.app.recorded.run import recorded_items
from theo.app.times import parse_time
from theo.domain.errors import UserError
from theo.domain.market_data import DAY, MINUTE, SECOND, Bar, Tick
from theo.gateway.desk import NEVER
from theo.gateway.wire.messages.contract import Contract

OPEN = parse_time("2023-08-03T09:30")
BEGINNING = -(1 << 62)
OWN = """
[AAPL]
id = 1000
security_type = "STK"
exchange = "SMART"
calendar = "NYSE"
price_decimals = 2
"""
BARS = [(191.5, 192.25, 191.0, 191.75, 1_000), (191.75, 193.0, 191.5, 192.5, 2_000), (192.5, 192.75, 190.0, 190.25, 3_000)]


def write(file: Path, minutes: int, begins: int = OPEN) -> Path:
    rows = ["ts_start,open,high,low,close,volume"]
    rows += [f"{(begins + n * minutes * MINUTE) // 1_000_000},{','.join(map(str, bar))}" for n, bar in enumerate(BARS)]
    file.write_text("\n".join(rows))
    return file


@pytest.fixture(scope="module")
def stored(theo: Theo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with bars of AAPL in two timeframes, and of MES, all alike."""
    home = tmp_path_factory.mktemp("stored")
    (home / "instruments.toml").write_text(OWN)
    for symbol, minutes in (("AAPL", 1), ("AAPL", 15), ("MES", 1), ("SIM-MES", 1)):
        file = write(home / f"{symbol}_{minutes}.csv", minutes)
        said = theo("--home", home, "import", "bars", file, "--symbol", symbol, "--timeframe", f"{minutes}min")
        assert said.code == 0, said.err
    return home


@contextmanager
def chosen(home: Path, *specs: str, **more: str) -> Iterator[Playing]:
    choice = DataChoice(Home(home), DataWishes(specs=specs, **more))
    try:
        yield choice.playing()
    finally:
        choice.close()


def test_the_store_is_played_in_its_shortest_timeframe(stored: Path) -> None:
    with chosen(stored, "store") as playing:
        assert {(each.name, each.what) for each in playing.series} == {("AAPL", "1min"), ("MES", "1min")}
        assert playing.left_out == ("SIM-MES",)
        assert (playing.first, playing.last) == (OPEN, OPEN + 2 * MINUTE)
        assert any("left out" in line and "SIM-MES" in line for line in playing.lines())


def test_prices_are_those_of_the_contract(stored: Path) -> None:
    """AAPL is stored in cents here and listed in hundredths of them; MES stands for its front contract of that day."""
    with chosen(stored, "store:AAPL,MES") as playing:
        gateway = made(Home(stored), playing=playing).gateway
        gateway.simulator.advance(OPEN + 5 * MINUTE)
        desk = gateway.simulator.desk
        (apple,) = desk.contracts.find(Contract(symbol="AAPL", sec_type="STK"))
        (front,) = desk.contracts.find(Contract(symbol="MES", sec_type="FUT", last_trade_date_or_contract_month="202309"))
        for listing in (apple, front):
            unit = 10**listing.instrument.price_decimals
            bars = desk.market.bars(listing.con_id, MINUTE, OPEN, OPEN + 5 * MINUTE, regular=True)
            found = [(b.open / unit, b.high / unit, b.low / unit, b.close / unit, b.volume) for b in bars]
            assert found == BARS
        assert apple.instrument.price_decimals == 4
        assert desk.market.next_at() == NEVER


def test_a_range_leaves_the_rest_out(stored: Path) -> None:
    with pytest.raises(UserError, match="range"), chosen(stored, "store:AAPL", timerange="20230804-"):
        pass
    with chosen(stored, "store:AAPL", timerange="20230803-20230803") as playing:
        assert playing.series[0].first == OPEN


def test_two_sources_of_one_series_are_not_mixed(stored: Path, theo: Theo, tmp_path: Path) -> None:
    home = tmp_path / "home"
    for source in ("one", "other"):
        file = write(tmp_path / "SPY.csv", 1)
        theo("--home", home, "import", "bars", file, "--symbol", "SPY", "--timeframe", "1min", "--source", source)
    with pytest.raises(UserError, match="--source"), chosen(home, "store"):
        pass
    with chosen(home, "store", source="other") as playing:
        assert playing.series[0].origin == "other"


def write_ticks(file: Path, seconds: range) -> Path:
    file.write_text("\n".join(["ts,price,size", *(f"{OPEN // SECOND + n},{450 + n % 5},{1 + n}" for n in seconds)]))
    return file


def test_stored_ticks_are_played_whole_and_from_one_source(theo: Theo, tmp_path: Path) -> None:
    """Over several pages of reading, in their order; ticks of a second source are not slipped in between."""
    home, seconds = tmp_path / "home", range(0, 4_000, 3)
    theo("--home", home, "import", "ticks", write_ticks(tmp_path / "one.csv", seconds), "--symbol", "SPY")
    with chosen(home, "store:SPY") as playing:
        (series,) = playing.series
        ticks = [item for item in series.read(BEGINNING) if isinstance(item, Tick)]
        assert [(tick.at - OPEN) // SECOND for tick in ticks] == list(seconds)
        assert [tick.volume for tick in ticks] == [1 + n for n in seconds]
        assert series.what == "ticks"
    theo("--home", home, "import", "ticks", write_ticks(tmp_path / "two.csv", range(1, 9)), "--symbol", "SPY")
    with chosen(home, "store:SPY") as playing, pytest.raises(UserError, match="--source"):
        list(playing.series[0].read(BEGINNING))
    with chosen(home, "store:SPY", source="import:two.csv") as playing:
        assert len(list(playing.series[0].read(BEGINNING))) == 8


def test_files_of_one_symbol_follow_one_another(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / f"SPY_1min_{name}.csv", 1)
    with pytest.raises(UserError, match="follow one another"), chosen(tmp_path, str(tmp_path)):
        pass
    write(tmp_path / "SPY_1min_a.csv", 1, OPEN + DAY)
    with chosen(tmp_path, str(tmp_path)) as playing:
        (series,) = playing.series
        times = [item.start for item in series.read(BEGINNING) if isinstance(item, Bar)]
    assert len(times) == 2 * len(BARS)
    assert times == sorted(times)


def test_a_recorded_run_is_played_as_it_was_taken(played: Path) -> None:
    store = SqlJournalStore(played / "demo")
    try:
        taken = [item for item in recorded_items(store) if item.instrument == 2]  # VIX in the catalogue
    finally:
        store.close()
    with chosen(played, "run:demo") as playing:
        (series,) = playing.series
        items = list(series.read(BEGINNING))
        assert (series.name, playing.left_out) == ("VIX", ("SIM-MES",))
        assert items == [item for item in taken if type(item) is type(items[0])]
        gateway = made(Home(played), playing=playing).gateway
    times = [item.start if isinstance(item, Bar) else item.at for item in items]
    assert all(one <= other for one, other in pairwise(times))
    assert gateway.simulator.desk.now <= times[0]
