"""`theo status`: what is running, open and halted, and how fresh the data is."""

from pathlib import Path

import msgspec

from theo.app.exit_codes import EXIT_PROBLEM
from theo.app.home.journals import HOW_TO_BEGIN, commanded_folders, journal_folders, usual_folder
from theo.app.home.layout import Home, open_home
from theo.app.inbox.sending import CONFIRM_WAIT_S_MAX
from theo.app.recorded.standing import OpenTrade, Standing, standing, stop_files
from theo.app.terminal.output import json_text
from theo.app.terminal.wide_table import table_lines
from theo.app.times import clock, parse_time
from theo.report.stages import Stage, StageState

INDENT = "  "
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400


class Status(msgspec.Struct, frozen=True):
    """The home: its STOP files, and every run that may trade."""

    home: str
    stop_files: list[str]
    runs: list[Standing]


def run(path: Path, *, json: bool) -> int:
    """Tell it; exit code 1 when a run cannot be read."""
    home = open_home(path)
    status = Status(str(home.path), [str(file) for file in stop_files(home)], [standing(home, f) for f in _shown(home)])
    if json:
        print(json_text(status))
    else:
        print("\n".join(_lines(status)))
    return EXIT_PROBLEM if any(run.problem for run in status.runs) else 0


def _shown(home: Home) -> list[Path]:
    """Runs that take commands, and the newest one in any case."""
    found = dict.fromkeys(commanded_folders(home))
    if journal_folders(home):
        found[usual_folder(home)] = None
    return list(found)


def _lines(status: Status) -> list[str]:
    lines = [f"home {status.home}"]
    lines += [f"STOP file {file}: {_first_line(Path(file))}" for file in status.stop_files]
    if not status.runs:
        lines.append(f"no run is recorded yet: {HOW_TO_BEGIN}")
    for run_standing in status.runs:
        lines += ["", *_run_lines(run_standing, _halting(status, run_standing))]
    return lines


def _halting(status: Status, run_standing: Standing) -> bool:
    """Whether one of the STOP files is this run's concern: another run's own file is not."""
    places = {status.home, run_standing.folder, str(Path.cwd())}
    return any(str(Path(file).parent) in places for file in status.stop_files)


def _first_line(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip().partition("\n")[0]
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def _run_lines(run: Standing, stop_file: bool) -> list[str]:  # noqa: FBT001 - one flag, one caller
    running = "not running" if run.process is None else f"running, process {run.process}"
    if run.problem:
        return [f"{run.run}: {running}", f"{INDENT}problem: {run.problem}"]
    if not run.at:
        return [f"{run.run}: {running}", f"{INDENT}nothing is recorded yet"]
    trading = _trading(run, stop_file)
    written = f"last record {clock(parse_time(run.at))} New York, written {age(run.written_s)} ago"
    equity = "" if run.equity is None else f"equity {run.equity:,.2f} USD"
    lines = [
        f"{run.run}: {run.account} {run.mode.upper()}, {running}",
        *(INDENT + line for line in trading),
        f"{INDENT}{equity}; {written}",
    ]
    lines += [f"{INDENT}{price.symbol} {price.price}, from {clock(parse_time(price.at))} New York" for price in run.prices]
    lines += [f"{INDENT}{each.symbol} trades in {each.contract}{_next(each.following)}" for each in run.contracts]
    lines += [INDENT + line for line in _series_lines(run)]
    lines += [INDENT + line for line in _stage_lines(run.stages)]
    lines += [INDENT + line for line in _trade_lines(run.open_trades)]
    lines.append(f"{INDENT}{_waiting(run)}" if _waiting(run) else "")
    lines += [f"{INDENT}{alert.severity} {clock(parse_time(alert.at))}: {alert.text}" for alert in run.alerts]
    return [line for line in lines if line]


def _waiting(run: Standing) -> str:
    """The commands that nobody has carried out yet; "" while a running trader has only just been asked."""
    names = ", ".join(run.waiting)
    if run.process is None:
        return f"waiting for the next start: {names}" if names else ""
    late = names and run.waiting_s > CONFIRM_WAIT_S_MAX
    return f"BEHIND: the trader runs and does not take its commands, for {age(run.waiting_s)}: {names}" if late else ""


def _trading(run: Standing, stop_file: bool) -> list[str]:  # noqa: FBT001 - one flag, one caller
    """What keeps new risk out, or that nothing does."""
    reasons = []
    if run.halted:
        reasons.append(f"HALTED, {run.halted}")
    elif stop_file:
        reasons.append("HALTED by a STOP file")
    if run.breaker:
        reasons.append(f"BREAKER tripped, {run.breaker}; holds until {clock(parse_time(run.breaker_until))} New York at least")
    if not run.link_up:
        reasons.append("the link to the broker is down")
    if not run.books_agree:
        reasons.append("waits until the broker's books and ours agree")
    return reasons or ["new risk is allowed"]


def _series_lines(run: Standing) -> list[str]:
    """One line for all that is trusted, one for each series whose signals are refused."""
    if run.series_problem:
        return [f"trust of its data is not known: {run.series_problem}"]
    good = dict.fromkeys(one.text for one in run.series if one.trusted)
    bad = dict.fromkeys(one.text for one in run.series if not one.trusted)
    return ["; ".join(good), *(f"{text}: its signals are refused" for text in bad)]


def _stage_lines(stages: list[Stage]) -> list[str]:
    """One line for all that are well, one for each that is late."""
    late = [stage for stage in stages if stage.state is StageState.LATE]
    well = ", ".join(f"{_stage_name(stage)} {stage.state}" for stage in stages if stage not in late)
    lines = [f"{_stage_name(each)} LATE{_lag(each)}: {each.text}. {each.remedy}" for each in late]
    return [f"stages: {well}", *lines] if well and any(stage.state is not StageState.STOPPED for stage in stages) else lines


def _stage_name(stage: Stage) -> str:
    return f"{stage.name} ({stage.of})" if stage.of else stage.name


def _lag(stage: Stage) -> str:
    return "" if stage.lag_s is None else f" by {age(stage.lag_s)}"


def _next(following: str) -> str:
    return f", the next is {following}" if following else ""


def _trade_lines(trades: list[OpenTrade]) -> list[str]:
    if not trades:
        return ["no open trade"]
    names = ("trade", "symbol", "side", "open", "entry", "stop", "resting stop", "target", "P&L")
    rows = [
        (t.id, f"{t.symbol} {t.contract}".strip(), t.side, str(t.quantity), *_prices_of(t), f"{t.profit:+,.2f}") for t in trades
    ]
    return table_lines(names, rows, right={"open", "entry", "stop", "target", "P&L"})


def _prices_of(t: OpenTrade) -> tuple[str, str, str, str]:
    return t.entry, t.stop, t.stop_status, t.target or "-"


def age(seconds: float) -> str:
    """How long ago, in one unit."""
    for unit, length in (("d", DAY_S), ("h", HOUR_S), ("min", MINUTE_S)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s"
