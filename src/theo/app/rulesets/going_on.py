"""Runs that go on now with a rule set as it was when they began: what a change of it does not reach."""

from theo.app.home.journals import commanded_by, journal_folders, run_name
from theo.app.home.layout import Home
from theo.app.home.projecting import projected
from theo.drive.record import known


def still_traded(home: Home, name: str) -> tuple[str, ...]:
    """One sentence for each running trader whose newest start has a rule set of this name."""
    found = []
    for folder in journal_folders(home):
        process = commanded_by(folder)
        if process is None:
            continue
        with projected(home, folder) as market:
            starts = [str(row["world"]) for row in market.rows("runs")]
        if starts and name in known(starts[-1]).rulesets:
            run = run_name(home, folder)
            found.append(
                f"the run {run}, process {process}, goes on with {name} as it was when the run began: "
                "start it again, or `theo stop` it until then"
            )
    return tuple(found)
