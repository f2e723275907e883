"""Lists that do not depend on what is listed: exchanges with order books, and the letters of exchanges in consolidated quotes."""

from theo.gateway.wire.messages.market_data import DepthExchange, SmartComponent

NO_GROUP = 2**31 - 1  # IB's "not set"
DEPTH_EXCHANGES: tuple[DepthExchange, ...] = (
    DepthExchange("ARCA", "STK", "", "Deep", NO_GROUP),
    DepthExchange("BATS", "STK", "", "Deep", NO_GROUP),
    DepthExchange("CFE", "FUT", "", "Deep", NO_GROUP),
    DepthExchange("CME", "FUT", "", "Deep", NO_GROUP),
    DepthExchange("IDEALPRO", "CASH", "", "Deep", 4),
    DepthExchange("IEX", "STK", "", "Deep", NO_GROUP),
    DepthExchange("ISLAND", "STK", "", "Deep2", NO_GROUP),
    DepthExchange("NASDAQ", "STK", "", "Deep2", NO_GROUP),
    DepthExchange("NYSE", "STK", "", "Deep", NO_GROUP),
)
LETTERS = {
    "AMEX": "A",
    "NASDAQ": "Q",
    "CHX": "M",
    "NYSE": "N",
    "ARCA": "P",
    "PSX": "X",
    "BYX": "Y",
    "BATS": "Z",
    "DRCTEDGE": "K",
    "EDGEA": "J",
    "IEX": "V",
    "MEMX": "U",
}
SMART_COMPONENTS = tuple(SmartComponent(bit, exchange, letter) for bit, (exchange, letter) in enumerate(LETTERS.items()))
