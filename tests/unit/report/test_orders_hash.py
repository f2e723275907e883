import hashlib

import msgspec
import pytest

from tests.unit.report.journal import BEGIN, SYMBOLS, filled, intended, started
from theo.domain.approval import Approved
from theo.domain.facts import AmendIntended, CancelIntended, Decided, Fact, OrdersIntended
from theo.domain.orders import Amendment, Order, OrderRole, OrderType, Side, Ticket
from theo.report.orders_hash import fill_lines, lines_hash, order_lines, orders_hash


def run(journal: str = "j", *, stop: int = 648_000, at: int = BEGIN + 7) -> list[Fact]:
    """An entry, a stop placed later, its change, its fill and a cancel."""
    trade = intended(1, journal=journal)
    (entry,) = trade.approved.subject.orders
    placed = msgspec.structs.replace(
        entry, id=f"{journal}-2-0", side=Side.SELL, type=OrderType.STOP, role=OrderRole.STOP, stop=stop, parent=entry.id
    )
    amended = Approved(Amendment(order=placed.id, quantity=2, stop=649_000), ())
    return [
        started(journal, journal),
        Decided("demo", BEGIN, "signal", (), 0),
        trade,
        OrdersIntended(at, trade.id, Approved(Ticket((placed,)), ()), "protection"),
        AmendIntended(BEGIN + 8, amended, "trailing"),
        filled(trade, Side.BUY, 2, 650_025, at=BEGIN + 9),
        CancelIntended(BEGIN + 10, placed.id, "flat"),
    ]


def test_the_list_reads_as_what_was_intended() -> None:
    assert order_lines(run(), SYMBOLS) == [
        f"{BEGIN + 1} order 1 MES entry BUY MKT 2 DAY limit - stop - trail - trade 1 parent 0 alone",
        f"{BEGIN + 7} order 2 MES stop SELL STP 2 DAY limit - stop 648000 trail - trade 1 parent 1 alone",
        f"{BEGIN + 8} amend 2 2 limit - stop 649000 trail -",
        f"{BEGIN + 10} cancel 2",
    ]
    assert fill_lines(run(), SYMBOLS) == [f"{BEGIN + 9} fill 1 MES BUY 2 at 650025 charges 620000"]


def test_ids_of_run_and_journal_do_not_matter_and_everything_that_was_decided_does() -> None:
    same = orders_hash(run(), SYMBOLS)
    assert same == orders_hash(run("another"), SYMBOLS)
    assert same == hashlib.sha256("".join(f"{line}\n" for line in order_lines(run(), SYMBOLS)).encode()).hexdigest()
    others = {orders_hash(run(stop=647_975), SYMBOLS), orders_hash(run(at=BEGIN + 6), SYMBOLS), orders_hash(run()[:-1], SYMBOLS)}
    assert len(others | {same}) == 4
    assert lines_hash([]) == hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize(
    "change",
    [
        {"side": Side.SELL},
        {"type": OrderType.LIMIT},
        {"quantity": 3},
        {"limit": 650_000},
        {"trail": 25},
        {"role": OrderRole.CLOSE},
        {"oca_group": "g"},
        {"outside_rth": True},
        {"instrument": 2},
    ],
)
def test_every_term_of_an_order_is_in_the_hash(change: dict[str, object]) -> None:
    trade = intended(1)
    changed: Order = msgspec.structs.replace(trade.approved.subject.orders[0], **change)
    other = msgspec.structs.replace(trade, approved=Approved(Ticket((changed,)), ()))
    assert orders_hash([trade], SYMBOLS) != orders_hash([other], SYMBOLS)
