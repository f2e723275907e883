"""Fifty raw clients on the same hundred symbols of a gateway in its own process: what is lost, memory, processor, and the limit.

Run: python -m benchmarks.gateway_load [SECONDS]
Every client subscribes to 100 market data lines and 5 exact streams of a market with 1,000 ticks a second. Nothing is lost when
the bytes of each between two marks are those of the witness inside (`gateway_server`), and the exact streams have as many trades
as the market. Then the market runs as fast as the gateway can.
"""

import multiprocessing
import os
import selectors
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.gateway_server import (
    ASK_SECONDS,
    EXACT_STREAMS,
    SYMBOLS,
    Stretch,
    contracts,
    requests,
    serve,
    shares,
    trades_between,
)
from theo.gateway.wire.connection import ClientLink
from theo.gateway.wire.messages.session import StartApi

CLIENTS = 50
SECONDS = 10.0
LIMIT_SECONDS = 5.0
WARM_SECONDS = 3.0  # connections, first ticks, the first minute of the market
FULL_SPEED = 100.0  # of the market's time: more than any machine works off
READ_BYTES = 256 * 1024
FIFTHS = 5
TICK_BY_TICK = b"99\0"
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class ExactTrades:
    """Counts the trades of exact streams, by request and second."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[int, int]] = Counter()
        self._rest = b""

    def __call__(self, data: bytes) -> None:
        """The next bytes of a client, of which the first begin a frame."""
        data, at = self._rest + data, 0
        while len(data) - at >= 4 and len(data) - at >= (length := int.from_bytes(data[at : at + 4], "big")) + 4:
            if data[at + 4 : at + 7] == TICK_BY_TICK:
                _, req_id, _, second, *_ = data[at + 4 : at + 4 + length].split(b"\0")
                self.counts[int(req_id), int(second)] += 1
            at += 4 + length
        self._rest = data[at:]


class RawClient:
    """A socket, and what came over it."""

    def __init__(self, port: int, stretch: Stretch) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.link, self.stretch = ClientLink(), stretch
        self.socket.sendall(self.link.hello())
        self.link.receive(self.socket.recv(4_096))

    def read(self) -> None:
        """What there is. Raises ConnectionError when the gateway has closed."""
        data = self.socket.recv(READ_BYTES)
        if not data:
            raise ConnectionError("the gateway has closed a connection")
        self.stretch.feed(data)


class Load:
    """The gateway's process and its clients."""

    def __init__(self, pid: int, pipe: Connection) -> None:
        self.pid, self.pipe = pid, pipe
        port = pipe.recv()
        self.exact = ExactTrades()
        self.clients = [RawClient(port, Stretch(None if n else self.exact)) for n in range(CLIENTS)]
        self._selector = selectors.DefaultSelector()
        for client in self.clients:
            self._selector.register(client.socket, selectors.EVENT_READ, client)

    def subscribe(self) -> None:
        """Every client asks for everything, as fast as TWS allows."""
        for n, client in enumerate(self.clients, start=1):
            client.socket.sendall(client.link.encode(StartApi(n)))
        for request in requests():
            for client in self.clients:
                client.socket.sendall(client.link.encode(request))
            self.read_for(ASK_SECONDS)

    def read_for(self, seconds: float) -> None:
        """Read for so long."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            self._read(left)

    def _read(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            key.data.read()

    def mark(self, number: int) -> tuple[str, int, int, int, list[int]]:
        """Send a mark to all, and read until all have it."""
        self.pipe.send(number)
        while not all(client.stretch.passed > number for client in self.clients):
            self._read(1.0)
        while not self.pipe.poll():
            self._read(0.1)
        found: tuple[str, int, int, int, list[int]] = self.pipe.recv()
        return found

    def processor_seconds(self) -> float:
        """Of the gateway, so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    def memory_mb(self) -> float:
        """Of the gateway, now."""
        (line,) = [line for line in Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines() if "VmRSS" in line]
        return int(line.split()[1]) / 1024


@contextmanager
def loaded(folder: str, speed: float) -> Iterator[Load]:
    """A gateway with all clients subscribed."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(folder, speed, CLIENTS, theirs))
    process.start()
    assert process.pid is not None
    try:
        load = Load(process.pid, ours)
        load.subscribe()
        load.read_for(WARM_SECONDS)
        yield load
        ours.send(-1)
        process.join(10.0)
    finally:
        process.kill()
        process.join()


class Measured(NamedTuple):
    """Of a stretch between two marks."""

    seconds: float
    messages: int  # to each client
    length: int  # bytes to each client
    processor_seconds: float
    memory: list[float]  # MB, each second
    lost: int  # clients that did not get every byte
    behind: float  # seconds of market time


def measured(load: Load, seconds: float) -> Measured:
    """Run for so long between two marks."""
    *_, first, _, _ = load.mark(0)
    began, used = time.monotonic(), load.processor_seconds()
    memory = []
    while time.monotonic() - began < seconds:
        load.read_for(min(1.0, seconds))
        memory.append(load.memory_mb())
    digest, length, last, behind, sent = load.mark(1)
    passed, used = time.monotonic() - began, load.processor_seconds() - used
    same = [client.stretch.digest.hexdigest() == digest for client in load.clients]
    assert len(sent) == CLIENTS + 1, f"{CLIENTS + 1 - len(sent)} clients are gone"
    return Measured(passed, last - first, length, used, memory, same.count(False), behind / 1_000_000)


def print_steady(load: Load, found: Measured, folder: str) -> None:
    """The table of the run at the market's own pace."""
    part = -(-len(found.memory) // FIFTHS)
    memory = [median(found.memory[at : at + part]) for at in range(0, len(found.memory), part)]
    seconds = sorted({second for _, second in load.exact.counts})[1:-1]  # the first and the last may be cut
    heard = [sum(load.exact.counts[SYMBOLS + n + 1, s] for s in seconds) for n in range(EXACT_STREAMS)]
    truth = trades_between(shares(contracts(Path(folder))), seconds[0], seconds[-1] + 1)
    rate = found.messages * CLIENTS / found.seconds
    print(f"{CLIENTS} clients, {SYMBOLS} symbols, {found.seconds:.0f} s")
    print(f"messages a second to all       {rate:>12,.0f}   {found.length * CLIENTS / found.seconds / 1e6:.1f} MB/s")
    print(f"messages in all                {found.messages * CLIENTS:>12,}")
    print(f"clients that lost a byte       {found.lost:>12}   of {CLIENTS}")
    print(f"trades heard, of the market's  {sum(heard):>12,}   of {sum(truth):,} in {EXACT_STREAMS} exact streams")
    print(
        f"memory of the gateway, MB      {max(found.memory):>12.1f}   most; by fifths {', '.join(f'{mb:.1f}' for mb in memory)}"
    )
    print(f"processor of the gateway       {found.processor_seconds / found.seconds:>12.1%}   of one core")
    assert heard == truth, f"{heard} is not {truth}"


def main() -> None:
    """Print the tables."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with TemporaryDirectory() as folder:
        contracts(Path(folder))  # the session tables are there when the gateway starts
        with loaded(folder, 1.0) as load:
            print_steady(load, measured(load, seconds), folder)
        with loaded(folder, FULL_SPEED) as load:
            found = measured(load, LIMIT_SECONDS)
    print(f"as fast as it goes, messages/s {found.messages * CLIENTS / found.seconds:>12,.0f}   {found.lost} clients lost a byte")
    print(f"   each second of processor    {found.messages * CLIENTS / found.processor_seconds:>12,.0f}")


if __name__ == "__main__":
    main()
