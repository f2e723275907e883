"""What every ScanStore must do, and what the database itself refuses, on both databases."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.postgres import DATABASES, Opening, new_database
from theo.adapters.sql.database.place import Place
from theo.adapters.sql.moving import copy_settings
from theo.adapters.sql.schema.opening import Database, open_database
from theo.adapters.sql.settings.scans import SqlScans
from theo.domain.errors import UserError
from theo.ports.scans import Changing, ScanContent, ScanStore
from theo.strategy.loading import load_ruleset

OpenScans = Opening[SqlScans]
NOON = 1_700_000_000_000_000
CLASSIC = files("theo.strategy").joinpath("rulesets/mes-vix-inverse.toml").read_text(encoding="utf-8")


def content(name: str = "classic", *lines: str, document: str = CLASSIC) -> ScanContent:
    """A document with another name and further lines at its end."""
    written = document.replace("mes-vix-inverse", name) + "\n".join(lines)
    return ScanContent(load_ruleset(written, name), written, {"MES": 0, "VIX": 13_455_763})


def by(who: str = "ann", at: int = NOON, reason: str = "why") -> Changing:
    return Changing(at, who, reason)


@pytest.fixture(params=DATABASES)
def open_scans(request: pytest.FixtureRequest) -> OpenScans:
    return Opening(SqlScans, request.param)


@pytest.fixture
def store(open_scans: OpenScans, tmp_path: Path) -> Iterator[ScanStore]:
    opened = open_scans(tmp_path)
    yield opened
    opened.close()


def test_what_is_created_is_there_after_a_restart_with_its_content(open_scans: OpenScans, tmp_path: Path) -> None:
    first = open_scans(tmp_path)
    made = first.create(content(), by())
    first.close()
    second = open_scans(tmp_path)
    assert second.all() == (made,)
    assert (made.id, made.number, made.active, made.user_name, made.created_at) == (1, 1, True, "ann", NOON)
    assert load_ruleset(made.document, "x").version == made.version
    second.close()


def test_every_change_is_kept_with_what_was_before_and_after(store: ScanStore) -> None:
    made = store.create(content(), by("ann", NOON, "new"))
    other = content("classic", "[scan]", 'mode = "virtual"')
    changed = store.edit(made, other, by("bob", NOON + 1, "try"))
    disabled = store.activate(changed, by("cid", NOON + 2, "holiday"), active=False)
    enabled = store.activate(disabled, by("cid", NOON + 3, "back"), active=True)
    assert store.activate(enabled, by(), active=True) == enabled
    store.delete(enabled, by("ann", NOON + 4, "done"))
    assert store.all() == ()
    told = [(c.number, c.at - NOON, c.user_name, c.action, c.reason) for c in store.changes("classic")]
    assert told == [
        (1, 0, "ann", "create", "new"),
        (2, 1, "bob", "edit", "try"),
        (3, 2, "cid", "disable", "holiday"),
        (4, 3, "cid", "enable", "back"),
        (5, 4, "ann", "delete", "done"),
    ]
    documents = [(c.before, c.after) for c in store.changes()]
    one, two = made.document, other.document
    assert documents == [(None, one), (one, two), (two, two), (two, two), (two, None)]
    assert (changed.number, changed.user_name, changed.created_at, changed.updated_at) == (2, "bob", NOON, NOON + 1)


def test_an_edit_of_what_was_overtaken_is_refused_and_says_by_whom(store: ScanStore) -> None:
    made = store.create(content(), by())
    store.edit(made, content("classic", "[scan]", 'mode = "virtual"'), by("bob"))
    for change in (
        lambda: store.edit(made, content(), by()),
        lambda: store.activate(made, by(), active=False),
        lambda: store.delete(made, by()),
    ):
        with pytest.raises(UserError, match="was changed meanwhile: edit by bob at 2023-11-14T22:13:20"):
            change()
    assert [change.number for change in store.changes()] == [1, 2]


def test_a_name_is_one_scan_and_an_id_is_given_out_once(store: ScanStore) -> None:
    made = store.create(content(), by())
    with pytest.raises(UserError, match="there is a scan 'classic' already"):
        store.create(content(), by())
    store.delete(made, by())
    again = store.create(content(), by())
    assert (again.id, again.number) == (2, 1)
    assert [(change.id, change.number) for change in store.changes("classic")] == [(1, 1), (1, 2), (2, 1)]
    with pytest.raises(UserError, match="was changed meanwhile: delete by ann"):
        store.edit(made, content(), by())


def test_homes_on_one_server_do_not_see_each_other(tmp_path: Path) -> None:
    opens = Opening(SqlScans, "postgresql")
    one, other = opens(tmp_path / "one"), opens(tmp_path / "other")
    one.create(content(), by())
    assert other.all() == ()
    assert other.create(content(), by("bob")).id == 1
    assert [change.user_name for change in one.changes()] == ["ann"]
    one.close()
    other.close()


def refused(engine_of: SqlScans, statement: str) -> bool:
    """Whether the database itself refuses a statement."""
    engine = engine_of._engine
    with pytest.raises(DBAPIError) as caught, engine.begin() as connection:
        connection.execute(text(statement))
    return (
        "CHECK" in str(caught.value).upper()
        or "UNIQUE" in str(caught.value).upper()
        or "APPEND-ONLY" in str(caught.value).upper()
    )


@pytest.mark.parametrize(
    "change",
    [
        "signal_type = 'Weekly'",
        "mode = 'Paper'",
        "sides = 'Up'",
        "placeholder = 'BOND'",
        "placeholder = 'ETF', expiry = 'Weekly'",
        "expiry = 'Weekly'",
        "option_type = 'CALL'",
        "option_category = 'ITM'",
        "writing = true",
        "placeholder = 'OPTION', expiry = 'Weekly'",
        "placeholder = 'OPTION', option_category = 'ITM'",
        "placeholder = 'OPTION', option_category = 'ATM', expiry = 'Weekly'",
        "placeholder = 'OPTION', option_category = 'ITM', expiry = 'Daily'",
        "placeholder = 'OPTION', option_category = 'ITM', expiry = 'Weekly', option_type = 'CALL'",
        "placeholder = 'OPTION', option_category = 'ITM', expiry = 'Weekly', option_type = 'PUT', sides = 'Long'",
        "scan_on = 'Tick'",
        "scan_on = 'Interval', scan_interval_minutes = 0",
        "scan_interval_minutes = 1441",
        "missed = 'Retry'",
        "days = ''",
        "days = 'Mon Tues'",
        "start_minute = -1",
        "end_minute = 1441",
        "end_minute = start_minute",
        "valid_until = 'soon'",
        "signals_per_day = 0",
        "strategy = 'python'",
        "session = 'NIGHT'",
        "version = 'x'",
        "number = 0",
        "updated_at = created_at - 1",
        "user_name = ''",
        "name = ''",
    ],
)
def test_the_database_refuses_what_a_configuration_cannot_be(change: str, scanned: SqlScans) -> None:
    assert refused(scanned, f"UPDATE signal_configs SET {change}")  # noqa: S608 - our own words


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE signal_symbols SET is_primary = true",
        "UPDATE signal_symbols SET role = 'Primary', is_primary = true",
        "UPDATE signal_symbols SET role = 'Friend'",
        "UPDATE signal_symbols SET token = 0 WHERE role = 'Partner'",
        "UPDATE signal_entry_rules SET rule_type = 'Feeling'",
        "UPDATE signal_entry_rules SET correlation_threshold = NULL",
        "UPDATE signal_entry_rules SET correlation_threshold = 1.5 WHERE rule_type = 'Correlation'",
        "UPDATE signal_entry_rules SET parameter = NULL WHERE rule_type = 'PriceAbove'",
        "UPDATE signal_entry_rules SET side = 'Both'",
        "UPDATE signal_config_changes SET user_name = 'nobody'",
        "DELETE FROM signal_config_changes",
    ],
)
def test_the_database_refuses_wrong_symbols_and_rules_and_another_history(statement: str, scanned: SqlScans) -> None:
    assert refused(scanned, statement)


@pytest.fixture(scope="module", params=DATABASES)
def scanned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlScans]:
    """One scan, which no statement that is refused can change."""
    store = Opening(SqlScans, request.param)(tmp_path_factory.mktemp("scans"))
    store.create(content(), by())
    yield store
    store.close()


def test_the_columns_say_what_the_document_says(scanned: SqlScans) -> None:
    engine = scanned._engine
    with engine.connect() as connection:
        config = connection.execute(
            text(
                "SELECT name, signal_type, is_active, scan_interval_minutes, scan_on, sides, mode, days, start_minute, "
                "end_minute, time_zone, signals_per_day, timeframe FROM signal_configs"
            )
        ).one()
        symbols = connection.execute(
            text("SELECT symbol, token, is_primary, role, timeframe FROM signal_symbols ORDER BY symbol")
        )
        rules = connection.execute(
            text("SELECT side, rule_type, symbol, parameter, correlation_threshold FROM signal_entry_rules ORDER BY side, place")
        )
        assert tuple(config) == (
            *("classic", "Intraday", True, 15, "Bar close", "Both", "Live", "Mon Tue Wed Thu Fri", 570, 960),
            *("America/New_York", 1000, "15min"),
        )
        assert [tuple(row) for row in symbols] == [
            ("MES", None, True, "Primary", "15min"),
            ("VIX", 13_455_763, False, "Partner", "15min"),
        ]
        assert [tuple(row) for row in rules] == [
            ("Long", "PriceAbove", "MES", "SH", None),
            ("Long", "PriceBelow", "VIX", "SL", None),
            ("Long", "Correlation", "VIX", None, -0.7),
            ("Short", "PriceBelow", "MES", "SL", None),
            ("Short", "PriceAbove", "VIX", "SH", None),
            ("Short", "Correlation", "VIX", None, -0.7),
        ]
        if engine.dialect.name == "postgresql":
            seen = connection.execute(text("SELECT name, created_at FROM public.signal_configs")).one()
            assert (seen.name, seen.created_at) == ("classic", NOON)


def test_rules_of_ones_own_are_conditions_in_words(open_scans: OpenScans, tmp_path: Path) -> None:
    own = """
