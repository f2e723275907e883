"""How long from the bytes of the tick that a decision takes to the bytes of its orders, over TCP on this machine.

Run: python -m benchmarks.order_latency [SECONDS] [shadow]
The platform is the real one, its journal on a real disk; a simulated gateway in a process of its own plays a drawn market at PACE
times the true pace. Measured in true time: from the newest receipt before an order's first byte to that byte. In between its
record becomes durable. With "shadow" the rule set trades on the simulated exchange beside it too.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

import msgspec
from ib_async.client import Client
from ib_async.connection import Connection

from theo.adapters.ib.probe import probe
from theo.adapters.system.clock import PacedClock, WallClock
from theo.adapters.system.log import Nobody
from theo.app.build import BUILD
from theo.app.configuration.file import configured
from theo.app.home.layout import open_home
from theo.app.runs.beside_making import Virtual
from theo.app.runs.live_making import open_live
from theo.app.runs.live_plans import beside_plan, live_plan
from theo.domain.inputs import Started

PACE = 20
PLACE_ORDER = "3"  # the number of IB's message
RULES = """
name = "quick"
strategy = "rules"
timeframe = "1min"
session = "RTH"
[symbols]
primary = "MES"
[entry]
long = [{ left = "close", op = ">", right = 0 }]
[stop]
percent = 0.02
[target]
percent = 0.02
[size]
quantity = 1
[trading]
style = "positional"
"""
LIMITS = "[limits]\ntrades_per_day_max = 100000\ndaily_loss_percent_max = 90\ndrawdown_percent_max = 90\n"


class Watched:
    """Notes when bytes came, and how long after it the first order of each ticket left."""

    def __init__(self) -> None:
        self.came = 0
        self.answered = 0  # the receipt that orders were already counted for
        self.took: list[int] = []

    def received(self, original, connection: Connection, data: bytes) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - ib_async has no types
        """Bytes of the gateway."""
        self.came = time.perf_counter_ns()
        original(connection, data)

    def sent(self, original, client: Client, message: str) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - ib_async has no types
        """A message of ours, after it was written."""
        original(client, message)
        if message.startswith(f"{PLACE_ORDER}\0") and self.answered != self.came:
            self.answered = self.came
            self.took.append(time.perf_counter_ns() - self.came)


async def trade(folder: Path, port: int, seconds: float, *, shadow: bool) -> None:
    """The platform as `theo live --broker-clock` runs it."""
    home = open_home(folder)
    home.configuration.write_text(f'mode = "paper"\n[ib]\nport = {port}\n{LIMITS}', encoding="utf-8")
    (folder / "quick.toml").write_text(f"{RULES}[scan]\nshadow = {str(shadow).lower()}\n", encoding="utf-8")
    settings, clock = configured(home.configuration), PacedClock(WallClock().now(), PACE)
    probed = await probe(settings.ib, clock, Nobody())
    clock.skip_to(clock.now() + probed.clock_offset)
    probed = msgspec.structs.replace(probed, clock_offset=0)
    plan = live_plan(home, settings, [str(folder / "quick.toml")], probed, clock.now())
    beside = beside_plan(home, settings, [str(folder / "quick.toml")], plan, clock.now())
    virtual = None if beside is None else Virtual(beside)
    live = open_live(home, home.runs / plan.key.run, plan, settings, clock, Nobody(), None, virtual=virtual)
    asyncio.get_running_loop().call_later(seconds, live.run.stop)
    await live.run.run(Started(at=clock.now(), key=plan.key, build=BUILD, cash=plan.cash, world=plan.record()))
    live.close()


def main() -> None:
    """Print the figures."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 120.0
    watched = Watched()
    theo = str(Path(sys.executable).with_name("theo"))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        options = ["--port", "0", "--plain", "--speed", str(PACE), "--start", "2026-11-20T09:31"]
        command = [theo, "--home", str(folder / "gateway"), "gateway", *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as gateway:  # noqa: S603 - of this environment
            try:
                port = _port(gateway)
                receive, send = Connection.data_received, Client.sendMsg
                with (
                    patch.object(Connection, "data_received", lambda self, data: watched.received(receive, self, data)),
                    patch.object(Client, "sendMsg", lambda self, text: watched.sent(send, self, text)),
                ):
                    asyncio.run(trade(folder / "home", port, seconds, shadow="shadow" in sys.argv[2:]))
            finally:
                gateway.terminate()
    took = sorted(watched.took)
    if not took:
        sys.exit("no order was sent")
    p50, p99 = (took[min(len(took) - 1, len(took) * part // 100)] / 1e6 for part in (50, 99))
    print(
        f"{len(took)} tickets, tick bytes in to order bytes out: p50 {p50:.2f} ms, p99 {p99:.2f} ms, most {took[-1] / 1e6:.2f} ms"
    )


def _port(gateway: subprocess.Popen[str]) -> int:
    assert gateway.stdout is not None
    for line in gateway.stdout:
        if line.startswith("simulated TWS on "):
            return int(line.split(",")[0].rsplit(":", 1)[1])
    sys.exit("the gateway did not start")


if __name__ == "__main__":
    main()
