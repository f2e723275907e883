"""What the connection to IB needs to know. Made from the configuration's ``[ib]``; nothing here is a secret."""

from collections.abc import Mapping

import msgspec

from theo.adapters.ib.budget import Limits
from theo.domain.market_data import SECOND
from theo.domain.orders import Route

QUESTION_IDS = 4  # of clients that may ask at the same time, from the first one up


class IbSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``account`` "" means the only account that the login has. Times in microseconds unless the name says otherwise."""

    host: str = "127.0.0.1"
    port: int = 7497
    client_id: int = 1
    data_client_id: int | None = None  # of a socket of its own for market data; None: one socket for all
    question_client_id: int = 91  # the first of QUESTION_IDS ids of those who only ask
    account: str = ""
    live: bool = False  # whether orders of real money are meant: everything else refuses a live account
    quotes: bool = False  # whether bids and offers of what is listened to are taken too
    read_only: bool = False  # no order path at all: data may then come from a live gateway
    connect_seconds: float = 10.0
    heartbeat: int = 30 * SECOND
    alive_seconds: float = 10.0  # TWS answers the question for the time at once: after so long the socket is dead
    retry_first: int = 1 * SECOND
    retry_most: int = 60 * SECOND
    clock_skew_max: int = 2 * SECOND
    lost_bound: int = 15 * 60 * SECOND  # a link that is down for longer is told with a page: a person must look
    limits: Limits = Limits()
    routes: Mapping[str, Route] = {}  # by symbol, for orders that name none
