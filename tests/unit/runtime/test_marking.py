"""What a feed says, as marks among the market data."""

from theo.domain.market_data import SECOND, DataMarked
from theo.ports.feed import FeedState, Standing
from theo.runtime.marking import NOT_LISTENED, Marking

MES = 4
TAKEN = "10197: another login took the data"
START = 1_800_000_000 * SECOND


def marks_of(*standings: Standing) -> list[tuple[str, str]]:
    """(mark, why) of each, when a run begins and the feed then says these."""
    found: list[DataMarked] = []
    marking = Marking(
        lambda item: found.append(item) if isinstance(item, DataMarked) else None, lambda: START, lambda call: call()
    )
    marking.begin({MES: START - SECOND}, START)
    for standing in standings:
        marking.heard(standing)
    return [(str(mark.mark), mark.why) for mark in found]


def stands(state: FeedState, why: str = "", hole_since: int = 0) -> Standing:
    return Standing(symbol="MES", instrument=MES, source="ib:tbt", state=state, why=why, heard_at=START, hole_since=hole_since)


ASKED, LIVE = stands(FeedState.ASKED), stands(FeedState.LIVE)
BEGUN = [("interrupted", NOT_LISTENED), ("interrupted", "the stream is asked"), ("whole", "")]


def test_a_retry_does_not_hide_what_broke_the_stream() -> None:
    again = stands(FeedState.ASKED, hole_since=START)
    refused = stands(FeedState.REFUSED, TAKEN, START)
    assert marks_of(ASKED, LIVE, refused, again, refused, again) == [*BEGUN, ("interrupted", TAKEN)]


def test_a_new_cause_is_told_and_an_old_one_is_over_with_the_data() -> None:
    refused, down = stands(FeedState.REFUSED, TAKEN), stands(FeedState.WANTED, "the link is down")
    filling = stands(FeedState.LIVE, hole_since=START)
    causes = [
        ("interrupted", TAKEN),
        ("interrupted", "the link is down"),
        ("interrupted", "history is being asked"),
        ("whole", ""),
    ]
    found = marks_of(ASKED, LIVE, refused, down, ASKED, filling, LIVE, ASKED)
    assert found == [*BEGUN, *causes, ("interrupted", "the stream is asked")]
