"""`theo levels` on a home of real bars."""

import asyncio
import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from subprocess import DEVNULL

import pytest
from msgspec.structs import replace

from tests.api.home import make_home
from tests.api.trading import trader_on
from tests.unit.app.conftest import DEMO_DAYS, Theo
from tests.unit.app.running import once_there
from theo.adapters.sql.database.place import place_of
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.market.level_store import SqlLevelStore
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.system.clock import SteadyClock
from theo.app.home.layout import Home
from theo.app.recorded.run import recorded_items, recorded_plan
from theo.app.stored import built_bars
from theo.app.stored.building import NEWS_AGE_MAX, ROUND_EVERY, Building
from theo.app.stored.built_bars import BuiltBars
from theo.domain.errors import ConfigError
from theo.domain.market_data import SECOND, Tick, TickKind
from theo.domain.timeframe import timeframe
from theo.drive.assembly import Plan
from theo.engine.journal import MARKET
from theo.market.bars import BarTree
from theo.market.sessions import Hours
from theo.market.standard_levels import TIMEFRAMES, LevelSettings, StandardLevels


def bars_file(folder: Path, count: int) -> Path:
    """So many 15-minute bars of SPY, up and down between 250.01 and 250.07."""
    rows = ["time,open,high,low,close,volume"]
    for n in range(count):
        at = 14 * 60 + 30 + 15 * n
        close = 250 + (1 + abs(n % 12 - 6)) / 100
        day, minutes = 2 + n // 26, at - (n // 26) * 26 * 15
        rows.append(f"2019-01-{day:02}T{minutes // 60:02}:{minutes % 60:02}:00Z,{close},{close},{close},{close},100")
    (folder / "spy.csv").write_text("\n".join(rows))
    return folder / "spy.csv"


BARS = ("--symbol", "SPY", "--timeframe", "15min", "--label", "start", "--source", "file")


@pytest.fixture
def imported(theo: Theo, tmp_path: Path) -> Path:
    """Forty bars without their levels."""
    said = theo("--home", tmp_path / "home", "import", "bars", bars_file(tmp_path, 40), *BARS, "--no-levels")
    assert said.code == 0, said.err
    return tmp_path / "home"


def test_an_import_brings_the_levels_of_its_bars(theo: Theo, tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert "levels: 20 rows are new, 0 changed" in theo("--home", home, "import", "bars", bars_file(tmp_path, 20), *BARS).out
    assert "levels: 40 rows are new, 0 changed" in theo("--home", home, "import", "bars", bars_file(tmp_path, 40), *BARS).out
    said = theo("--home", home, "levels", "verify")
    assert "40 rows compared, all equal" in said.out
    assert "wait" not in said.out


def test_levels_are_computed_shown_and_verified(theo: Theo, imported: Path) -> None:
    assert "40 rows are new, 0 changed" in theo("--home", imported, "levels", "compute").out
    assert "nothing to do" in theo("--home", imported, "levels", "compute", "SPY").out
    assert "40 rows compared, all equal" in theo("--home", imported, "levels", "verify").out
    assert "nothing to do" in theo("--home", imported, "levels", "compute", "--from", "20190101").out
    shown = json.loads(theo("--home", imported, "levels", "show", "SPY", "--bars", 1, "--json").out)
    assert shown[0]["symbol"] == "SPY"
    assert shown[0]["levels"]["sl_status"] in {True, False}
    listed = theo("--home", imported, "levels", "show", "SPY")
    assert len(listed.out.splitlines()) == 11
    (newest,) = json.loads(theo("--home", imported, "levels", "new", "--count", 1, "--json").out)
    assert newest["level"] in {"SH", "SL"}
    assert newest["bar"] < newest["known"]
    assert len(theo("--home", imported, "levels", "new", "SPY", "--count", 2).out.splitlines()) == 2


def test_a_level_that_was_tampered_with_is_found_and_mended(theo: Theo, imported: Path) -> None:
    theo("--home", imported, "levels", "compute")
    with sqlite3.connect(imported / "market.db") as raw:
        raw.execute("UPDATE levels SET atr = atr + 1 WHERE start_at = (SELECT max(start_at) FROM levels)")
    raw.close()
    said = theo("--home", imported, "levels", "verify")
    assert said.code == 1
    assert "1 differ" in said.out
    assert "atr is" in said.out
    assert "1 changed" in theo("--home", imported, "levels", "compute", "--from", "20190101").out
    assert theo("--home", imported, "levels", "verify").code == 0


def test_bars_that_wait_for_their_levels_are_no_difference(theo: Theo, imported: Path) -> None:
    said = theo("--home", imported, "levels", "verify")
    assert said.code == 0
    assert "40 bars wait" in said.out


def test_the_owners_query_on_a_file(theo: Theo, imported: Path) -> None:
    theo("--home", imported, "levels", "compute")
    with sqlite3.connect(imported / "market.db") as raw:
        rows = raw.execute(
            "SELECT id, symbol, created, close, sh_price, sl_price, sh_status, sl_status FROM tbl_ohlc_fifteen_output"
        ).fetchall()
        assert raw.execute("SELECT count(*) FROM generated_signals").fetchone() == (0,)
    raw.close()
    assert rows[0] == (1, "SPY", "2019-01-02 14:30:00", 250.07, None, None, None, None)
    assert len(rows) == 40


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("compute", "MES"), "no bars of MES are stored"),
        (("show", "SPY", "--timeframe", "7min"), "levels of 7min"),
        (("compute", "--from", "yesterday"), "is no date"),
    ],
)
def test_what_cannot_be_is_refused_with_what_there_is(theo: Theo, imported: Path, arguments: tuple[str, ...], told: str) -> None:
    said = theo("--home", imported, "levels", *arguments)
    assert said.code == 2
    assert told in said.err


