"""A user's own class, the documented one among them: what it sees, what comes of its answers, what it keeps."""

import re
import types
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest

from tests.unit.strategy.markets import SPY, VIX, Market, bar, every_15_minutes
from theo.domain.errors import ConfigError
from theo.domain.market_data import Bar
from theo.domain.orders import Side
from theo.domain.signals import Evaluation, Exit, Proposal
from theo.strategy import base
from theo.strategy.explain import explain
from theo.strategy.loading import load_ruleset
from theo.strategy.making import strategy_of
from theo.strategy.ruleset import RuleSet
from theo.strategy.user import OUTSIDE_WINDOW, Enter, Leave, Seen, UserStrategy, Want, with_class

PAGE = Path(__file__).parents[3] / "docs" / "concepts" / "rule-sets.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def documented() -> tuple[RuleSet, type[UserStrategy]]:
    (source,) = blocks("python")
    module = types.ModuleType("three_up")
    exec(compile(source, "three_up.py", "exec"), module.__dict__)  # noqa: S102 - the page's own example
    kind = module.ThreeUp
    assert issubclass(kind, UserStrategy)
    return with_class(load_ruleset(blocks("toml")[-1], "three-up.toml"), kind, source), kind


def closes(spy: list[int], vix: list[int]) -> list[Bar]:
    ends = every_15_minutes(len(spy))
    return [
        bar(i, end, close) for end, *two in zip(ends, spy, vix, strict=True) for i, close in zip((SPY, VIX), two, strict=True)
    ]


def test_the_documented_rule_set_loads() -> None:
    assert load_ruleset(blocks("toml")[0], "dip.toml").name == "dip"


def test_the_documented_class_buys_after_three_rising_closes_while_vix_is_calm() -> None:
    ruleset, kind = documented()
    strategy, market = strategy_of(ruleset, kind), Market()
    strategy.bind(market)
    calm = closes([600, 601, 602, 603, 604, 604, 605], [1_500, 1_500, 1_500, 1_500, 2_500, 1_500, 1_500])
    seen = market.play(strategy, calm, SPY)
    assert [one.verdict for one in seen] == [base.NOTHING] * 3 + [base.LONG] + [base.NOTHING] * 3
    action = seen[3].action
    assert isinstance(action, Proposal)
    assert (action.side, action.entry, action.stop, action.target, action.reason) == (Side.BUY, 603, 596, None, "three up")
    assert explain(ruleset, seen[3])[1:] == [
        "decided by three_up.py:ThreeUp",
        "  yes     09:30 to 16:00 America/New_York on Mon Tue Wed Thu Fri: time 10:30",
        "  close: SPY close 6.03",
        "  vix: VIX close 15",
        "stop: 1 % of the entry; target: none",
        "verdict: long",
    ]


def test_memory_goes_on_from_a_snapshot() -> None:
    ruleset, kind = documented()
    bars = closes([600, 601, 602, 603], [1_500] * 4)
    through, market = strategy_of(ruleset, kind), Market()
    through.bind(market)
    whole = market.play(through, bars, SPY)
    first, second, other = strategy_of(ruleset, kind), strategy_of(ruleset, kind), Market()
    first.bind(other)
    parts = other.play(first, bars[:4], SPY)
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(first.state()))
    second.bind(other)
    second.restore(kept)
    assert parts + other.play(second, bars[4:], SPY) == whole
    assert second.state() == through.state()


class Scripted(UserStrategy):
    """Answers as its test says."""

    numbers: ClassVar[dict[str, str]] = {"corr": "abs(correlation)", "high": "VIX SH"}
    answer: Enter | Leave | Want | None = None
    seen: Seen | None = None

    def on_bar(self, seen: Seen) -> Enter | Leave | Want | None:
        Scripted.seen = seen
        return self.answer


SCRIPTED = """
name = "scripted"
strategy = "python"
timeframe = "15min"
target = "none"
HEAD
[symbols]
primary = "SPY"
partners = ["VIX"]
[python]
class = "scripted.py:Scripted"
[stop]
percent = 1
[trading]
style = "positional"
from = "09:30"
to = "10:00"
"""


def answered(answer: Enter | Leave | Want | None, position: int = 0, *, head: str = "", at: int = 0) -> Evaluation:
    """What the core sees of an answer at the first close of the day, or a later one."""
    kind = type("Scripted", (Scripted,), {"answer": answer})
    ruleset = with_class(load_ruleset(SCRIPTED.replace("HEAD", head), "scripted.toml"), kind, "source")
    strategy, market = strategy_of(ruleset, kind), Market()
    strategy.bind(market)
    end = every_15_minutes(at + 1)[at]
    (seen,) = market.play(strategy, [bar(SPY, end, 600)], SPY, position)
    return seen


