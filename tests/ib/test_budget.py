"""IB's limits are never reached, nothing waits for ever, and orders wait for no data: by chance, and counted by the gateway."""

import asyncio
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Hashable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sim.world.loop import SimLoop, simulate
from theo.adapters.ib.budget import Budget, Limits
from theo.domain.errors import RefusedError
from theo.domain.market_data import MINUTE, SECOND

START = 1_795_186_800 * SECOND
# IB's own, as its pages say them; ours lie below
MESSAGES, HISTORY, SAME_CONTRACT, OPEN = 50, 60, 6, 50


class LoopClock:
    """The simulated loop's time."""

    def now(self) -> int:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        return loop.now

    async def sleep_until(self, at: int) -> None:
        await asyncio.sleep(max(0, at - self.now()) / SECOND)


class Witness:
    """What was sent when: counted as IB counts."""

    def __init__(self, clock: LoopClock, limits: Limits) -> None:
        self.clock, self.budget = clock, Budget(clock, limits)
        self.messages: list[int] = []
        self.orders: list[tuple[int, int]] = []  # wanted, sent
        self.history: list[tuple[int, Hashable, tuple[int, object], int]] = []
        self.open = self.open_most = 0

    async def data(self, at: int) -> None:
        await self.clock.sleep_until(at)
        await self.budget.message()
        self.messages.append(self.clock.now())

    async def order(self, at: int) -> None:
        await self.clock.sleep_until(at)
        await self.budget.order()
        self.messages.append(self.clock.now())
        self.orders.append((at, self.clock.now()))

    async def question(self, at: int, contract: int, question: int, weight: int, answered: int) -> None:
        await self.clock.sleep_until(at)
        with await self.budget.history(("contract", contract), ("question", contract, question), weight):
            now = self.clock.now()
            self.messages.append(now)
            self.history.append((now, contract, (contract, question), weight))
            self.open += 1
            self.open_most = max(self.open, self.open_most)
            await self.clock.sleep_until(now + answered)
            self.open -= 1

    async def stream(self, at: int, contract: int) -> None:
        """Asked for when there is room, or not at all."""
        await self.clock.sleep_until(at)
        place, question = ("contract", contract), ("question", contract, "stream")
        if self.budget.stream_at(place, question):
            return
        await self.budget.stream(place, question)
        now = self.clock.now()
        self.messages.append(now)
        self.history.append((now, contract, (contract, "stream"), 1))


def asked_of(witness: Witness) -> list[tuple[int, Hashable, tuple[int, object], int]]:
    """The questions for history, oldest first."""
    return sorted(witness.history, key=lambda each: each[0])


def most_within(times: list[int], window: int) -> int:
    """The most of ascending times that lie in any window: [t, t + window)."""
    return max((n + 1 - bisect_right(times, at - window) for n, at in enumerate(times)), default=0)


MOMENTS = st.integers(0, 30 * SECOND).map(lambda each: START + each)
DATA = st.tuples(st.just("data"), MOMENTS)
ORDERS = st.tuples(st.just("order"), MOMENTS)
QUESTIONS = st.tuples(
    st.just("question"), MOMENTS, st.integers(0, 3), st.integers(0, 2), st.integers(1, 2), st.integers(0, 40 * SECOND)
)
BURSTS = st.tuples(st.just("burst"), MOMENTS, st.integers(1, 200))
OF_BARS = st.tuples(st.just("stream"), MOMENTS, st.integers(0, 3))
STREAMS = st.lists(st.one_of(DATA, ORDERS, QUESTIONS, BURSTS, OF_BARS), max_size=60)


async def played(stream: list[tuple[object, ...]]) -> Witness:
    clock = LoopClock()
    witness = Witness(clock, Limits())
    async with asyncio.TaskGroup() as group:
        for name, *what in stream:
            if name == "burst":
                for _ in range(int(str(what[1]))):
                    group.create_task(witness.data(int(str(what[0]))))
            else:
                group.create_task(getattr(witness, str(name))(*what))
    return witness