name = "own"
strategy = "rules"
timeframe = "15min"
target = "none"
[symbols]
primary = "SPY"
partners = ["VIX"]
[entry]
long = [
    { left = "close", op = ">", right = "swing(3).high" },
    { left = "rsi(14)", op = "<", right = 30 },
    { any = [{ left = "close", op = ">", right = "sma(20)" }, { not = { left = "VIX@60min close", op = ">", right = 20 } }] },
]
[exit]
long = [{ left = "close", op = "breaks_below", right = "SL" }]
[stop]
percent = 2
"""
    store = open_scans(tmp_path)
    made = store.create(ScanContent(load_ruleset(own, "own"), own, {}), by())
    engine = store._engine
    with engine.connect() as connection:
        entry = [
            tuple(row)
            for row in connection.execute(text("SELECT rule_type, parameter, text FROM signal_entry_rules ORDER BY place"))
        ]
        leave = [tuple(row) for row in connection.execute(text("SELECT side, rule_type, parameter FROM signal_exit_rules"))]
        frames = connection.execute(text("SELECT symbol, timeframe, is_primary FROM signal_symbols ORDER BY symbol, timeframe"))
        assert [tuple(row) for row in frames] == [("SPY", "15min", True), ("VIX", "60min", False)]
    store.close()
    assert made.name == "own"
    assert entry == [
        ("PriceAbove", "swing(3).high", "SPY close is above SPY swing(3).high[1]"),
        ("Condition", None, "SPY rsi(14) is below 30"),
        ("Condition", None, "(SPY close is above SPY sma(20) or not (VIX@60min close is above 20))"),
    ]
    assert leave == [("Long", "PriceBelow", "SL")]


def test_a_history_cannot_be_replaced_row_by_row(tmp_path: Path) -> None:
    store = SqlScans(tmp_path)
    store.create(content(), by())
    store.close()
    engine = open_database(tmp_path, Database.SETTINGS)
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text("INSERT OR REPLACE INTO signal_config_changes SELECT * FROM signal_config_changes"))
    engine.dispose()


def test_a_copy_has_all_of_it_and_never_rewrites_a_history(tmp_path: Path) -> None:
    source, target = tmp_path / "files", Place(tmp_path / "there", new_database(), "shop/own")
    store = SqlScans(source)
    made = store.create(content(), by())
    engines = open_database(source, Database.SETTINGS), open_database(target, Database.SETTINGS)
    copy_settings(*engines, ("", target.name))
    other = SqlScans(target)
    assert other.all() == (made,)
    changed = store.edit(made, content("classic", "[scan]", 'mode = "virtual"'), by("bob"))
    copy_settings(*engines, ("", target.name))
    assert (other.all(), other.changes()) == ((changed,), store.changes())
    other.activate(changed, by("cid"), active=False)
    with pytest.raises(UserError, match="changes of scans that the source does not know"):
        copy_settings(*engines, ("", target.name))
    assert not other.all()[0].active
    for each in (store, other, *engines):
        each.close() if isinstance(each, SqlScans) else each.dispose()
