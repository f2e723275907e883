"""Scan configurations of a home: checked as a whole before they are stored, with an entry in the audit trail for each change.

Raises UserError for what cannot be, naming every mistake at once; a change that another one overtook is refused.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final

import msgspec

from theo.adapters.calendars.stored import session_table
from theo.adapters.calendars.tables import zone_offsets
from theo.adapters.instruments.catalogue import Listed, catalogue
from theo.adapters.sql.settings.scans import SqlScans
from theo.adapters.system.clock import WallClock as MachineClock
from theo.app.home.auditing import note, who_asks
from theo.app.home.journals import journal_folders, run_name
from theo.app.home.layout import Home
from theo.app.home.projecting import projected
from theo.app.rulesets.finding import shipped_names, shipped_text
from theo.app.rulesets.stored_scans import changed_scans_of, day_text, listed
from theo.app.rulesets.unheeded import KINDS, kind_asked
from theo.app.times import day_number
from theo.domain.errors import ConfigError, ConflictError, TheoError, UserError
from theo.domain.nearest import nearest_names
from theo.drive.record import known
from theo.market.sessions import Hours
from theo.market.wall_clock import WallClock
from theo.ports.scans import Changing, Scan, ScanContent
from theo.strategy.loading import load_ruleset
from theo.strategy.mistakes import Mistakes
from theo.strategy.option_front import UNDERLYINGS
from theo.strategy.ruleset import RuleSet
from theo.strategy.scan_hours import LOOK_AHEAD_DAYS, MARGIN_DAYS, TABLES, judge_hours, judge_last_day
from theo.strategy.scan_terms import asks_options
from theo.strategy.toml_text import toml_text

CLASSIC: Final = "classic"  # the owner's scan: MES and VIX, 15 minutes, SH / SL, 0.7
CLASSIC_OF: Final = "mes-vix-inverse"
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")


class By(msgspec.Struct, frozen=True):
    """Why a scan is changed, and through what."""

    reason: str = ""
    through: str = "command line"

    @property
    def who(self) -> str:
        """Who changes it."""
        return who_asks(self.through)


PERSON: Final = By()


def create(home: Home, name: str, text: str, where: str, by: By = PERSON) -> Scan:
    """Store a new scan; ``name`` "" is the document's own, another name takes its place."""
    text = text if not name else renamed(text, name, where)
    content = checked(home, text, where)
    _refuse_name(content.ruleset.name)
    with changed_scans_of(home) as store:
        if store.named(content.ruleset.name) is None:
            note(home, "scan create", content.ruleset.name, _said(content, by.reason), who=by.who)
        return store.create(content, _changing(by))


def edit(home: Home, read: Scan, text: str, where: str, by: By = PERSON) -> Scan:
    """Put another document in its place; the same text changes nothing. Raises UserError for one with another name."""
    content = checked(home, text, where)
    if content.ruleset.name != read.name:
        raise UserError(
            f"the document names itself {content.ruleset.name!r}, not {read.name!r}",
            where=where,
            remedy=f'Write name = "{read.name}", or create another scan',
        )
    with changed_scans_of(home) as store:
        if text == read.document and store.named(read.name) == read:
            return read
        _note(home, store, read, by, "scan edit", _said(content, by.reason))
        return store.edit(read, content, _changing(by))


def activate(home: Home, read: Scan, by: By, *, active: bool) -> Scan:
    """Let it be scanned, which must be possible from now on, or no longer."""
    if active:
        checked(home, read.document, f"scan {read.name}")
    with changed_scans_of(home) as store:
        if read.active == active and store.named(read.name) == read:
            return read
        _note(home, store, read, by, "scan enable" if active else "scan disable", by.reason)
        return store.activate(read, _changing(by), active=active)


def remove(home: Home, read: Scan, by: By) -> None:
    """Take it away; its history stays. Raises ConflictError while the records of a run name it."""
    runs = runs_naming(home, read.name)
    if runs:
        raise ConflictError(
            f"the records of {len(runs)} runs name the scan {read.name!r}: {', '.join(runs[:3])}",
            remedy=f"Disable it: theo scan disable {read.name}",
        )
    with changed_scans_of(home) as store:
        _note(home, store, read, by, "scan delete", by.reason)
        store.delete(read, _changing(by))


def seeded(home: Home) -> tuple[Scan, bool]:
    """The owner's classic scan, and whether it was made now."""
    there = [scan for scan in listed(home) if scan.name == CLASSIC]
    if there:
        return there[0], False
    return create(home, CLASSIC, shipped_text(CLASSIC_OF), CLASSIC_OF, By("the owner's classic scan")), True


def runs_naming(home: Home, name: str) -> list[str]:
    """The runs whose records name a rule set."""
    found = []
    for folder in journal_folders(home):
        with projected(home, folder) as market:
            if any(name in known(str(row["world"])).rulesets for row in market.rows("runs")):
                found.append(run_name(home, folder))
    return found


def renamed(text: str, name: str, where: str) -> str:
    """The document with another name; only that line is changed where there is one."""
    line = re.compile(r'^name[ \t]*=[ \t]*"[^"\n]*"', re.MULTILINE)
    before_tables = text.split("\n[", 1)[0]
    if line.search(before_tables):
        return line.sub(lambda _: f"name = {toml_text({'x': name})[4:-1]}", text, count=1)
    return toml_text({**_content(text, where), "name": name})


