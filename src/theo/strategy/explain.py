"""A recorded decision in words, from the rule set and the recorded numbers alone: what was asked, seen, and came of it."""

from theo.domain.signals import Evaluation
from theo.strategy.compiled import Rule, test_of
from theo.strategy.condition import Compare, Condition, Every, InWindow, Leaf, Not, Some, number_text
from theo.strategy.distance import distance_words
from theo.strategy.operand import Operand
from theo.strategy.ruleset import RuleSet, plan_of

NAN = float("nan")
INDENT = "  "


def explain(ruleset: RuleSet, seen: Evaluation) -> list[str]:
    """Lines for people. Raises ValueError when the numbers are not those of this rule set: another version was at work."""
    plan = plan_of(ruleset)
    numbers = dict(zip(plan.numbers, seen.numbers, strict=True))
    teller = _Teller(ruleset, numbers, plan.leaves, seen.truths)
    naming = ruleset.naming
    becomes = f", traded in {naming.traded}" if naming.traded else ""
    lines = [f"{ruleset.name} ({ruleset.version}), {naming.primary} {naming.timeframe}{becomes}"]
    rules = ruleset.rules
    named = (
        ("long entry", rules.long),
        ("short entry", rules.short),
        ("long exit", rules.exit_long),
        ("short exit", rules.exit_short),
    )
    for title, rule in named:
        if rule is not None:
            held = Rule(rule, plan.leaves, teller.places).holds(seen.truths, teller.values)
            lines += [f"{title}: {'holds' if held else 'does not hold'}", *teller.rule(rule, 1)]
    if ruleset.own is not None:
        lines += teller.own_numbers()
    frame = ruleset.naming.timeframe
    target = "none" if ruleset.target is None else distance_words(ruleset.target, frame)
    lines.append(f"stop: {distance_words(ruleset.stop, frame)}; target: {target}")
    return [*lines, *teller.others(), f"verdict: {seen.verdict}"]


def contradictions(ruleset: RuleSet, seen: Evaluation) -> list[str]:
    """Recorded truths that the recorded numbers do not bear out: none, unless a record was changed or the code misjudged."""
    plan = plan_of(ruleset)
    values = [NAN if number is None else number for number in seen.numbers]
    places = {operand: at for at, operand in enumerate(plan.numbers)}
    return [
        leaf.words(ruleset.naming.timeframe)
        for at, leaf in enumerate(plan.leaves)
        if isinstance(leaf, Compare) and test_of(leaf, places)(values) != bool(seen.truths >> at & 1)
    ]


class _Teller:
    """Words for the conditions of one recorded decision."""

    def __init__(self, ruleset: RuleSet, numbers: dict[Operand, float | None], leaves: tuple[Leaf, ...], truths: int) -> None:
        self.ruleset, self.numbers, self.leaves, self.truths = ruleset, numbers, leaves, truths
        self.frame = ruleset.naming.timeframe
        self.values = [NAN if number is None else number for number in numbers.values()]
        self.places = {operand: at for at, operand in enumerate(numbers)}
        self.told: list[Operand] = []

    def rule(self, condition: Condition, depth: int) -> list[str]:
        """One line for each leaf and group."""
        if isinstance(condition, Compare | InWindow):
            return [INDENT * depth + self.leaf(condition)]
        if isinstance(condition, Not):
            return [INDENT * depth + "not:", *self.rule(condition.of, depth + 1)]
        parts = [line for part in condition.of for line in self.rule(part, depth + (depth > 1 or isinstance(condition, Some)))]
        return parts if isinstance(condition, Every) and depth == 1 else [INDENT * depth + _GROUP[type(condition)], *parts]

    def leaf(self, leaf: Leaf) -> str:
        """Whether it held, its words and its numbers."""
        reads = dict.fromkeys(leaf.reads())
        self.told += reads
        held = bool(self.truths >> self.leaves.index(leaf) & 1)
        mark = "yes    " if held else "missing" if any(self.numbers[operand] is None for operand in reads) else "no     "
        words = self.ruleset.window.words() if isinstance(leaf, InWindow) else leaf.words(self.frame)
        return f"{mark} {words}: {', '.join(self.number(operand) for operand in reads)}"

    def number(self, operand: Operand) -> str:
        """A number with its name."""
        return f"{operand.text(self.frame)} {number_text(operand, self.numbers[operand])}"

    def own_numbers(self) -> list[str]:
        """What a class of the user's own saw, by its own names."""
        own = self.ruleset.own
        assert own is not None
        lines = [f"decided by {own.path}", *(INDENT + self.leaf(leaf) for leaf in self.leaves)]
        self.told += [operand.raw for _, operand in own.numbers]
        return lines + [f"{INDENT}{name}: {self.number(operand.raw)}" for name, operand in own.numbers]

    def others(self) -> list[str]:
        """Numbers that no condition names: those of stop and target."""
        return [INDENT + self.number(operand) for operand in self.numbers if operand not in self.told]


_GROUP = {Every: "all of:", Some: "any of:"}
