"""Why something was decided: from the tables of a run and the rule sets that its records hold, without any file of today."""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from theo.app.recorded.outcomes import became
from theo.app.times import clock, iso
from theo.domain.errors import NotThereError
from theo.domain.signals import Evaluation
from theo.drive.record import known, recorded_ruleset
from theo.ports.market_store import Cell, MarketStore
from theo.report.told import Answer, Told
from theo.strategy.explain import explain
from theo.strategy.ruleset import RuleSet

Row = Mapping[str, Cell]
Pruned = Callable[[int], Iterable[Row]]
Known = dict[tuple[str, str], RuleSet]


def none_pruned(_end: int) -> Iterable[Row]:
    """Every decision is in the table."""
    return ()


class Explainer:
    """Answers for one run. Rule sets are read from its records once, and again when a decision names one that is not known.

    ``pruned`` gives the decisions at a bar end that are in the journal alone; ``from_journal`` says whether the last answer was.
    """

    def __init__(self, market: MarketStore, run: str, pruned: Pruned = none_pruned) -> None:
        self._market, self._run, self._pruned = market, run, pruned
        self.from_journal = False
        self._rulesets: Known = {}

    def at(self, symbol: str, end: int, config: str = "") -> Answer:
        """Every decision on this symbol at this bar end, ``config`` "" meaning of every rule set.

        Raises NotThereError naming what is decided on, or the nearest bar ends.
        """
        rows = list(self._market.rows("decisions", end_at=end))
        self.from_journal = not rows and bool(rows := list(self._pruned(end)))
        if any(_key(row) not in self._rulesets for row in rows) or not self._fitting(symbol, config):
            self._rulesets = recorded_rulesets(self._market)
        fitting = self._fitting(symbol, config)
        if not fitting:
            raise self._nothing_on(symbol, config)
        found = [(row, fitting[_key(row)]) for row in rows if _key(row) in fitting]
        if not found:
            raise self._no_bar(fitting, symbol, end)
        return Answer(self._run, symbol, iso(end), [self._told(row, ruleset, end) for row, ruleset in found])

    def of_signal(self, signal: str) -> Answer:
        """The decision that raised a signal. Raises NotThereError when the signal, or the decision, is not recorded."""
        row = next(self._market.rows("signals", id=signal), None)
        if row is None:
            raise NotThereError(f"there is no signal {signal!r}", where="id", remedy="List them: /api/signals")
        end, config = row["end_at"], str(row["config"])
        assert isinstance(end, int)
        ruleset = self._ruleset((config, str(row["config_version"])))
        if ruleset is None:
            raise NotThereError(
                f"no rule decided signal {signal!r}", where="id", why="it was asked for by hand", remedy="See its outcome instead"
            )
        return self.at(ruleset.naming.primary, end, config)

    def _ruleset(self, key: tuple[str, str]) -> RuleSet | None:
        if key not in self._rulesets:
            self._rulesets = recorded_rulesets(self._market)
        return self._rulesets.get(key)

    def _fitting(self, symbol: str, config: str) -> Known:
        return {key: r for key, r in self._rulesets.items() if r.naming.primary == symbol and config in {"", key[0]}}

    def _nothing_on(self, symbol: str, config: str) -> NotThereError:
        names = sorted({name for name, _ in self._rulesets})
        if config and config not in names:
            return NotThereError(f"no rule set {config!r} in run {self._run}", remedy=f"There are {', '.join(names)}")
        primaries = ", ".join(f"{r.naming.primary} ({r.name})" for r in self._rulesets.values())
        return NotThereError(
            f"nothing is decided on {symbol} in run {self._run}",
            why=f"its rule sets decide on {primaries}" if primaries else "nothing is recorded in it yet",
            remedy="Ask for that symbol, or name another run with --run",
        )

    def _no_bar(self, rulesets: Iterable[tuple[str, str]], symbol: str, end: int) -> NotThereError:
        """The sentence for a time at which nothing was decided."""
        beside = [self._market.decided_beside(name, end) for name, _version in rulesets]
        before, after = [at for at, _ in beside if at is not None], [at for _, at in beside if at is not None]
        nearest = " and ".join(clock(at) for at in (*sorted(before)[-1:], *sorted(after)[:1]))
        return NotThereError(
            f"no bar of {symbol} ended at {clock(end)} New York and led to a decision",
            why=f"the nearest did at {nearest}" if nearest else "no decision is recorded at all",
            remedy="Give the end of a bar",
        )

    def _told(self, row: Row, ruleset: RuleSet, end: int) -> Told:
        numbers = tuple(msgspec.json.decode(str(row["numbers"]), type=list[float | None]))
        seen = Evaluation(str(row["verdict"]), numbers, int(row["truths"] or 0))
        signals = became(self._market, ruleset.name, end)
        return Told(ruleset.name, ruleset.version, ruleset.naming.timeframe, seen.verdict, explain(ruleset, seen), signals)


def _key(row: Row) -> tuple[str, str]:
    return str(row["config"]), str(row["config_version"])


def recorded_rulesets(market: MarketStore) -> Known:
    """Every rule set that a run of this journal knew, by name and version, as its records hold it."""
    found = {}
    for run_row in market.rows("runs"):
        world = known(str(run_row["world"]))
        for name in world.rulesets:
            found[name, world.versions[name]] = recorded_ruleset(world, name)
    return found
