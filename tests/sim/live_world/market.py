"""The market of a simulated day: MES with quotes of small sizes, and a day before it; every price from the seed."""

from collections.abc import Iterator
from datetime import date
from functools import cache
from random import Random

from tests.unit.gateway.tables import at, tables
from theo.domain.market_data import MINUTE, SECOND, Tick, TickKind
from theo.gateway.contracts.book import Contracts
from theo.gateway.desk import Listing
from theo.gateway.wire.messages.contract import Contract

DAY = date(2026, 11, 20)  # a Friday
OPEN, CLOSE = at("2026-11-20 09:30"), at("2026-11-20 16:00")
YESTERDAY = at("2026-11-19 09:30"), at("2026-11-19 16:00")
START = OPEN - 60 * SECOND
FIRST_PRICE, STEP = 680_000, 25  # price units of the contract: 6800.00 and a quarter
SIZE_MAX = 6
PAUSES = 30, 50  # seconds: a minute without a trade would be a gap in the bars
PLENTY = 1_000
STILL = 6 * SECOND


@cache
def contracts() -> Contracts:
    """Everything that the gateway lists on the day; nothing changes it, so that all worlds share it."""
    return Contracts(tables(), DAY)


def mes(book: Contracts) -> Listing:
    """The front contract."""
    (found,) = book.find(Contract(symbol="MES", sec_type="FUT", last_trade_date_or_contract_month="202612"))
    return found


def pause(draw: Random) -> int:
    """The longest pause of a day in seconds: with it goes how much comes in the day, about 3,500 messages or 2,200."""
    shortest, longest = PAUSES
    return round(shortest * float((longest / shortest) ** draw.random()))


def ticks(draw: Random, con_id: int, until: int = CLOSE, pause: int = PAUSES[0]) -> Iterator[Tick]:
    """A walk on the tick grid: one trade a minute yesterday; today bid, ask and trade every 2 to ``pause`` seconds."""
    price = FIRST_PRICE
    for moment in range(YESTERDAY[0] + 30 * SECOND, YESTERDAY[1], MINUTE):
        price += STEP * (int(draw.random() * 9) - 4)
        yield _tick(con_id, moment, TickKind.TRADE, price, 1)
    moment = START + 10 * SECOND
    while moment < until:
        price += STEP * (int(draw.random() * 7) - 3)
        yield _tick(con_id, moment, TickKind.BID, price - STEP, 1 + int(draw.random() * SIZE_MAX))
        yield _tick(con_id, moment, TickKind.ASK, price + STEP, 1 + int(draw.random() * SIZE_MAX))
        yield _tick(con_id, moment, TickKind.TRADE, price, 1 + int(draw.random() * SIZE_MAX))
        moment += (2 + int(draw.random() * (pause - 1))) * SECOND


def trades(draw: Random, con_id: int, until: int) -> list[Tick]:
    """Trades alone, large enough for any order, each in a second of its own, and none that both fills an order and ends a bar.

    IB tells whole seconds, and a stream's tick may come before or after the execution that it made: where a bar ends, the price
    stands still for some seconds.
    """
    found: list[Tick] = []
    for tick in ticks(draw, con_id, until):
        if tick.kind == TickKind.TRADE and tick.timestamp >= START:
            price = found[-1].price if found and tick.timestamp % MINUTE < STILL else tick.price
            found.append(_tick(con_id, tick.at, TickKind.TRADE, price, PLENTY))
    return found


def _tick(con_id: int, moment: int, kind: TickKind, price: int, size: int) -> Tick:
    return Tick(con_id, moment, moment, 0, int(kind), price, size, 0, 0, "walk")
