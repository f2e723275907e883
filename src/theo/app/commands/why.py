"""`theo why SYMBOL TIME`: what was decided at the end of a bar, on which numbers, and what became of it."""

from pathlib import Path

from theo.app.home.journals import run_name, usual_folder
from theo.app.home.layout import open_home
from theo.app.home.projecting import projected, pruned_of
from theo.app.recorded.explaining import Explainer
from theo.app.recorded.outcomes import outcome_lines
from theo.app.terminal.output import json_text
from theo.app.times import clock, parse_time
from theo.report.told import Answer


def run(path: Path, symbol: str, time: str, *, run_id: str, config: str, json: bool) -> int:
    """Explain every decision on this symbol at this bar end. Raises UserError naming the nearest bar ends when there is none."""
    home = open_home(path)
    end = parse_time(time)
    folder = usual_folder(home, run_id)
    with projected(home, folder) as market:
        explainer = Explainer(market, run_name(home, folder), pruned_of(home, folder, market))
        answer = explainer.at(symbol, end, config)
    if explainer.from_journal and not json:
        print("decisions of that time have left their table (`theo db prune`): read from the journal")
    _print(answer, folder, end, json=json)
    return 0


def _print(answer: Answer, folder: Path, end: int, *, json: bool) -> None:
    if json:
        print(json_text(answer))
        return
    print(f"{answer.symbol}, bar that ended {clock(end)} New York, in run {answer.run} ({folder})")
    for decision in answer.decisions:
        print()
        print("\n".join([*decision.explanation, *outcome_lines(decision.signals)]))
