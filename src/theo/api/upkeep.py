"""The tables follow the journal while the interface is served."""

import asyncio
from contextlib import suppress
from typing import Final

from theo.api.blocking import BoundedThreads
from theo.api.sources import Sources
from theo.domain.errors import TheoError

EACH_S: Final = 1.0  # signals, decisions and trades are told at most so much later than they are recorded


async def keep_up(sources: Sources) -> None:
    """Until it is cancelled, on a thread of its own: a long journal may take minutes at first. /health says how far it is."""
    thread = BoundedThreads(threads=1, waiting_max=1)
    try:
        while True:
            with suppress(TheoError):  # told by /health until it works again
                await thread.run(sources.upkeep.keep_up)
            await asyncio.sleep(EACH_S)
    finally:
        thread.close()
