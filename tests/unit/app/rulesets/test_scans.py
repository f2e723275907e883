"""`theo scan` at the command line: what is refused, what is kept, and where a scan's name may stand."""

import json
from pathlib import Path

import msgspec
import pytest

from tests.api.home import TREND, make_home
from tests.unit.app.conftest import Theo
from theo.adapters.ib.probe import Probed
from theo.adapters.sql.database.traces import file_of
from theo.app.configuration.file import configured
from theo.app.home.layout import open_home
from theo.app.home.projecting import listings
from theo.app.home.projecting import scan_ids as recorded_ids
from theo.app.rulesets.finding import find_ruleset, scan_ids, shipped_text
from theo.app.rulesets.scans import renamed, with_values
from theo.app.rulesets.stored_scans import listed, named
from theo.app.rulesets.unheeded import refuse_unheeded
from theo.app.runs.live_plans import beside_plan, live_plan, only_virtual, virtual_plan
from theo.domain.errors import ConfigError, UserError
from theo.domain.instrument import MICROS, Instrument, SecurityType
from theo.risk.limits import Limits
from theo.strategy.option_choice import CategorySplit

NOON = 1_700_000_000_000_000


@pytest.fixture
def home(tmp_path: Path, theo: Theo) -> Path:
    """A home with the classic scan."""
    assert theo("--home", tmp_path, "scan", "init").code == 0
    return tmp_path


def in_file(folder: Path, *values: str) -> str:
    """The classic one with other values, in a file that nobody has checked."""
    file = folder / "unchecked.toml"
    file.write_text(with_values(shipped_text("mes-vix-inverse"), values, "shipped"), encoding="utf-8")
    return str(file)


def test_the_classic_scan_is_made_once_and_is_the_owners(home: Path, theo: Theo) -> None:
    again = theo("--home", home, "scan", "init", "--json")
    shown = json.loads(again.out)
    assert (shown["name"], shown["change"], shown["primary"], shown["partners"]) == ("classic", 1, "MES", ["VIX"])
    ruleset, text, kind = find_ruleset("classic", open_home(home))
    shipped, _, _ = find_ruleset("mes-vix-inverse", open_home(home))
    assert (ruleset.rules, ruleset.relation, ruleset.stop, kind) == (shipped.rules, "inverse", shipped.stop, None)
    assert text == shipped_text("mes-vix-inverse").replace('"mes-vix-inverse"', '"classic"')


@pytest.mark.parametrize("day", ["2029-12-31", "9999-12-31"])
def test_a_scan_may_end_years_from_now(home: Path, theo: Theo, day: str) -> None:
    assert theo("--home", home, "scan", "edit", "classic", "--set", f"trading.valid_until={day}").code == 0
    assert json.loads(theo("--home", home, "scan", "show", "classic", "--json").out)["window"].count(day) == 1


def test_a_file_may_begin_with_the_mark_that_some_editors_write(home: Path, theo: Theo) -> None:
    file = home / "marked.toml"
    file.write_text(shipped_text("spy-vix").replace('"spy-vix"', '"marked"'), encoding="utf-8-sig")
    said = theo("--home", home, "scan", "import", file)
    assert (said.code, named(open_home(home), "marked").document[:1]) == (0, "#"), said.err


def test_a_name_that_no_file_can_have_is_refused_as_a_name(home: Path, theo: Theo) -> None:
    long = "n" * 300
    said = theo("--home", home, "scan", "create", long, "--from", "spy-vix")
    assert (said.code, "at most 64" in said.err) == (2, True), said.err
    asked = theo("--home", home, "scan", "test", long)
    assert (asked.code, "no rule set" in asked.err) == (2, True), asked.err


def test_scans_are_listed_below_each_other_with_what_a_signal_becomes(home: Path, theo: Theo) -> None:
    option = ("scan.placeholder=OPTION", "scan.option_category=ITM", "scan.expiry=weekly", "trading.signals_per_day=3")
    given = [word for each in option for word in ("--set", each)]
    assert theo("--home", home, "scan", "create", "calls and puts", "--from", "spy-vix", *given).code == 0
    first, second = theo("--home", home, "scan", "list").out.splitlines()
    assert first.index("active") == second.index("active") == len("calls and puts") + 2
    assert "SPY with VIX (OPTION ITM weekly), 15min" in first
    shown = json.loads(theo("--home", home, "scan", "show", "calls and puts", "--json").out)
    told = [shown[name] for name in ("placeholder", "option_category", "option_type", "expiry", "signals_per_day")]
    assert told == ["OPTION", "ITM", "", "weekly", 3]


