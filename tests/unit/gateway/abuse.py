"""What bad or broken clients send, drawn from a seed: rubbish, wrong lengths, and requests in which something is wrong."""

from collections.abc import Callable
from decimal import Decimal
from random import Random

from tests.unit.gateway.samples import Filler
from theo.gateway.wire.codec import codec
from theo.gateway.wire.frames import FRAME_BYTES_MAX, framed
from theo.gateway.wire.messages import account, contracts, history, market_data, orders
from theo.gateway.wire.messages.contract import Contract
from theo.gateway.wire.messages.order import Order
from theo.gateway.wire.messages.session import StartApi
from theo.gateway.wire.schema import VERSION_MAX, Message
from theo.gateway.wire.table import REQUESTS

SPY = Contract(symbol="SPY", sec_type="STK", exchange="SMART", currency="USD")
MES = Contract(symbol="MES", sec_type="FUT", exchange="CME", last_trade_date_or_contract_month="202612")
VIX = Contract(symbol="VIX", sec_type="IND", exchange="CBOE", currency="USD")
CALL = Contract(
    symbol="SPX", sec_type="OPT", exchange="CBOE", strike=6000.0, right="C", last_trade_date_or_contract_month="20261218"
)
EUR = Contract(symbol="EUR", sec_type="CASH", exchange="IDEALPRO", currency="USD")
ASKED = (SPY, MES, VIX, CALL, EUR, Contract(), Contract(symbol="SPY"), Contract(con_id=756_733, exchange="SMART"))
NUMBERS = (
    "0 1 -1 2 7 100 2147483647 2147483648 -2147483648 9223372036854775807 1e308 -1e308 1e-320 nan NaN inf -inf Infinity "
    "1.7976931348623157E308 0.1 -0.5 1_0 0x10"
)
NAMES = (
    "true BUY SELL SSHORT MKT LMT STP TRAIL MOC DAY GTC IOC FOK GTD OPG SPY MES STK FUT OPT BAG CONTFUT SMART CME USD 202612 "
    "TRADES BID_ASK Last BidAsk 233 100,101,233 ,,, 165;= a=b;c 20261120-15:00:00 DU1234567 All %s%n \u00e9\u4e2d\U0001f600"
)
TEXTS = (
    "",
    " 1",
    "1 ",
    "1" * 400,
    "x" * 5_000,
    "\n",
    "STP LMT",
    "20261118 10:00:00",
    "99999999 99:99:99",
    "1 D",
    "-1 D",
    "99999999 Y",
)
WORDS = (*NUMBERS.split(" "), *NAMES.split(" "), *TEXTS, "1 min", "1 secs", "1 day")
ORDERS = (
    Order(order_id=1, action="BUY", total_quantity=Decimal(1), order_type="MKT", tif="DAY"),
    Order(order_id=2, action="SELL", total_quantity=Decimal(3), order_type="LMT", lmt_price=100.0, tif="GTC"),
    Order(order_id=3, action="BUY", total_quantity=Decimal(2), order_type="STP", aux_price=9000.0, tif="DAY"),
    Order(order_id=4, action="SELL", total_quantity=Decimal(1), order_type="TRAIL", trailing_percent=1.0, tif="DAY"),
)
WHOLE_SHARE = 0.3  # of requests are left as they are
TORN_SHARE = 0.03  # of frames are cut


class Abuser:
    """Makes bytes. Order ids and request ids are few, so that requests meet each other."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - drawn again from the same seed, not secret
        self._kinds = (*[self.request] * 20, self.rubbish, self.unknown, self.length)

    def frame(self) -> bytes:
        """Anything."""
        made = self.random.choice(self._kinds)()
        return made[: self.random.randrange(len(made))] if made and self.random.random() < TORN_SHARE else made

    def request(self) -> bytes:
        """A whole frame with a request in which fields may be missing, too many, or something else."""
        fields = codec(VERSION_MAX).encode(self._message())[4:].decode().split("\0")[:-1]
        if self.random.random() > WHOLE_SHARE:
            for _ in range(self.random.choice((1, 1, 1, 2, 5))):
                self._spoil(fields)
        return framed("".join(f"{field}\0" for field in fields).encode())

    def rubbish(self) -> bytes:
        """Random bytes, with a right length or without any."""
        made = self.random.randbytes(self.random.choice((1, 4, 30, 3_000)))
        return framed(made) if self.random.random() < 1 / 2 else made

    def unknown(self) -> bytes:
        """A message that nobody knows, or an empty one."""
        number = self.random.choice(("", "0", "-1", "8", "999", "99999999999", "abc", "\u0663"))
        return framed(f"{number}\0{self.random.choice(WORDS)}\0".encode()) if number else framed(b"")

    def length(self) -> bytes:
        """A length that is not that of what follows."""
        length = self.random.choice((0, 1, 3, 1_000, FRAME_BYTES_MAX, FRAME_BYTES_MAX + 1, 1 << 31, (1 << 32) - 1))
        return length.to_bytes(4, "big") + self.random.randbytes(self.random.randrange(20))

    def _spoil(self, fields: list[str]) -> None:
        """One field too few, one too many, an end too early, or something else in a field."""
        at, way = self.random.randrange(len(fields)), self.random.randrange(6)
        if at == 0 or way == 0:
            fields.insert(at, self.random.choice(WORDS))
        elif way == 1:
            del fields[at]
        elif way == 2:
            del fields[at:]
        else:
            fields[at] = self.random.choice(WORDS)

    def _message(self) -> Message:
        choose, req_id = self.random.choice, self.random.randrange(1, 9)
        contract = choose(ASKED)
        some: tuple[Callable[[], Message], ...] = (
            lambda: market_data.ReqMktData(req_id, contract, choose(("", "233", "100,106,233", "225"))),
            lambda: market_data.ReqMktData(req_id, contract, "", snapshot=True),
            lambda: market_data.ReqTickByTickData(req_id, contract, choose(("Last", "AllLast", "BidAsk", "MidPoint"))),
            lambda: market_data.ReqRealTimeBars(req_id, contract, 5, choose(("TRADES", "BID")), use_rth=False),
            lambda: market_data.ReqMktDepth(req_id, contract, 5),
            lambda: history.ReqHistoricalData(req_id, contract, "", "5 mins", "1 D", use_rth=True, what_to_show="TRADES"),
            lambda: contracts.ReqContractDetails(req_id, contract),
            lambda: orders.PlaceOrder(contract, choose(ORDERS)),
            lambda: orders.CancelOrder(req_id),
            account.ReqPositions,
            lambda: StartApi(req_id),
        )
        if self.random.random() < 1 / 2:
            return choose(some)()
        kinds = [entry.message for entry in REQUESTS if entry.since <= VERSION_MAX]
        return Filler().filled(choose(kinds))
