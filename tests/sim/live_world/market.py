"""The market of a simulated day: MES with quotes of small sizes, and a day before it; every price from the seed."""

from collections.abc import Iterator
from datetime import date
from random import Random

from tests.unit.gateway.tables import at, tables
from theo.domain.market_data import MINUTE, SECOND, Tick, TickKind
from theo.gateway.contracts.book import Contracts
from theo.gateway.desk import Listing
from theo.gateway.market.replayed import RecordedMarket
from theo.gateway.wire.messages.contract import Contract

DAY = date(2026, 11, 20)  # a Friday
OPEN, CLOSE = at("2026-11-20 09:30"), at("2026-11-20 16:00")
YESTERDAY = at("2026-11-19 09:30"), at("2026-11-19 16:00")
START = OPEN - 60 * SECOND
FIRST_PRICE, STEP = 680_000, 25  # price units of the contract: 6800.00 and a quarter
SIZE_MAX = 6


def contracts() -> Contracts:
    """Everything that the gateway lists on the day."""
    return Contracts(tables(), DAY)


def mes(book: Contracts) -> Listing:
    """The front contract."""
    (found,) = book.find(Contract(symbol="MES", sec_type="FUT", last_trade_date_or_contract_month="202612"))
    return found


def ticks(draw: Random, con_id: int, until: int = CLOSE, pause: int = 20) -> Iterator[Tick]:
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


def recorded(book: Contracts, draw: Random, until: int = CLOSE) -> RecordedMarket:
    """The walk as a market of the gateway, at the start of the day."""
    return RecordedMarket(book.listings(), ticks(draw, mes(book).con_id, until), START)


def _tick(con_id: int, moment: int, kind: TickKind, price: int, size: int) -> Tick:
    return Tick(con_id, moment, moment, 0, int(kind), price, size, 0, 0, "walk")