def test_everything_that_is_wrong_is_said_at_once_and_nothing_is_stored(home: Path, theo: Theo) -> None:
    wrong = ("scan.option_type=CALL", "scan.every_minutes=20", "trading.valid_until=2020-01-31", 'trading.days=["Sat"]')
    said = theo("--home", home, "scan", "edit", "classic", *(word for value in wrong for word in ("--set", value)))
    assert said.code == 2
    for key in ("scan.option_type", "scan.every_minutes", "trading.valid_until", "trading.days"):
        assert f"scan classic: {key}: " in said.err
    assert named(open_home(home), "classic").number == 1


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["trading.from=15:00", "trading.to=10:00"], "runs over midnight"),
        (["trading.from=04:00", "trading.to=09:00"], "allow no entry"),
        (['trading.days=["Sun"]'], "no 15min bar of MES's sessions ends"),
        (["symbols.primary=VIX", 'symbols.partners=["MES"]'], "VIX cannot be traded"),
        (["symbols.traded=VIX"], "symbols.traded: VIX cannot be traded"),
        (["symbols.traded=SPZ"], "symbols.traded: SPZ is not known"),
        (["symbols.primary=MESS"], "Did you mean 'MES'"),
        (["trading.zone=Mars/Base"], "America/New_York"),
        (["scan.placeholder=ETF"], "scan.placeholder: is ETF (MES, which is traded, is of type FUT)"),
        (["scan.placeholder=CASH"], "is of type FUT"),
        (["symbols.traded=SPY", "scan.placeholder=FUT"], "scan.placeholder: is FUT (SPY, which is traded, is of type ETF)"),
        (
            ["symbols.traded=SPY", "scan.placeholder=OPTION", "scan.option_category=FUT", "scan.expiry=monthly"],
            "scan.placeholder: is OPTION of category FUT (SPY, which is traded, is of type ETF)",
        ),
        (["name=spy"], "names itself 'spy', not 'classic'"),
    ],
)
def test_hours_and_symbols_that_can_never_be_are_refused(home: Path, theo: Theo, values: list[str], words: str) -> None:
    said = theo("--home", home, "scan", "edit", "classic", *(word for value in values for word in ("--set", value)))
    assert (said.code, words in said.err) == (2, True), said.err


def test_a_name_of_a_shipped_rule_set_or_one_that_is_taken_is_refused(home: Path, theo: Theo) -> None:
    for name in ("classic", "spy-vix"):
        assert theo("--home", home, "scan", "create", name, "--from", "spy-vix").code == 2
    assert [scan.name for scan in listed(open_home(home))] == ["classic"]


def test_each_change_is_in_the_audit_trail(home: Path, theo: Theo) -> None:
    assert theo("--home", home, "scan", "disable", "classic", "--reason", "holiday").code == 0
    assert theo("--home", home, "scan", "delete", "classic", "--reason", "done").code == 0
    trail = [json.loads(line) for line in theo("--home", home, "audit", "list", "--json").out.splitlines()]
    assert [(entry["action"], entry["subject"]) for entry in trail] == [
        ("scan create", "classic"),
        ("scan disable", "classic"),
        ("scan delete", "classic"),
    ]
    told = json.loads(theo("--home", home, "scan", "history", "classic", "--json").out)
    assert [(change["action"], change["reason"]) for change in told][1:] == [("disable", "holiday"), ("delete", "done")]


def test_a_changed_document_in_the_database_is_not_traded_by(home: Path) -> None:
    import sqlite3

    with sqlite3.connect(file_of(home, "settings")) as raw:
        raw.execute("UPDATE signal_configs SET document = replace(document, '0.7', '0.1')")
    raw.close()
    with pytest.raises(UserError, match="is not the one that was stored"):
        find_ruleset("classic", open_home(home))


def test_a_disabled_scan_and_what_is_not_heeded_yet_are_not_traded(home: Path, theo: Theo) -> None:
    assert theo("--home", home, "scan", "disable", "classic").code == 0
    said = theo("--home", home, "paper", "classic")
    assert (said.code, "theo scan enable classic" in said.err) == (2, True)


def test_a_stored_scan_is_known_by_its_number_where_it_is_traded_as_it_is_stored(home: Path) -> None:
    opened = open_home(home)
    (ruleset, text, _), (shipped, its_text, _) = (find_ruleset(name, opened) for name in ("classic", "mes-vix-inverse"))
    assert scan_ids(opened, [(ruleset, text), (shipped, its_text)]) == {"classic": 1}
    assert scan_ids(opened, [(ruleset, text + "# another")]) == {}


