"""The broker's books are looked at now and then though nothing is amiss, and trading does not notice."""

import itertools

import msgspec

from tests.closing import tick_market
from theo.domain.facts import BookAsked, BookLooked, Fact, Reconciled, TradeClosed
from theo.domain.inputs import Started
from theo.domain.market_data import MINUTE
from theo.drive.assembly import assemble, exchange
from theo.drive.lockstep import LockStep
from theo.engine.journal import Journal

DAYS, TICKS_A_DAY = 2, 4_000


def played(interval: int) -> list[tuple[int, Fact]]:
    plan = tick_market.plan(DAYS)
    plan.settings = msgspec.structs.replace(plan.settings, book_interval=interval)
    seen: list[tuple[int, Fact]] = []
    driver = LockStep(
        assemble(plan), exchange(plan), Journal(lambda _: None, 1), lambda at, facts: seen.extend((at, fact) for fact in facts)
    )
    ticks = list(tick_market.ticks(plan, DAYS, TICKS_A_DAY))
    driver.feed(Started(at=ticks[0].at, key=plan.key, build="t", cash=plan.cash, world="{}"))
    driver.run(ticks)
    return seen


def test_trading_is_the_same_and_each_look_is_answered() -> None:
    never, often = played(0), played(10 * MINUTE)
    assert [fact for _, fact in never if isinstance(fact, TradeClosed)] == [
        fact for _, fact in often if isinstance(fact, TradeClosed)
    ]
    assert any(isinstance(fact, TradeClosed) for _, fact in often)
    looks = [at for at, fact in often if isinstance(fact, BookLooked)]
    assert {later - at for at, later in itertools.pairwise(looks)} == {10 * MINUTE}
    answers = [fact for _, fact in often if isinstance(fact, Reconciled)]
    assert len(answers) == len(looks)
    assert all(fact.agreed and not fact.differences for fact in answers)
    assert not [fact for _, fact in often if isinstance(fact, BookAsked)]
