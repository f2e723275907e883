"""Whatever is asked, the rooms of data answer or stay calm: nothing escapes, and no question is left without an answer."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.gateway.hand_market import EUR, MES, SPY, VIX, HandMarket, Peer, gateway, quoted, trade
from tests.unit.gateway.samples import messages
from tests.unit.gateway.tables import at
from theo.domain.market_data import SECOND
from theo.gateway.history.room import HistoryRoom
from theo.gateway.streams.room import StreamsRoom
from theo.gateway.wire.messages import history, market_data
from theo.gateway.wire.messages.contract import Contract
from theo.gateway.wire.schema import Message

NOW = at("2026-11-24 10:00")
ASKED = tuple(each.contract for each in (SPY, VIX, EUR, MES))
CONTRACTS = st.sampled_from([*ASKED, Contract(), Contract(symbol="MES", sec_type="CONTFUT", exchange="CME")])
WORDS = {
    "tick_type": ["Last", "AllLast", "BidAsk", "MidPoint"],
    "what_to_show": ["TRADES", "MIDPOINT", "BID", "BID_ASK", "ADJUSTED_LAST", "SCHEDULE", "HISTORICAL_VOLATILITY"],
    "generic_tick_list": ["", "100,233", "165,221,236,318,588", "mdoff", "292:BZ"],
    "end_date_time": ["", "20261124 09:59:00", "20261123-16:00:00", "20990101-00:00:00", "19800101-00:00:00"],
    "start_date_time": ["", "20261124 09:50:00", "20261123-16:00:00", "20990101-00:00:00", "19800101-00:00:00"],
    "bar_size_setting": ["1 secs", "30 secs", "1 min", "1 hour", "1 day", "1 week", "1M"],
    "duration": ["60 S", "1800 S", "1 D", "2 W", "1 M", "1 Y"],
    "time_period": ["1 day", "3 days", "2 weeks", "1 month", "1 year"],
}
QUESTIONS = (
    market_data.ReqMktData,
    market_data.ReqTickByTickData,
    market_data.ReqRealTimeBars,
    market_data.ReqMktDepth,
    market_data.CalculateImpliedVolatility,
    market_data.CalculateOptionPrice,
    history.ReqHistoricalData,
    history.ReqHeadTimeStamp,
    history.ReqHistogramData,
    history.ReqHistoricalTicks,
    market_data.CancelMktData,
    market_data.CancelTickByTickData,
    market_data.CancelRealTimeBars,
    market_data.CancelMktDepth,
    history.CancelHistoricalData,
)
STREAMS = (market_data.ReqTickByTickData, market_data.ReqRealTimeBars, market_data.ReqMktDepth)


def any_of(kind: type[Message]) -> st.SearchStrategy[Any]:
    """Requests of a kind, half of their words right and half anything."""
    given_fields: dict[str, st.SearchStrategy[object]] = {"contract": CONTRACTS, "req_id": st.integers(0, 3)}
    for name, words in WORDS.items():
        given_fields[name] = st.sampled_from(words) | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=6)
    known = set(kind.__struct_fields__)
    return messages(kind, **{name: each for name, each in given_fields.items() if name in known})


@pytest.mark.parametrize("kind", QUESTIONS)
def test_every_question_is_answered(kind: type[Message]) -> None:
    @settings(max_examples=60)
    @given(any_of(kind))
    def holds(request: Message) -> None:
        ticks = [*quoted(SPY, NOW - 5 * SECOND, "690.10", "690.12"), trade(SPY, NOW - 4 * SECOND, "690.11")]
        peer = Peer(gateway((StreamsRoom(), HistoryRoom()), HandMarket(ticks), NOW))
        heard = peer.ask(request)
        refused_or_told = bool(heard) or kind in STREAMS  # a stream of a still market has nothing to tell yet
        assert refused_or_told, request
        peer.wait(NOW + 20 * SECOND)

    holds()