def test_what_a_run_says_of_its_signals_is_read_from_its_record() -> None:
    instruments = [
        Instrument(id=i, symbol=kind, token=i, security_type=kind, exchange=exchange, calendar="NYSE", contract_size=i)
        for i, kind, exchange in (
            (1, SecurityType.FUT, "CME"),
            (2, SecurityType.STK, "NASDAQ"),
            (3, SecurityType.OPT, "CBOE"),
            (4, SecurityType.ETF, "LSE"),
        )
    ]
    for leverage, stocks in ((1.0, "CASH"), (2.0, "MARGIN"), ("unlimited", "MARGIN")):
        knew = {
            "versions": {},
            "instruments": instruments,
            "scan_ids": {"classic": 3},
            "limits": Limits(stock_leverage_max=leverage),
        }
        world = msgspec.json.encode(knew).decode()
        assert listings(world) == {
            1: ("CME", "MARGIN", 1),
            2: ("NASDAQ", stocks, 2),
            3: ("CBOE", "CASH", 3),
            4: (None, stocks, 4),
        }
        assert recorded_ids(world) == {"classic": 3}


def test_a_scan_of_virtual_mode_is_in_no_plan_of_a_broker(home: Path, theo: Theo) -> None:
    opened = open_home(home)
    probed = Probed(account="DU1", cash=100_000 * MICROS, currency="USD", clock_offset=0)
    settings = configured(opened.configuration)
    live = live_plan(opened, settings, ["classic"], probed, NOON)
    assert live.scan_ids == {"classic": 1}
    assert beside_plan(opened, settings, ["classic"], live, NOON) is None
    assert theo("--home", home, "scan", "edit", "classic", "--set", "scan.shadow=true").code == 0
    both = live_plan(opened, settings, ["classic"], probed, NOON)
    shadow = beside_plan(opened, settings, ["classic"], both, NOON)
    assert shadow is not None
    assert (both.key.run, shadow.key.run) == ("paper-DU1", "paper-DU1-virtual")
    assert (str(shadow.key.mode), shadow.key.account, shadow.cash) == ("virtual", "SIM", both.cash)
    assert shadow.rulesets == both.rulesets  # the same version: what is compared is the same strategy
    edited = theo("--home", home, "scan", "edit", "classic", "--set", "scan.mode=virtual")
    assert (edited.code, "is the simulated exchange already" in edited.err) == (2, True)
    assert theo("--home", home, "scan", "edit", "classic", "--set", "scan.mode=virtual", "--set", "scan.shadow=false").code == 0
    assert only_virtual(opened, ["classic"])
    alone = virtual_plan(opened, settings, ["classic"], probed, NOON)
    assert (alone.key.run, str(alone.key.mode), alone.key.account) == ("virtual-DU1", "virtual", "SIM")
    with pytest.raises(ConfigError, match="MES, which is traded, is of type FUT"):
        live_plan(opened, settings, [in_file(home, "scan.placeholder=ETF")], probed, NOON)
    becomes = ("--set", "scan.placeholder=ETF", "--set", "symbols.traded=SPY")
    assert theo("--home", home, "scan", "edit", "classic", "--set", "scan.mode=live", *becomes).code == 0
    assert {need.instrument.symbol for need in live_plan(opened, settings, ["classic"], probed, NOON).series()} == {
        "MES",
        "VIX",
        "SPY",
    }
    assert "MES with VIX as SPY (ETF), 15min" in theo("--home", home, "scan", "list").out
    option = ("scan.placeholder=OPTION", "scan.option_category=ITM", "scan.expiry=weekly")
    assert theo("--home", home, "scan", "edit", "classic", *(word for each in option for word in ("--set", each))).code == 0
    plan = live_plan(opened, settings, ["classic"], probed, NOON)
    assert set(plan.options) == {"SPY-CALL-ITM-weekly", "SPY-PUT-ITM-weekly"} <= set(plan.instruments)
    assert plan.options["SPY-CALL-ITM-weekly"].split == CategorySplit()