@pytest.mark.parametrize(
    ("answer", "position", "reverse", "verdict", "acts"),
    [
        (None, 0, False, base.NOTHING, None),
        (Enter(Side.BUY), 0, False, base.LONG, Side.BUY),
        (Enter(Side.BUY), 5, False, base.LONG_HELD, None),
        (Enter(Side.SELL), 5, False, base.SHORT, Side.SELL),
        (Enter(Side.BUY, stop=6.5), 0, False, base.NO_STOP, None),
        (Enter(Side.BUY, target=5.0), 0, False, base.NO_TARGET, None),
        (Leave(), 0, False, base.NOTHING, None),
        (Leave("done"), 5, False, base.EXIT, "done"),
        (Want(0), 0, False, base.NOTHING, None),
        (Want(0, "flat"), -5, False, base.EXIT, "flat"),
        (Want(3), 0, False, base.LONG, Side.BUY),
        (Want(3), 1, False, base.NOTHING, None),
        (Want(-3), 1, False, base.EXIT, ""),
        (Want(-3), 1, True, base.SHORT, Side.SELL),
    ],
)
def test_answers_become_actions(
    answer: Enter | Leave | Want | None,
    position: int,
    reverse: bool,  # noqa: FBT001 - a row of a table
    verdict: str,
    acts: Side | str | None,
) -> None:
    seen = answered(answer, position, head=f"reverse = {str(reverse).lower()}")
    assert seen.verdict == verdict
    did = seen.action
    assert (did.side if isinstance(did, Proposal) else did.reason if isinstance(did, Exit) else None) == acts


def test_own_prices_and_quantity_take_the_place_of_the_rule_sets() -> None:
    action = answered(Enter(Side.SELL, stop=6.205, target=5.5, quantity=7)).action
    assert isinstance(action, Proposal)
    assert (action.entry, action.stop, action.target, action.quantity) == (600, 621, 550, 7)
    wanted, entered = answered(Want(9)).action, answered(Enter(Side.BUY)).action
    assert isinstance(entered, Proposal)
    assert wanted == msgspec.structs.replace(entered, quantity=9)


def test_outside_the_window_only_leaving_counts() -> None:
    assert answered(Enter(Side.BUY), at=3).verdict == OUTSIDE_WINDOW
    assert answered(Enter(Side.BUY), at=3).action is None
    assert answered(Leave(), 5, at=3).verdict == base.EXIT


def test_what_is_missing_is_seen_as_none() -> None:
    seen = answered(None)
    assert seen.numbers.count(None) == 2
    ruleset = with_class(load_ruleset(SCRIPTED.replace("HEAD", ""), "scripted.toml"), Scripted, "source")
    strategy, market = strategy_of(ruleset, Scripted), Market()
    strategy.bind(market)
    market.play(strategy, [bar(SPY, every_15_minutes(1)[0], 600)], SPY, 4)
    shown = Scripted.seen
    assert shown is not None
    assert (shown["corr"], shown["high"], shown.position) == (None, None, 4)


def test_the_version_covers_the_source_and_the_settings() -> None:
    plain = load_ruleset(SCRIPTED.replace("HEAD", ""), "scripted.toml")
    versions = {with_class(plain, Scripted, source).version for source in ("a", "b")} | {plain.version}
    assert len(versions) == 3


def test_mistakes_in_a_class_are_named() -> None:
    ruleset = load_ruleset(SCRIPTED.replace("HEAD", ""), "scripted.toml")
    with pytest.raises(ConfigError, match=r"scripted\.py:Scripted: numbers\['x'\]: 'clsoe' is not known. Did you mean 'close'"):
        with_class(ruleset, type("Scripted", (Scripted,), {"numbers": {"x": "clsoe"}}), "")
    with pytest.raises(ConfigError, match=r"needs its class scripted\.py:Scripted"):
        strategy_of(ruleset)
    with pytest.raises(ConfigError, match="Use with_class"):
        strategy_of(ruleset, Scripted)
    with pytest.raises(ConfigError, match="names no class"):
        with_class(msgspec.structs.replace(ruleset, own=None), Scripted, "")
    wrong = type("Scripted", (Scripted,), {"answer": "buy"})
    strategy = strategy_of(with_class(ruleset, wrong, ""), wrong)
    market = Market()
    strategy.bind(market)
    with pytest.raises(ConfigError, match="Give back Enter, Leave, Want or None"):
        market.play(strategy, [bar(SPY, every_15_minutes(1)[0], 600)], SPY)
