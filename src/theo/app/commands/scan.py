"""`theo scan`: listing, showing, changing and carrying scan configurations."""

import sys
from collections.abc import Sequence
from difflib import unified_diff
from pathlib import Path

import msgspec

from theo.app.home.layout import Home, open_home
from theo.app.inbox.going_on import told_of_change, told_of_switch
from theo.app.rulesets import scans
from theo.app.rulesets.finding import is_file, ruleset_text
from theo.app.rulesets.stored_scans import as_read, history, listed, named, ruleset_of
from theo.app.terminal.output import json_text
from theo.app.times import clock, iso
from theo.domain.errors import TheoError, UserError
from theo.ports.scans import Scan, ScanChange
from theo.strategy.relation import sign_warnings


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A scan for people and machines; times in UTC. ``problem`` says why this build does not take it any more."""

    id: int
    name: str
    active: bool
    version: str
    change: int
    created_at: str
    updated_at: str
    user: str
    primary: str = ""
    traded: str = ""
    partners: list[str] = []
    timeframe: str = ""
    every_minutes: int = 0
    sides: str = ""
    mode: str = ""
    placeholder: str = ""
    option_type: str = ""
    option_category: str = ""
    expiry: str = ""
    signals_per_day: int = 0
    window: str = ""
    problem: str = ""
    document: str = ""


class ChangeShown(msgspec.Struct, frozen=True):
    """A change of a scan; the time in UTC."""

    id: int
    change: int
    at: str
    user: str
    action: str
    reason: str
    before: str | None
    after: str | None


class Edit(msgspec.Struct, frozen=True):
    """What is to be changed: a whole file, or values; and the change that was read, 0 for the newest."""

    file: Path | None
    values: tuple[str, ...]
    change: int


def run_init(path: Path, *, json: bool) -> int:
    """Make the classic scan once."""
    scan, made = scans.seeded(open_home(path))
    return _done(scan, "created" if made else "is there already", json=json)


def run_list(path: Path, *, json: bool) -> int:
    """A line for each scan."""
    shown = [_shown(scan) for scan in listed(open_home(path))]
    if json:
        print(json_text(shown))
        return 0
    width = max((len(each.name) for each in shown), default=0)
    print("\n".join(_line(each, width) for each in shown) or "no scan yet: `theo scan init` makes the classic one")
    return 0


def run_show(path: Path, name: str, *, json: bool) -> int:
    """Its document and what is known of it."""
    scan = named(open_home(path), name)
    shown = msgspec.structs.replace(_shown(scan), document=scan.document)
    if json:
        print(json_text(shown))
        return 0
    print(_line(shown))
    print(f"change {shown.change} by {shown.user} at {clock(scan.updated_at)} New York, made {clock(scan.created_at)}\n")
    print(scan.document, end="")
    return 0


def run_create(path: Path, what: str, origin: str, values: Sequence[str], *, reason: str, json: bool) -> int:
    """Of a file, or of another rule set under a name of its own."""
    home = open_home(path)
    of_file = is_file(what)
    if of_file == bool(origin):
        remedy = f"Name one of the two: theo scan create {what}" + ("" if of_file else " --from mes-vix-inverse")
        raise UserError(f"{what} is {'a file, and --from says another' if of_file else 'no file'}", remedy=remedy)
    text = ruleset_text(origin or what, home)
    if values:
        text = scans.with_values(text, values, origin or what)
    return _done(_warned(scans.create(home, "" if of_file else what, text, what, scans.By(reason))), "created", json=json)


def run_edit(path: Path, name: str, edit: Edit, *, reason: str, json: bool) -> int:
    """Put a file or other values in the place of what was read."""
    home = open_home(path)
    if (edit.file is None) == (not edit.values):
        raise UserError("nothing is to be changed, or twice", remedy="Name --file FILE, or --set KEY=VALUE once or more")
    read = as_read(home, named(home, name), edit.change)
    if edit.file is not None:
        text, where = ruleset_text(str(edit.file), home), str(edit.file)
    else:
        text, where = scans.with_values(read.document, edit.values, name), f"scan {name}"
    done = _warned(scans.edit(home, read, text, where, scans.By(reason)))
    return _done(_reached(home, done), "unchanged" if done.number == read.number else "changed", json=json)


def run_activate(path: Path, name: str, *, reason: str, active: bool, json: bool) -> int:
    """Enable or disable."""
    home = open_home(path)
    read = named(home, name)
    done = scans.activate(home, read, scans.By(reason), active=active)
    for told in told_of_switch(home, done, reason) if done.number != read.number else ():
        print(told, file=sys.stderr)
    return _done(done, "enabled" if active else "disabled", json=json)


def run_delete(path: Path, name: str, *, reason: str, json: bool) -> int:
    """Take it away."""
    home = open_home(path)
    scan = named(home, name)
    scans.remove(home, scan, scans.By(reason))
    return _done(scan, "deleted; its history stays", json=json)


def run_history(path: Path, name: str, *, json: bool) -> int:
    """Each change with the lines that it changed."""
    changes = history(open_home(path), name)
    if json:
        told = [ChangeShown(c.id, c.number, iso(c.at), c.user_name, c.action, c.reason, c.before, c.after) for c in changes]
        print(json_text(told))
        return 0
    for change in changes:
        why = f": {change.reason}" if change.reason else ""
        print(f"{change.number}  {clock(change.at)}  {change.action}  {change.user_name}{why}")
        print("".join(f"    {line}\n" for line in _difference(change)), end="")
    return 0


def _difference(change: ScanChange) -> list[str]:
    """The lines that an edit took away and put in; of a whole document none."""
    if change.before is None or change.after is None:
        return []
    before, after = change.before.splitlines(), change.after.splitlines()
    return [line for line in unified_diff(before, after, n=0, lineterm="") if not line.startswith(("---", "+++", "@@"))]


def run_export(path: Path, name: str, file: Path) -> int:
    """Write the document."""
    text = named(open_home(path), name).document
    if str(file) == "-":
        print(text, end="")
        return 0
    try:
        with file.open("x", encoding="utf-8") as target:
            target.write(text)
    except OSError as error:
        raise UserError("cannot be written", where=str(file), why=str(error.strerror), remedy="Name a new file") from error
    print(f"{name} is in {file}")
    return 0


def run_import(path: Path, files: Sequence[Path], *, reason: str, json: bool) -> int:
    """Check every file, then store each."""
    home = open_home(path)
    texts = [(str(file), ruleset_text(str(file), home)) for file in files]
    names = [scans.checked(home, text, where).ruleset.name for where, text in texts]
    if len(set(names)) != len(names):
        raise UserError(f"two files have one name: {', '.join(sorted(names))}", remedy="Name each scan once")
    there = {scan.name: scan for scan in listed(home)}
    for name, (where, text) in zip(names, texts, strict=True):
        if name in there:
            done = _reached(home, scans.edit(home, there[name], text, where, scans.By(reason)))
            said = "unchanged" if done == there[name] else "changed"
        else:
            done, said = scans.create(home, "", text, where, scans.By(reason)), "created"
        _done(_warned(done), said, json=json)
    return 0


def _warned(scan: Scan) -> Scan:
    for warning in sign_warnings(ruleset_of(scan)):
        print(f"warning: {warning}", file=sys.stderr)
    return scan


def _reached(home: Home, done: Scan) -> Scan:
    """What a change does not reach is said: a run that goes on trades by the scan as it was."""
    for warning in told_of_change(home, done):
        print(f"warning: {warning}", file=sys.stderr)
    return done


def _done(scan: Scan, said: str, *, json: bool) -> int:
    shown = _shown(scan)
    print(json_text(shown) if json else f"{scan.name} ({scan.version}): {said}, change {scan.number}")
    return 0


def _shown(scan: Scan) -> Shown:
    plain = Shown(
        id=scan.id,
        name=scan.name,
        active=scan.active,
        version=scan.version,
        change=scan.number,
        created_at=iso(scan.created_at),
        updated_at=iso(scan.updated_at),
        user=scan.user_name,
    )
    try:
        ruleset = ruleset_of(scan)
    except TheoError as error:
        return msgspec.structs.replace(plain, problem=str(error))
    return msgspec.structs.replace(
        plain,
        primary=ruleset.naming.primary,
        traded=ruleset.naming.ordered,
        partners=list(ruleset.naming.partners),
        timeframe=ruleset.naming.timeframe,
        every_minutes=ruleset.scan.every_minutes,
        sides=ruleset.sides,
        mode=ruleset.scan.mode,
        placeholder=ruleset.scan.placeholder,
        option_type=ruleset.scan.option_type,
        option_category=ruleset.scan.option_category,
        expiry=ruleset.scan.expiry,
        signals_per_day=ruleset.signals_per_day_max,
        window=ruleset.window.words(),
    )


def _line(shown: Shown, width: int = 0) -> str:
    state = "active  " if shown.active else "disabled"
    name = f"{shown.name:{width}}"
    if shown.problem:
        return f"{name}  {state}  {shown.version}  {shown.problem}"
    partners = f" with {', '.join(shown.partners)}" if shown.partners else ""
    often = f"every {shown.every_minutes} min" if shown.every_minutes else "every bar close"
    sides = "long and short" if shown.sides == "both" else shown.sides
    becomes = f" as {shown.traded}" if shown.traded != shown.primary else ""
    kind = " ".join(word for word in (shown.placeholder, shown.option_category, shown.option_type, shown.expiry) if word)
    becomes += f" ({kind})" if kind else ""
    what = f"{shown.primary}{partners}{becomes}, {shown.timeframe}, {often}, {sides}, {shown.mode}"
    return f"{name}  {state}  {shown.version}  {what}; {shown.window}"
