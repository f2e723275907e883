"""`theo why SYMBOL TIME`: what was decided at the end of a bar, on which numbers, and what became of it."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from theo.adapters.sql.market.store import SqlMarketStore
from theo.app.home import open_home
from theo.app.journals import run_name, usual_folder
from theo.app.outcomes import SignalTold, became, outcome_lines
from theo.app.projecting import projected
from theo.app.times import clock, iso, parse_time
from theo.domain.errors import UserError
from theo.domain.signals import Evaluation
from theo.drive.record import known, recorded_ruleset
from theo.ports.market_store import Cell
from theo.strategy.explain import explain
from theo.strategy.ruleset import RuleSet

Row = Mapping[str, Cell]


def run(path: Path, symbol: str, time: str, *, run_id: str, config: str, json: bool) -> int:
    """Explain every decision on this symbol at this bar end. Raises UserError naming the nearest bar ends when there is none."""
    home = open_home(path)
    end = parse_time(time)
    folder = usual_folder(home, run_id)
    with projected(home, folder) as market:
        rulesets = _deciding_on(_rulesets(market), symbol, config, where=run_name(home, folder))
        found = [
            (row, ruleset)
            for row in market.rows("decisions", end_at=end)
            if (ruleset := rulesets.get((str(row["config"]), str(row["config_version"])))) is not None
        ]
        if not found:
            raise _no_bar(market, rulesets, symbol, end)
        told = [_told(market, row, ruleset, end) for row, ruleset in found]
    _print(Answer(run_name(home, folder), symbol, iso(end), told), folder, end, json=json)
    return 0


def _rulesets(market: SqlMarketStore) -> dict[tuple[str, str], RuleSet]:
    """Every rule set that a run of this journal knew, by name and version, as its records hold it."""
    found = {}
    for run_row in market.rows("runs"):
        world = known(str(run_row["world"]))
        for name in world.rulesets:
            found[name, world.versions[name]] = recorded_ruleset(world, name)
    return found


def _deciding_on(
    rulesets: Mapping[tuple[str, str], RuleSet], symbol: str, config: str, *, where: str
) -> dict[tuple[str, str], RuleSet]:
    """Those that decide on the symbol. Raises UserError naming what is decided on."""
    names = sorted({name for name, _ in rulesets})
    if config and config not in names:
        raise UserError(f"no rule set {config!r} in run {where}", remedy=f"There are {', '.join(names)}")
    chosen = {key: r for key, r in rulesets.items() if r.naming.primary == symbol and config in {"", key[0]}}
    if chosen:
        return chosen
    primaries = ", ".join(f"{r.naming.primary} ({r.name})" for r in rulesets.values())
    raise UserError(
        f"nothing is decided on {symbol} in run {where}",
        why=f"its rule sets decide on {primaries}",
        remedy="Ask for that symbol, or name another run with --run",
    )


def _no_bar(market: SqlMarketStore, rulesets: Iterable[tuple[str, str]], symbol: str, end: int) -> UserError:
    """The sentence for a time at which nothing was decided."""
    beside = [market.decided_beside(name, end) for name, _version in rulesets]
    before, after = [at for at, _ in beside if at is not None], [at for _, at in beside if at is not None]
    nearest = " and ".join(clock(at) for at in (*sorted(before)[-1:], *sorted(after)[:1]))
    return UserError(
        f"no bar of {symbol} ended at {clock(end)} New York and led to a decision",
        why=f"the nearest did at {nearest}" if nearest else "no decision is recorded at all",
        remedy="Give the end of a bar",
    )


class Told(msgspec.Struct, frozen=True):
    """One decision: the rule set, the explanation in lines, and the signals that it raised."""

    config: str
    version: str
    timeframe: str
    verdict: str
    explanation: list[str]
    signals: list[SignalTold]


class Answer(msgspec.Struct, frozen=True):
    """What is known of one bar end in one run; ``end`` in UTC."""

    run: str
    symbol: str
    end: str
    decisions: list[Told]


def _told(market: SqlMarketStore, row: Row, ruleset: RuleSet, end: int) -> Told:
    numbers = tuple(msgspec.json.decode(str(row["numbers"]), type=list[float | None]))
    seen = Evaluation(str(row["verdict"]), numbers, int(row["truths"] or 0))
    lines = explain(ruleset, seen)
    return Told(ruleset.name, ruleset.version, ruleset.naming.timeframe, seen.verdict, lines, became(market, ruleset.name, end))


def _print(answer: Answer, folder: Path, end: int, *, json: bool) -> None:
    if json:
        print(msgspec.json.encode(answer).decode())
        return
    print(f"{answer.symbol}, bar that ended {clock(end)} New York, in run {answer.run} ({folder})")
    for decision in answer.decisions:
        print()
        print("\n".join([*decision.explanation, *outcome_lines(decision.signals)]))
