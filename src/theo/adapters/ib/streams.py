"""The ways in which IB streams an instrument's trades: what is asked, how it is taken back, which source its ticks name.

What arrives on a stream is read in stream_reading.py; which way is taken when, and what follows from a refusal, is in keeper.py.
"""

from collections.abc import Callable
from enum import StrEnum
from types import MappingProxyType

from ib_async.client import Client
from ib_async.contract import Contract

from theo.domain.instrument import Instrument, SecurityType

RT_VOLUME = "233"  # generic tick: each trade with its time, where last price and size alone carry none
BAR_SECONDS = 5  # the only length that IB streams


class Way(StrEnum):
    """How trades come; the value is the source of their ticks."""

    TICK_BY_TICK = "ib:tbt"  # every trade, with the exchange's second; few at once
    REAL_TIME_BARS = "ib:rtbar"  # exact bars of five seconds; a market data line each
    SAMPLED = "ib:sampled"  # about four times a second; a market data line each


BID_ASK = "ib:bidask"  # source of the quotes that come beside TICK_BY_TICK
DELAYED = "ib:delayed"  # source of the ticks of a sampled line that is told to be late
SNAPSHOT = "ib:snapshot"  # source of prices that were asked for one by one, where no stream comes
TICK_BY_TICK_MAX = 5  # that IB grants a login with 100 lines; fewer are found out
REAL_TIME_BARS_MAX = 20  # of 60 questions in ten minutes that each of them is one of, after each reconnection anew
LIVE_TYPE = 1  # of market data: neither frozen nor delayed
_TRADED = frozenset({SecurityType.STK, SecurityType.ETF, SecurityType.FUT})


def ways(instrument: Instrument, place: int, *, quotes: bool = False) -> tuple[Way, ...]:
    """The ways that a security type allows, the best first. ``place``: how many wishes were more important.

    An index has neither trades nor quotes, its last value alone; options have no tick-by-tick data. With ``quotes`` each of them
    takes two of the tick-by-tick streams.
    """
    if instrument.security_type not in _TRADED or place >= TICK_BY_TICK_MAX + REAL_TIME_BARS_MAX:
        return (Way.SAMPLED,)
    best = (Way.TICK_BY_TICK,) if place * (1 + quotes) < TICK_BY_TICK_MAX else ()
    return (*best, Way.REAL_TIME_BARS, Way.SAMPLED)


def lives_by_quotes(instrument: Instrument) -> bool:
    """Whether its bid and offer are what is listened to, and no trades: an option may not trade all day."""
    return instrument.security_type is SecurityType.OPT


def has_quotes(instrument: Instrument, place: int) -> bool:
    """Whether there is a tick-by-tick stream left for its quotes beside that of its trades."""
    return Way.TICK_BY_TICK in ways(instrument, place, quotes=True) and 2 * place + 1 < TICK_BY_TICK_MAX


def _tick_by_tick(client: Client, request: int, contract: Contract) -> None:
    client.reqTickByTickData(request, contract, "Last", 0, ignoreSize=False)


def _real_time_bars(client: Client, request: int, contract: Contract) -> None:
    client.reqRealTimeBars(request, contract, BAR_SECONDS, "TRADES", useRTH=False, realTimeBarsOptions=[])


def _sampled(client: Client, request: int, contract: Contract) -> None:
    generic = "" if contract.secType in {"IND", "CASH", "OPT"} else RT_VOLUME
    client.reqMktData(request, contract, generic, snapshot=False, regulatorySnapshot=False, mktDataOptions=[])


ASK: MappingProxyType[Way, Callable[[Client, int, Contract], None]] = MappingProxyType(
    {Way.TICK_BY_TICK: _tick_by_tick, Way.REAL_TIME_BARS: _real_time_bars, Way.SAMPLED: _sampled}
)
CANCEL: MappingProxyType[Way, Callable[[Client, int], None]] = MappingProxyType(
    {
        Way.TICK_BY_TICK: lambda client, request: client.cancelTickByTickData(request),
        Way.REAL_TIME_BARS: lambda client, request: client.cancelRealTimeBars(request),
        Way.SAMPLED: lambda client, request: client.cancelMktData(request),
    }
)
TAKES_LINE = frozenset({Way.REAL_TIME_BARS, Way.SAMPLED})
