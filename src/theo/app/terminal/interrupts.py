"""Ctrl-C, and the signal by which a service manager ends a process."""

import asyncio
import signal
from collections.abc import Callable


def on_interrupt(stop: Callable[[], object]) -> None:
    """Have the running event loop call this instead of being interrupted: what goes on comes to an orderly end."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
