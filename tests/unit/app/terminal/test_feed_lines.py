"""What is said of a feed when a live run ends."""

import msgspec

from theo.app.terminal.event_lines import feed_line
from theo.ports.feed import FeedState, Latency, Standing

MES = Standing(symbol="MES", source="ib:tbt", state=FeedState.LIVE, posted=12_345, filled=67)


def test_a_feed_s_line_says_how_late_its_ticks_came() -> None:
    assert feed_line(MES) == "MES from ib:tbt: 12,345 ticks, 67 of them from history"
    timed = msgspec.structs.replace(MES, latency=Latency(150_400, 942_900, 2_139_500, 512))
    assert feed_line(timed) == f"{feed_line(MES)}; latency p50 150, p95 943, p99 2,140 ms of the newest 512"