@settings(max_examples=60, deadline=None)
@given(STREAMS)
def test_no_window_of_any_limit_is_ever_exceeded_and_nothing_starves(stream: list[tuple[object, ...]]) -> None:
    """Everything that is asked for is sent in the end: the simulated world would be deadlocked otherwise."""
    witness = simulate(START, played(stream))
    wanted = sum(int(str(what[1])) if name == "burst" else name != "stream" for name, *what in stream)
    assert len(witness.messages) == wanted + sum(1 for _, _, (_, what), _ in asked_of(witness) if what == "stream")
    assert most_within(sorted(witness.messages), SECOND) < MESSAGES
    assert witness.open_most < OPEN
    weighted = sorted(at for at, _, _, weight in witness.history for _ in range(weight))
    assert most_within(weighted, 10 * MINUTE) < HISTORY
    of_contract, of_question = defaultdict(list), defaultdict(list)
    for at, contract, question, _ in asked_of(witness):
        of_contract[contract].append(at)
        of_question[question].append(at)
    assert all(most_within(times, 2 * SECOND) < SAME_CONTRACT for times in of_contract.values())
    assert all(most_within(times, 15 * SECOND) == 1 for times in of_question.values())
    assert witness.budget.waiting == 0


@settings(max_examples=30, deadline=None)
@given(st.lists(MOMENTS, max_size=20), st.integers(100, 400))
def test_orders_do_not_wait_behind_data(orders: list[int], burst: int) -> None:
    """As long as they are few: six a second are theirs alone."""
    witness = simulate(START, played([("burst", START, burst), *(("order", at) for at in orders)]))
    crowded = Counter(at // SECOND for at, _ in witness.orders)
    if max(crowded.values(), default=0) <= 3:  # two seconds touch a window
        assert all(sent == wanted for wanted, sent in witness.orders)
    assert all(sent - wanted <= 10 * SECOND for wanted, sent in witness.orders)


def test_a_hundred_questions_take_their_ten_minutes() -> None:
    """Fifty-five in ten minutes, of IB's sixty; the rest waits, and is asked."""
    witness = simulate(START, played([("question", START, n, 0, 1 + n % 2, SECOND) for n in range(100)]))
    weighted = sorted(at for at, _, _, weight in witness.history for _ in range(weight))
    assert len(weighted) == 150
    assert most_within(weighted, 10 * MINUTE) in {54, 55}
    assert weighted[-1] - START < 21 * MINUTE


def test_streams_and_what_is_not_paced_wait_for_no_question_that_is() -> None:
    """With the ten minutes' questions used up, others go on; the first place that is free is a stream's."""

    async def main() -> list[int]:
        clock = LoopClock()
        budget = Budget(clock, Limits(history_in_ten_minutes=2, history_open=2))
        for n in range(2):
            with await budget.history(n, n):
                pass
        waiting = [asyncio.ensure_future(budget.history(n, n)) for n in range(2, 6)]
        await asyncio.sleep(1)
        with await budget.open_history():
            seen = [clock.now() - START]
        at = budget.stream_at("s", "s")
        seen.append(at - START)
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return seen

    assert simulate(START, main()) == [SECOND, 10 * MINUTE + 1]


def test_a_question_that_has_to_wait_holds_up_no_other() -> None:
    """The identical question waits its sixteen seconds; one about another contract goes at once."""

    async def main() -> list[tuple[int, int]]:
        witness = Witness(LoopClock(), Limits())
        await asyncio.gather(
            witness.question(START, 1, 0, 1, 0), witness.question(START + 1, 1, 0, 1, 0), witness.question(START + 2, 2, 0, 1, 0)
        )
        return [(at - START, int(str(contract))) for at, contract, _, _ in witness.history]

    assert simulate(START, main()) == [(0, 1), (2, 2), (16 * SECOND + 1, 1)]


def test_whoever_gives_up_waiting_leaves_no_trace() -> None:
    async def main() -> None:
        clock = LoopClock()
        budget = Budget(clock, Limits(history_open=1))
        for _ in range(3):
            waiting = asyncio.ensure_future(budget.history("c", "q"))
            await asyncio.sleep(1)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            if not waiting.cancelled():
                waiting.result().__exit__()
        with await budget.history("other", "q2"):
            assert budget.waiting == 0

    simulate(START, main())


def test_lines_are_counted_once_and_come_back() -> None:
    budget = Budget(LoopClock(), Limits(lines=2))
    for holder in ("a", "a", "b"):
        budget.take_line(holder)
    with pytest.raises(RefusedError, match="no market data line is left for c"):
        budget.take_line("c")
    budget.give_line_back("a")
    budget.take_line("c")
    assert budget.lines_used == 2
