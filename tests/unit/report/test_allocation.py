"""Splits over accounts and matches of lots: exact sums, and the same as a count of single contracts."""

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.report.journal import INSTRUMENTS, MES
from theo.report.allocation import AccountMethod, allocate, by_weight
from theo.report.lots import Execution, LotMethod, Lots

WEIGHTS = st.dictionaries(st.sampled_from("ABCDEFG"), st.integers(0, 50), min_size=1).filter(lambda w: sum(w.values()) > 0)


@given(WEIGHTS, st.integers(0, 10_000), st.sampled_from([1, 5, 100]))
def test_a_split_by_weight_is_exact_and_within_a_step_of_the_true_share(weights: dict[str, int], steps: int, step: int) -> None:
    found = by_weight(steps * step, weights, step)
    assert sum(found.values()) == steps * step
    for account, weight in weights.items():
        true = Fraction(steps * step * weight, sum(weights.values()))
        assert abs(found.get(account, 0) - true) < step
        assert found.get(account, 0) % step == 0


def test_the_largest_rest_is_served_first_and_then_the_one_listed_first() -> None:
    assert by_weight(10, {"A": 3, "B": 3, "C": 1}) == {"A": 4, "B": 4, "C": 2}  # 4.29, 4.29, 1.43: C has the largest rest
    assert by_weight(1, {"A": 1, "B": 1}) == {"A": 1}
    assert by_weight(7, {"DU1": 2, "DU2": 1}) == {"DU1": 5, "DU2": 2}


@pytest.mark.parametrize(
    ("method", "found"),
    [
        (AccountMethod.FIFO, {"A": 3, "B": 2}),
        (AccountMethod.LIFO, {"C": 2, "B": 3}),
        (AccountMethod.PRO_RATA, {"A": 2, "B": 2, "C": 1}),
    ],
)
def test_each_method(method: AccountMethod, found: dict[str, int]) -> None:
    assert allocate(5, {"A": 3, "B": 3, "C": 2}, method) == found


@given(WEIGHTS, st.sampled_from(AccountMethod), st.data())
def test_fills_of_one_order_give_each_account_what_it_asked_for(
    wanted: dict[str, int], method: AccountMethod, data: st.DataObject
) -> None:
    waiting, got = dict(wanted), Counter[str]()
    while left := sum(waiting.values()):
        fill = data.draw(st.integers(1, left))
        parts = allocate(fill, waiting, method)
        assert sum(parts.values()) == fill
        for account, size in parts.items():
            assert 0 < size <= waiting[account]
            waiting[account] -= size
            got[account] += size
    assert got == Counter(wanted)


def test_what_cannot_be_split_is_an_error() -> None:
    for quantity, weights, step in ((1, {"A": 0}, 1), (5, {"A": 1}, 2), (1, {"A": 2, "B": -1}, 1)):
        with pytest.raises(ValueError, match="cannot be split"):
            by_weight(quantity, weights, step)
    with pytest.raises(ValueError, match="are more than"):
        allocate(3, {"A": 1, "B": 1}, AccountMethod.FIFO)


EXECUTIONS = st.lists(
    st.tuples(
        st.sampled_from(["A", "B"]),
        st.integers(-6, 6).filter(bool),
        st.integers(600_000, 700_000),
        st.integers(-3_000_000, 5_000_000),
    ),
    max_size=40,
)


@given(EXECUTIONS, st.sampled_from(LotMethod))
def test_matches_and_open_lots_hold_all_that_was_paid(rows: list[tuple[str, int, int, int]], method: LotMethod) -> None:
    """And each match is what single contracts, put on a pile one by one, give."""
    lots = Lots(method, INSTRUMENTS)
    piles: dict[str, list[tuple[int, int]]] = {"A": [], "B": []}
    singles = Counter[tuple[str, int, int, int]]()
    for at, (account, quantity, price, charges) in enumerate(rows):
        lots.take(Execution(account, MES.id, at, quantity, price, charges))
        sign, pile = (1 if quantity > 0 else -1), piles[account]
        for _ in range(abs(quantity)):
            if pile and pile[0][0] != sign:
                opened, entry = pile.pop(0 if method is LotMethod.FIFO else -1)
                singles[account, opened, entry, price] += 1
            else:
                pile.append((sign, price))
    found = Counter[tuple[str, int, int, int]]()
    for match in lots.matches:
        found[match.account, 1 if match.quantity > 0 else -1, match.entry, match.exit] += abs(match.quantity)
    assert found == singles
    left = [lot for held in lots.open.values() for lot in held]
    assert sum(m.charges for m in lots.matches) + sum(lot.charges for lot in left) == sum(row[3] for row in rows)
    paid = sum(quantity * price for _, quantity, price, _ in rows) * MES.unit_value
    assert sum(m.gross for m in lots.matches) == sum(lot.quantity * lot.price for lot in left) * MES.unit_value - paid


def test_oldest_or_newest_first() -> None:
    for method, entries in ((LotMethod.FIFO, [100, 200]), (LotMethod.LIFO, [200, 100])):
        lots = Lots(method, INSTRUMENTS)
        for at, (quantity, price) in enumerate([(2, 100), (2, 200), (-3, 300)]):
            lots.take(Execution("A", MES.id, at, quantity, price, 300))
        assert [match.entry for match in lots.matches] == entries
        assert [match.quantity for match in lots.matches] == [2, 1]
        assert [match.charges for match in lots.matches] == [300 + 200, 150 + 100]
