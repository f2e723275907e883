"""Messages a second of the gateway's wire codec on one core, beside ib_async's own sending and reading of the same messages.

Run: .venv/bin/python benchmarks/wire.py [MESSAGES]. Medians of five runs of processor time; machines are shared, so trust ratios.
"""

import statistics
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from theo.gateway.wire.codec import codec
from theo.gateway.wire.connection import ServerLink
from theo.gateway.wire.handshake import Offer, offer_bytes
from theo.gateway.wire.messages.contract import Contract
from theo.gateway.wire.messages.market_data import TickByTickLast, TickPrice
from theo.gateway.wire.messages.order import Order, OrderState
from theo.gateway.wire.messages.orders import OpenOrder, OrderStatus, PlaceOrder
from theo.gateway.wire.schema import Message

VERSION = 178
RUNS = 5
MESSAGES = 20_000
PIECE_BYTES = 65_536
MES = Contract(654_503_320, "MES", "FUT", "20261218", 0.0, "", "5", "CME", "", "USD", "MESZ6", "MES")
ORDER = Order(
    order_id=7,
    action="BUY",
    total_quantity=Decimal(2),
    order_type="LMT",
    lmt_price=4500.25,
    tif="GTC",
    account="DU1234567",
    order_ref="theo-1-2-3",
)
SAMPLES: dict[str, Message] = {
    "tickPrice": TickPrice(1_000, 4, 4500.25, Decimal(3), 1),
    "tickByTick last": TickByTickLast(1_000, 1, 1_795_000_000, 4500.25, Decimal(3), 0, "CME", ""),
    "orderStatus": OrderStatus(7, "Submitted", Decimal(1), Decimal(1), 4500.25, 1_234_567_890, 0, 4500.25, 1),
    "openOrder": OpenOrder(MES, ORDER, OrderState("Submitted")),
}


def per_second(job: Callable[[], object], messages: int) -> float:
    """Messages in a second of processor time."""
    times = []
    for _ in range(RUNS):
        start = time.process_time()
        job()
        times.append(time.process_time() - start)
    return messages / statistics.median(times)


def repeated(call: Callable[[Any], object], argument: object, messages: int) -> Callable[[], None]:
    """A job of so many calls."""

    def job() -> None:
        for _ in range(messages):
            call(argument)

    return job


def received(frame: bytes, messages: int) -> Callable[[], None]:
    """A job in which a server receives so many frames in pieces as a socket hands them over."""
    stream = frame * messages

    def job() -> None:
        link, found = ServerLink(), 0
        link.receive(offer_bytes(Offer(VERSION, VERSION)))
        for at in range(0, len(stream), PIECE_BYTES):
            found += len(link.receive(stream[at : at + PIECE_BYTES]))
        assert found == messages, f"{found} of {messages} messages were read"

    return job


class Nowhere:
    """A connection and a wrapper of ib_async's that keeps nothing."""

    def __init__(self) -> None:
        self.frame = b""

    def sendMsg(self, data: bytes) -> None:  # noqa: N802 - the library's name
        """Kept until the next one, so that the frame is really made."""
        self.frame = data

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None


def peer_rows(messages: int) -> dict[str, float]:
    """The same by ib_async, which writes requests and reads answers."""
    import asyncio

    import ib_async
    from ib_async.client import Client
    from ib_async.decoder import Decoder

    asyncio.set_event_loop(asyncio.new_event_loop())
    make_client: Any = Client
    client = make_client(Nowhere())
    client.conn, client.connState, client._serverVersion, client.MaxRequests = Nowhere(), Client.CONNECTED, VERSION, 0  # noqa: SLF001 - a client without a socket
    client.RequestsInterval = -1  # nothing waits, and the times of what was sent are not gathered
    contract, order = ib_async.Future("MES", "20261218", "CME"), ib_async.LimitOrder("BUY", 2, 4500.25)
    make_decoder: Any = Decoder
    decode = make_decoder(Nowhere(), VERSION).interpret
    found = {"placeOrder write": per_second(repeated(lambda _: client.placeOrder(7, contract, order), None, messages), messages)}
    for name, sample in SAMPLES.items():
        frame = codec(VERSION).encode(sample)
        read = repeated(lambda data: decode(data[4:].decode().split("\0")[:-1]), frame, messages)
        found[f"{name} read"] = per_second(read, messages)
    return found


def main() -> None:
    """Print the table."""
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else MESSAGES
    wire = codec(VERSION)
    place_order = PlaceOrder(MES, ORDER)
    rows = {f"{name} write": per_second(repeated(wire.encode, sample, messages), messages) for name, sample in SAMPLES.items()}
    rows["placeOrder write"] = per_second(repeated(wire.encode, place_order, messages), messages)
    rows["placeOrder read"] = per_second(received(wire.encode(place_order), messages), messages)
    theirs = peer_rows(messages)
    print(f"{'messages a second, one core':28}{'theo':>12}{'ib_async':>12}")
    for name in dict.fromkeys((*rows, *theirs)):
        shown = (f"{found[name]:,.0f}" if name in found else "-" for found in (rows, theirs))
        print(f"{name:28}{''.join(f'{each:>12}' for each in shown)}")


if __name__ == "__main__":
    main()