def test_options_that_cannot_be_traded_are_refused_in_words(home: Path, theo: Theo) -> None:
    opened = open_home(home)
    probed = Probed(account="DU1", cash=100_000 * MICROS, currency="USD", clock_offset=0)
    opened.configuration.write_text("[options.SPX]\nnear = 50\nfar = 150\nput = { near = 60 }\n", encoding="utf-8")
    settings = configured(opened.configuration)
    option = ("scan.placeholder=OPTION", "scan.option_category=OTM", "scan.expiry=monthly")

    def edit(*words: str) -> tuple[int, str]:
        done = theo("--home", home, "scan", "edit", "classic", *(word for each in words for word in ("--set", each)))
        return done.code, done.err

    code, text = edit(*option)
    assert (code, "no options on MES are traded" in text) == (2, True), text
    assert edit(*option, "symbols.traded=SPX") == (0, "")
    plan = live_plan(opened, settings, ["classic"], probed, NOON)
    splits = {front.right: (int(front.split.near), int(front.split.far)) for front in plan.options.values()}
    assert splits == {"CALL": (50, 150), "PUT": (60, 150)}
    backtest = theo("--home", home, "backtest", "classic")
    assert (backtest.code, "no stored bars are of options" in backtest.err) == (2, True), backtest.err
    assert edit("symbols.traded=SPY")[0] == 0
    of_spy = live_plan(opened, settings, ["classic"], probed, NOON)
    with pytest.raises(ConfigError, match="no prices of options are known: SPY itself is traded"):  # as `theo paper` does
        refuse_unheeded([ruleset for ruleset, _ in of_spy.rulesets], of_spy.instruments)
    assert edit("scan.writing=true", "scan.option_type=PUT", "sides=long")[0] == 0
    with pytest.raises(ConfigError, match="options are bought, none are written"):
        live_plan(opened, settings, ["classic"], probed, NOON)
    future = ("scan.placeholder=OPTION", "scan.option_category=FUT", "scan.expiry=monthly", "symbols.traded=SPY")
    with pytest.raises(ConfigError, match="SPY, which is traded, is of type ETF"):
        live_plan(opened, settings, [in_file(home, *future)], probed, NOON)
    assert edit("scan.writing=", "scan.option_type=", "sides=", "scan.option_category=FUT", "symbols.traded=")[0] == 0
    assert not live_plan(opened, settings, ["classic"], probed, NOON).options  # the future itself


def test_a_scan_that_the_records_of_a_run_name_is_not_deleted(tmp_path: Path, theo: Theo) -> None:
    place = make_home(tmp_path)
    for name in ("trend", "other"):
        (tmp_path / f"{name}.toml").write_text(TREND.replace('"trend"', f'"{name}"'))
        assert theo("--home", place, "scan", "create", tmp_path / f"{name}.toml").code == 0
    assert theo("--home", place, "backtest", "other").code == 0
    refused = theo("--home", place, "scan", "delete", "other", "--reason", "x")
    assert (refused.code, "records of 1 runs name the scan 'other'" in refused.err) == (2, True), refused.err
    assert "theo scan disable other" in refused.err
    assert theo("--home", place, "scan", "delete", "trend", "--reason", "x").code == 0
    assert [scan.name for scan in listed(open_home(place))] == ["other"]
    signals = json.loads(theo("--home", place, "signal", "list", "--json").out)
    assert {(one["strategy"], one["scan"], one["symbol"]) for one in signals} == {("other", 2, "SPY")}
    one = theo("--home", place, "signal", "show", signals[0]["id"]).out
    assert "scan      2" in one
    listing = theo("--home", place, "signal", "list", "--count", "3", "--strategy", "other").out
    assert listing.count("other: e") == 3


def test_asking_for_scans_makes_no_database(tmp_path: Path, theo: Theo) -> None:
    assert theo("--home", tmp_path, "scan", "list").code == 0
    assert theo("--home", tmp_path, "scan", "show", "classic").code == 2
    assert not file_of(tmp_path, "settings").exists()
    with pytest.raises(ConfigError, match="no rule set 'classic'"):
        find_ruleset("classic", open_home(tmp_path))


def test_values_are_read_as_toml_or_as_text() -> None:
    text = with_values('a = 1\n[b]\nc = "x"\n', ["b.from=09:30", "b.c=", "b.n=2", "b.l=[1, 2]", "d.e=true", "a=weekly"], "x")
    assert text == 'a = "weekly"\n\n[b]\nfrom = "09:30"\nn = 2\nl = [1, 2]\n\n[d]\ne = true\n'
    for wrong in ("a", "=1", "a.b=1"):
        with pytest.raises(UserError):
            with_values("a = 1\n", [wrong], "x")


def test_only_the_name_is_changed_where_it_stands_in_a_line() -> None:
    assert renamed('# x\nname = "a"  # b\n[t]\nname = "c"\n', "d", "x") == '# x\nname = "d"  # b\n[t]\nname = "c"\n'
    assert renamed('x = 1\n[t]\nname = "c"\n', 'q"', "x") == 'x = 1\nname = "q\\""\n\n[t]\nname = "c"\n'
