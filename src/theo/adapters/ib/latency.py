"""How late ticks come: percentiles of the newest, from the exchange's time to ours, the difference of clocks taken out."""

from collections import deque

from theo.ports.feed import Latency

WINDOW = 512  # of the newest ticks
PERCENTILES = (50, 95, 99)


class Latencies:
    """Of one instrument and source, microseconds."""

    __slots__ = ("_newest", "_source")

    def __init__(self) -> None:
        self._newest: deque[int] = deque(maxlen=WINDOW)
        self._source = ""

    def add(self, source: str, latency: int) -> None:
        """A tick's. Another source begins anew."""
        if source != self._source:
            self._newest.clear()
            self._source = source
        self._newest.append(latency)

    def told(self) -> Latency | None:
        """None before the first; each percentile is the smallest latency that so many of a hundred do not exceed."""
        if not self._newest:
            return None
        ranked = sorted(self._newest)
        p50, p95, p99 = (ranked[-(-len(ranked) * each // 100) - 1] for each in PERCENTILES)
        return Latency(p50, p95, p99, len(ranked))
