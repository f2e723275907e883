"""Old decisions leave their table; what `theo why` says of them stays the same, but for where it was read."""

import json
from contextlib import closing
from pathlib import Path

import msgspec

from tests.unit.app.conftest import Theo
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.sql.projection.pruning import prune_decisions, pruned_before
from theo.app.home.decided import DECIDED_WITHIN, recorded_decisions
from theo.app.times import iso
from theo.domain.facts import Decided
from theo.domain.journal import TRADING
from theo.engine.codec import decode_facts, decode_steps
from theo.engine.journal import MARKET, Journal

ASKED = 7


def test_pruned_decisions_are_told_from_the_journal_with_the_same_words(theo: Theo, copied: Path) -> None:
    folder = copied / "demo"
    with closing(SqlJournalStore(folder)) as journal:
        facts = [fact for record in journal.read(TRADING) for fact in decode_facts(record)]
    ends = sorted({fact.end for fact in facts if isinstance(fact, Decided)})
    asked = ends[:: len(ends) // ASKED]

    def told(end: int) -> dict[str, object]:
        said = theo("--home", copied, "why", "SIM-MES", iso(end), "--json")
        assert said.code == 0, said
        return dict(json.loads(said.out))

    before = {end: told(end) for end in asked}
    middle = ends[len(ends) // 2]
    with closing(SqlMarketStore(folder)) as market:
        assert prune_decisions(market, middle) == sum(isinstance(fact, Decided) and fact.end < middle for fact in facts)
        assert prune_decisions(market, 0) == 0
        assert pruned_before(market) == middle
        assert [row["end_at"] for row in market.rows("decisions", limit=1)] == [middle]
    for end in asked:
        assert told(end) == before[end]
        in_words = theo("--home", copied, "why", "SIM-MES", iso(end)).out
        assert ("read from the journal" in in_words) == (end < middle)
    assert theo("--home", copied, "journal", "rebuild", "--run", "demo", "--replace").code == 0
    with closing(SqlMarketStore(folder)) as market:
        assert [row["end_at"] for row in market.rows("decisions", limit=1)] == [middle]


def test_a_record_of_many_hours_holds_decisions_that_are_found(copied: Path, tmp_path: Path) -> None:
    """Where time is played fast a group commit takes milliseconds of the clock and hours of the market."""
    folder, fast = copied / "demo", tmp_path / "fast"
    fast.mkdir()
    with closing(SqlJournalStore(folder)) as journal:
        steps = [step for record in journal.read(TRADING) for step in decode_steps(record)]
    decided = [fact for step in steps for fact in step.facts if isinstance(fact, Decided)]
    with closing(SqlJournalStore(fast)) as journal, closing(SqlMarketStore(folder)) as market:
        written = Journal(journal.append, journal.claim(TRADING, MARKET))
        written.steps.extend(steps)
        written.commit(steps[-1].at)
        found = [[row["verdict"] for row in recorded_decisions(journal, market, fact.end)] for fact in decided[:ASKED]]
    assert steps[-1].at > decided[0].end + 2 * DECIDED_WITHIN
    assert found == [[fact.verdict] for fact in decided[:ASKED]]


def test_the_command_prunes_by_days_and_nothing_unless_asked(theo: Theo, copied: Path) -> None:
    assert "every decision is kept" in theo("--home", copied, "db", "prune").out
    said = theo("--home", copied, "db", "prune", "--older-than", 1, "--run", "demo", "--json")
    (pruned,) = msgspec.json.decode(said.out)
    assert pruned["run"] == "demo"
    assert pruned["decisions"] > 100
    with closing(SqlMarketStore(copied / "demo")) as market:
        assert list(market.rows("decisions")) == []
    (copied / "theo.toml").write_text("[decisions]\nkeep_days = 30\n")
    assert "0 decisions of before" in theo("--home", copied, "db", "prune").out