def tables(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """What a run keeps of its bars and their levels, states to go on from left out."""
    with closing(sqlite3.connect(folder / "market.db")) as raw:
        return {name: sorted(raw.execute(f"SELECT * FROM {name}").fetchall()) for name in ("bars", "levels", "new_levels")}  # noqa: S608 - our own names


def without_levels(folder: Path) -> Path:
    """The run as if nothing had been built of its ticks."""
    with closing(sqlite3.connect(folder / "market.db")) as raw, raw:
        for table in ("levels", "level_marks", "new_levels", "bars"):
            raw.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
    return folder


@pytest.fixture
def bare(copied: Path) -> Path:
    """The home of a demo of whose ticks nothing is built."""
    without_levels(copied / "demo")
    return copied


def test_a_demo_has_the_rows_that_computing_them_from_its_journal_gives(theo: Theo, played: Path, bare: Path) -> None:
    by_itself = tables(played / "demo")
    computed = json.loads(theo("--home", bare, "levels", "compute", "--run", "demo", "--json").out)
    assert all(one["new"] == one["bars"] > 0 for one in computed)
    assert len(by_itself["new_levels"]) == sum(one["announced"] for one in computed) > 100
    assert by_itself == tables(bare / "demo")
    again = theo("--home", bare, "levels", "compute", "--run", "demo").out
    assert again.count("nothing to do") == len(computed) == 10


def test_a_demo_has_its_levels_while_it_is_played_and_once_after_a_kill(theo: Theo, played: Path, tmp_path: Path) -> None:
    """Killed between two of its rounds, it goes on to the same rows as one that was never ended."""
    program = [sys.executable, "-c", "from theo.app.cli import main; main()", "--home", str(tmp_path / "home"), "demo"]
    asked = ["--days", str(DEMO_DAYS)]
    with subprocess.Popen([*program, *asked, "--speed", "1", "--plain"], cwd=tmp_path, stdout=DEVNULL, stderr=DEVNULL) as process:

        def levels() -> int | None:
            if not (tmp_path / "home" / "demo" / "market.db").exists():
                return None
            with closing(sqlite3.connect(tmp_path / "home" / "demo" / "market.db")) as raw:
                made = raw.execute("SELECT count(*) FROM sqlite_master WHERE name = 'levels'").fetchone()[0]
                return (made and raw.execute("SELECT count(*) FROM levels").fetchone()[0]) or None

        assert once_there(levels)
        assert process.poll() is None
        process.kill()
    said = theo("--home", tmp_path / "home", "demo", *asked, "--speed", 0, "--plain")
    assert said.code == 0, said.err
    assert theo("--home", tmp_path / "home", "levels", "verify", "--run", "demo").code == 0
    assert tables(tmp_path / "home" / "demo") == tables(played / "demo")


def test_a_run_over_bars_has_levels_beside_them_also_where_it_went_on(theo: Theo, tmp_path: Path) -> None:
    """Played to its end in two processes; the rows are those of the home's own bars, and computing finds nothing to do."""
    home = make_home(tmp_path)
    with trader_on(home, tmp_path / "trend.toml") as trader:
        trader.play(40)
    said = theo("--home", home, "paper", tmp_path / "trend.toml")
    assert said.code == 0, said.err
    (run,) = [path.name for path in (home / "runs").iterdir()]
    verified = json.loads(theo("--home", home, "levels", "verify", "--run", run, "--json").out)
    assert [(one["symbol"], one["compared"], one["waiting"], one["differing"]) for one in verified] == [("SPY", 312, 0, 0)]
    with closing(SqlMarketStore(home)) as own, closing(SqlMarketStore(home / "runs" / run)) as market:
        stores = [SqlLevelStore(each.engine) for each in (own, market)]
        (ours,) = [one for one in stores[0].series(["15min"]) if one.instrument == market.instruments()[0].id]
        (theirs,) = stores[1].series(TIMEFRAMES)
        assert list(stores[1].levels(theirs, 0, 2**62)) == list(stores[0].levels(ours, 0, 2**62)) != []
        assert stores[1].announced(limit=9_999) == stores[0].announced(ours.instrument, limit=9_999) != ()


def test_a_run_waits_for_no_level_while_it_goes_on(bare: Path) -> None:
    """The database takes nothing meanwhile; whoever plays the market has turn after turn. At the end everything is there."""
    folder, told = bare / "demo", Told()
    with closing(SqlJournalStore(folder)) as journal:
        plan = recorded_plan(Home(bare), folder, journal)

    async def play(building: Building) -> None:
        with closing(sqlite3.connect(folder / "market.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            async with building.beside(hurried=False):
                for _ in range(20_000):
                    await asyncio.sleep(0)  # a turn of the loop, as whoever plays the market takes it
                other.execute("ROLLBACK")

    building = Building(place_of(folder), plan, LevelSettings(), SteadyClock(), told, told_of=(), round_every=1)
    with closing(building):
        asyncio.run(play(building))
    assert told == []
    stored = tables(folder)
    assert {row[1] for row in stored["levels"]} == set(TIMEFRAMES)
    assert len(stored["levels"]) == len(stored["bars"])
    assert building.known == len(stored["new_levels"]) > 100


def test_a_run_that_fails_is_told_why_at_once(bare: Path) -> None:
    """No round comes after it."""
    folder = bare / "demo"
    with closing(SqlJournalStore(folder)) as journal:
        plan = recorded_plan(Home(bare), folder, journal)

    async def fail(building: Building) -> None:
        async with building.beside(hurried=True):
            raise ConfigError("the market ended")

    building = Building(place_of(folder), plan, LevelSettings(), SteadyClock(), Told())
    with closing(building), pytest.raises(ConfigError, match="the market ended"):
        asyncio.run(fail(building))
    assert tables(folder)["levels"] == []


def test_bars_and_levels_of_a_runs_ticks(theo: Theo, bare: Path) -> None:
    """Against every tick of the journal in one tree and one plain loop; a run's rebuilt tables stay those of its journal."""
    copied = bare
    computed = json.loads(theo("--home", copied, "levels", "compute", "--run", "demo", "--json").out)
    assert {one["timeframe"] for one in computed} == {"5min", "15min", "30min", "60min", "1d"}
    assert all(one["new"] == one["bars"] > 0 == one["changed"] for one in computed)
    with closing(SqlJournalStore(copied / "demo")) as journal, closing(SqlMarketStore(copied / "demo")) as market:
        plan, items = recorded_plan(Home(copied), copied / "demo", journal), list(recorded_items(journal))
        levels = SqlLevelStore(market.engine)
        for series in levels.series(["15min"]):
            one = next(each for each in plan.instruments.values() if each.id == series.instrument)
            kind = TickKind.TRADE if one.tradable else TickKind.INDEX
            hours = Hours(plan.tables[one.calendar], plan.rulesets[0][0].session)
            tree, plain = BarTree(one.id, [timeframe("15min")], hours, kind=kind), StandardLevels(LevelSettings())
            wanted: dict[int, tuple[float | None, ...]] = {}
            for item in items:
                bars = tree.on_time(item.at)
                bars += tree.on_tick(item) if isinstance(item, Tick) and item.instrument == one.id else ()
                wanted |= {bar.start: plain.update(bar) for bar in bars}
            assert len(wanted) > 100
            assert {row.start: row.values for row in levels.levels(series, 0, 2**62)} == wanted
    assert theo("--home", copied, "levels", "verify", "--run", "demo").code == 0
    assert theo("--home", copied, "journal", "rebuild", "--run", "demo").code == 0


def test_building_goes_on_wherever_it_was_killed(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After each of its rounds a new process takes over: the rows are those of one that was never ended."""
    copied, folder = bare, bare / "demo"

    def rows(rounds: int) -> list[tuple[object, ...]]:
        with closing(SqlJournalStore(folder)) as journal, closing(SqlMarketStore(folder)) as market:
            plan, more = recorded_plan(Home(copied), folder, journal), True
            while more:
                built = BuiltBars(journal, market, plan, LevelSettings())
                for _ in range(rounds):
                    more = built.work()
                    if not more:
                        break
            store = SqlLevelStore(market.engine)
            found = [(series, *store.levels(series, 0, 2**62)) for series in store.series(TIMEFRAMES)]
            new = sorted((one.instrument, one.timeframe, one.new.level, one.new.at_start) for one in store.announced(limit=9_999))
            without_levels(folder)
            return [*found, *new]

    whole = rows(10**6)
    assert len(whole) > 100
    head_seq = SqlJournalStore(folder).head(MARKET)
    assert head_seq is not None
    monkeypatch.setattr(built_bars, "RECORDS_A_ROUND", head_seq.seq // 2 + 1)
    assert rows(1) == whole


LATER = 4_000_000_000 * SECOND  # long after any bar


class OneRound:
    """A clock that lets time pass once, and then stands still."""

    def __init__(self, begun: int) -> None:
        self.begun = self.at = begun
        self.stands = asyncio.Event()

    def now(self) -> int:
        return self.at

    async def sleep_until(self, at: int) -> None:
        if self.at > self.begun:
            self.stands.set()
            await asyncio.Event().wait()
        self.at = at


class Told(list[str]):
    """What a person was told: its codes, and the texts."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def tell(self, _at: int, _severity: str, code: str, text: str) -> None:
        self.append(code)
        self.texts.append(text)


async def build_once(folder: Path, plan: Plan, told: Told, begun: int = LATER) -> None:
    clock = OneRound(begun)
    building = Building(place_of(folder), plan, LevelSettings(), clock, told)
    tasks = [asyncio.create_task(building.run()), asyncio.create_task(clock.stands.wait())]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    building.close()


def test_a_live_run_has_levels_within_a_round_and_a_fault_ends_only_that(bare: Path) -> None:
    copied = bare
    folder, told = copied / "demo", Told()
    with closing(SqlJournalStore(folder)) as journal:
        plan = recorded_plan(Home(copied), folder, journal)
    asyncio.run(build_once(folder, plan, told))
    with closing(SqlMarketStore(folder)) as market:
        found = SqlLevelStore(market.engine).series(TIMEFRAMES)
        assert {series.timeframe for series in found} == set(TIMEFRAMES)
        assert all(SqlLevelStore(market.engine).newest_mark(replace(one, bars=0), LevelSettings().text) for one in found)
    assert told == ["new_levels"]
    (folder / "market.db").write_bytes(b"no database, and longer than the head of one" * 40)
    asyncio.run(build_once(folder, plan, told))
    assert told == ["new_levels", "levels_left"]


def test_a_level_that_becomes_known_is_told_once(bare: Path, tmp_path: Path) -> None:
    """What is new by its name and price, what is old by its number; a restart, which reads the same bars again, tells nothing."""
    copied = bare
    folder, told = copied / "demo", Told()
    with closing(SqlJournalStore(folder)) as journal:
        plan = recorded_plan(Home(copied), folder, journal)
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    asyncio.run(build_once(other, plan, Told()))
    with closing(SqlMarketStore(other)) as market:
        known = SqlLevelStore(market.engine).announced(limit=100_000)
    begun = known[0].new.known_at
    asyncio.run(build_once(folder, plan, told, begun))
    news = [one for one in known if one.new.known_at >= begun + ROUND_EVERY - NEWS_AGE_MAX]
    assert 0 < len(news) < len(known)
    assert told == ["new_level"] * len(news) + ["new_levels"]
    assert told.texts[-1].startswith(f"{len(known) - len(news):,} swing highs and lows")
    symbols = {one.id: one for one in plan.instruments.values()}
    for one in news:
        instrument, word = symbols[one.instrument], {"SH": "high", "SL": "low"}[one.new.level]
        begins = f"{instrument.symbol} {one.timeframe}: new swing {word} {instrument.text(one.new.price)} of "
        assert sum(text.startswith(begins) for text in told.texts) == 1
    asyncio.run(build_once(folder, plan, told, begun))
    assert len(told) == len(news) + 1