def with_values(text: str, changes: Sequence[str], where: str) -> str:
    """The document with values in place of others: ``KEY=VALUE`` with dotted keys; ``KEY=`` takes a key away.

    A value is read as TOML, and as plain text where it is none, or a time of day. Raises UserError.
    """
    content = _content(text, where)
    for change in changes:
        key, equals, value = change.partition("=")
        if not equals or not key.strip():
            raise UserError(f"--set {change!r} sets nothing", remedy="Write KEY=VALUE: --set trading.to=15:00")
        *tables, last = key.strip().split(".")
        table = content
        for at, name in enumerate(tables):
            inner = table.setdefault(name, {})
            if not isinstance(inner, dict):
                raise UserError(f"{'.'.join(tables[: at + 1])} is no table", remedy="Set it whole")
            table = inner
        if value.strip():
            table[last] = _read_value(value.strip())
        else:
            table.pop(last, None)
    return toml_text(content)


def _content(text: str, where: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"is not TOML: {error}", where=where, remedy="Correct the line that is named") from error


def _read_value(text: str) -> object:
    try:
        value = tomllib.loads(f"x = {text}")["x"]
    except (tomllib.TOMLDecodeError, KeyError):
        return text
    return value if isinstance(value, str | bool | int | float | list | dict) else text


def checked(home: Home, text: str, where: str) -> ScanContent:
    """A document that can be stored now. Raises RuleSetError with everything that is wrong with it."""
    market, today = catalogue(home.instruments), MachineClock().now()
    ruleset = load_ruleset(text, where, lambda read, wrong: _judge(home, market, read, day_text(today), wrong))
    tokens = {symbol: market[symbol].instrument.token for symbol in ruleset.naming.symbols}
    return ScanContent(ruleset, text, tokens)


def _judge(home: Home, market: Mapping[str, Listed], ruleset: RuleSet, today: str, mistakes: Mistakes) -> None:
    naming = ruleset.naming
    if ruleset.strategy == "python":
        mistakes.add(
            "strategy",
            "is python",
            why="a class of your own lies in a file, and its rule set beside it",
            remedy="Name that file where a scan is asked for",
        )
    if ruleset.name and not NAME.fullmatch(ruleset.name):
        mistakes.add("name", f"is {ruleset.name!r}", remedy="Use letters, digits, blanks, dots, - and _, at most 64")
    for symbol in naming.symbols:
        if symbol and symbol not in market:
            named = {naming.primary: "symbols.primary", naming.traded: "symbols.traded"}
            key = named.get(symbol, "symbols.partners")
            remedy = f"{nearest_names(symbol, market)} Or add it to {home.instruments}"
            mistakes.add(key, f"{symbol} is not known", remedy=remedy)
    of_options = asks_options(ruleset.scan)
    if naming.ordered in market and not market[naming.ordered].instrument.tradable and not of_options:
        mistakes.add(
            "symbols.traded" if naming.traded else "symbols.primary",
            f"{naming.ordered} cannot be traded",
            why="an index is quoted by last only",
            remedy='Name a future or fund on it as what is traded: traded = "SPY"',
        )
    if naming.ordered in market and of_options and market[naming.ordered].instrument.security_type not in UNDERLYINGS:
        mistakes.add(
            "scan.placeholder",
            f"is OPTION, and no options on {naming.ordered} are traded",
            why="options on stocks, funds and indices are",
            remedy='Name such an underlying as what is traded: traded = "SPY"',
        )
    kind = kind_asked(ruleset)
    if naming.ordered in market and kind not in {"", "OPTION"}:
        traded = market[naming.ordered].instrument
        if traded.security_type not in KINDS[kind]:
            mistakes.add(
                "scan.placeholder",
                f"is {ruleset.scan.placeholder}" + (" of category FUT" if kind != ruleset.scan.placeholder else ""),
                why=f"{traded.symbol}, which is traded, is of type {traded.security_type}",
                remedy="Name as symbols.traded what a signal becomes, or take placeholder away",
            )
    if not mistakes.any_in(*TABLES):
        _judge_hours(home, market[naming.primary], ruleset, date.fromisoformat(today), mistakes)
    judge_last_day(ruleset, today, mistakes)


def _judge_hours(home: Home, primary: Listed, ruleset: RuleSet, today: date, mistakes: Mistakes) -> None:
    first, last = today - timedelta(days=MARGIN_DAYS), today + timedelta(days=LOOK_AHEAD_DAYS + MARGIN_DAYS)
    try:
        wall = WallClock(zone_offsets(ruleset.window.zone, first, last))
    except ConfigError as error:
        mistakes.take("trading.zone", error)
        return
    try:
        hours = Hours(session_table(primary.instrument.calendar, first, last, home.sessions), ruleset.session)
    except TheoError as error:
        mistakes.add("symbols.primary", error.what, why=error.why, remedy=error.remedy)
        return
    judge_hours(ruleset, hours, wall, day_number(today), mistakes)


def _refuse_name(name: str) -> None:
    """A name means one thing wherever a rule set is named."""
    if name in shipped_names():
        raise UserError(f"{name!r} is the name of a rule set that is shipped", remedy="Choose another name")


def _note(home: Home, store: SqlScans, read: Scan, by: By, action: str, detail: str) -> None:
    """In the audit trail, before it is done; what was overtaken is left to the store to refuse."""
    if store.named(read.name) == read:
        note(home, action, read.name, detail, who=by.who)


def _said(content: ScanContent, reason: str) -> str:
    return f"{content.ruleset.version}{f': {reason}' if reason else ''}"


def _changing(by: By) -> Changing:
    return Changing(MachineClock().now(), by.who, by.reason)
