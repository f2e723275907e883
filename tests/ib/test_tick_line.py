"""Over any interruption what is handed on is what was traded: bars of the one are bars of the other."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain

from hypothesis import example, given
from hypothesis import strategies as st

from theo.adapters.ib.tick_line import SAMPLE, TRADE, Arrival, Print, Seconds, TickLine, prints_of_bar
from theo.domain.market_data import MINUTE, SECOND, Bar, SessionScope, Tick, TickKind, TimeSource
from theo.domain.timeframe import timeframe
from theo.market.bars import BarTree
from theo.market.quality import OutlierLimits, TickQuality
from theo.market.sessions import Hours, Session, SessionTable

START = 1_795_186_800 * SECOND  # a whole minute
DATE = START // (24 * 60 * MINUTE)
OPEN = (START - 60 * MINUTE, START + 120 * MINUTE)
HOURS = Hours(SessionTable("any", "by hand", DATE - 1, DATE + 1, (Session(DATE, (OPEN,), (OPEN,)),)), SessionScope.ALL)
SIZES = st.integers(1, 3)
TRADES = st.lists(st.tuples(st.integers(0, 2), st.integers(-3, 3), SIZES), min_size=5, max_size=60)
FRAMES = (timeframe("1min"), timeframe("5min"))


def market(steps: Iterable[tuple[int, int, int]]) -> list[Print]:
    """Trades in order, many in one second, some seconds without any."""
    second, price, found = START // SECOND, 10_000, []
    for pause, move, size in steps:
        second, price = second + pause, price + move
        found.append(Print(second * SECOND, price, size))
    return found


def line(ticks: list[Tick]) -> TickLine:
    quality = TickQuality(HOURS, 1, OutlierLimits(granularity_ticks=10_000))
    return TickLine(1, int(TickKind.TRADE), quality, ticks.append)


def live(each: Print) -> Arrival:
    return Arrival(each, each.timestamp + SECOND // 2, "ib:tbt", int(TimeSource.EXCHANGE), TRADE)


def bars(prints: Sequence[Print], ticks: Sequence[Tick]) -> tuple[list[Bar], list[Bar]]:
    """Final bars of the market's own trades and of the ticks."""
    made = []
    place: Counter[int] = Counter()
    own = []
    for each in prints:
        own.append(Tick(1, each.timestamp, each.timestamp, place[each.timestamp], 0, each.price, each.size))
        place[each.timestamp] += 1
    for items in (own, [*ticks]):
        tree = BarTree(1, FRAMES, HOURS)
        newest: dict[tuple[str, int], Bar] = {}
        at = 0
        for tick in items:
            at = max(at, tick.at)
            for bar in tree.on_tick(Tick(1, at, *(getattr(tick, name) for name in Tick.__struct_fields__[2:]))):
                newest[bar.timeframe, bar.start] = bar
        for bar in tree.on_time(at + 10 * MINUTE):
            newest[bar.timeframe, bar.start] = bar
        made.append([
            Bar(1, 0, b.timeframe, b.start, b.end, b.open, b.high, b.low, b.close, b.volume) for _, b in sorted(newest.items())
        ])  # fmt: skip
    return made[0], made[1]


COUNTS = st.integers(0, 15)
HISTORY = st.sampled_from(["answers", "waits", "refuses", "refuses after a further break"])
BREAKS = st.lists(st.tuples(COUNTS, COUNTS, COUNTS, HISTORY), max_size=4)


@given(TRADES, BREAKS)
def test_bars_over_interruptions_are_the_market_s(
    steps: list[tuple[int, int, int]], breaks: list[tuple[int, int, int, str]]
) -> None:
    """The link is lost and comes back, also in the middle of a second; history knows all; live ticks come meanwhile."""
    prints = market(steps)
    ticks: list[Tick] = []
    made = line(ticks)
    at = 0
    for lives, lost, during, history in breaks:
        for each in prints[at : at + lives]:
            made.arrived(live(each))
        made.interrupted()
        begun = at + lives + lost
        at = begun + during
        for each in prints[begun:at]:
            made.arrived(live(each))
        hole = made.hole()
        over = hole is not None and (at >= len(prints) or prints[at].timestamp // SECOND > hole.last)
        if history == "refuses after a further break":
            made.interrupted()
        if history.startswith("refuses"):
            made.release()
        elif hole is not None and history == "answers" and over:  # a second is asked for when it has ended
            made.fill(within(prints, hole), prints[min(at, len(prints)) - 1].timestamp + 9 * SECOND)
    for each in prints[at:]:
        made.arrived(live(each))
    finish(made, prints)
    since = min((tick.timestamp for tick in ticks), default=0)  # of the first second nobody knows what came before
    seen = [each for each in prints if each.timestamp > since]
    handed = [tick for tick in ticks if since < tick.timestamp <= prints[-1].timestamp]
    assert Counter(Print(tick.timestamp, tick.price, tick.volume) for tick in handed) == Counter(seen if ticks else ())
    own, built = bars(seen if ticks else (), handed)
    assert built == own


COURSE = st.lists(st.tuples(st.sampled_from(["lost", "breaks", "answers", "answers", "refuses"]), st.integers(0, 4)), max_size=20)
BROKEN_AGAIN = [("answers", 2), ("breaks", 2), ("breaks", 2), ("answers", 2), ("answers", 2)]  # while history is asked


@given(TRADES, COURSE)
@example([(1, 1, 1)] * 20, BROKEN_AGAIN)
def test_a_print_is_taken_once_however_late_history_answers(
    steps: list[tuple[int, int, int]], course: list[tuple[str, int]]
) -> None:
    """Neither is one lost."""
    prints = market(steps)
    ticks: list[Tick] = []
    made = line(ticks)
    follow(made, prints, [[live(each)] for each in prints], course)
    handed = [Print(tick.timestamp, tick.price, tick.volume) for tick in ticks if tick.timestamp <= prints[-1].timestamp]
    since = min((each.timestamp for each in handed), default=0)  # of the first second nobody knows what came before
    seen = [each for each in prints if each.timestamp > since]
    assert Counter(each for each in handed if each.timestamp > since) == Counter(seen if handed else ())


def follow(
    made: TickLine, prints: Sequence[Print], stream: Sequence[Sequence[Arrival]], course: Sequence[tuple[str, int]]
) -> None:
    """After each event so many things come. One question is open at a time, and nothing waits for its answer."""
    asked: tuple[Seconds, bool] | None = None
    at = 0
    for event, lives in course:
        now = stream[min(at, len(stream) - 1)][0].at
        if event in {"lost", "breaks"}:
            made.interrupted()
            at += event == "lost"
        elif event == "refuses" and asked is not None:
            asked = None
            made.release()
        elif event == "answers" and asked is not None:
            (seconds, is_hole), asked = asked, None
            (made.fill if is_hole and made.hole() == seconds else partial(made.mend, seconds))(within(prints, seconds), now)
        for each in chain(*stream[at : at + lives]):
            made.arrived(each)
        at += lives
        hole = made.hole()
        wanted = hole or made.dirty()
        if asked is None and wanted is not None and at < len(stream) and stream[at][0].what.timestamp // SECOND > wanted.last:
            asked = wanted, hole is not None  # when the last second has ended
    for each in chain(*stream[at:]):
        made.arrived(each)
    finish(made, prints)


BAR = 5
KINDS = st.sampled_from([BAR, SAMPLE])
MANY = st.lists(st.tuples(st.integers(0, 9), st.integers(-3, 3), SIZES), min_size=20, max_size=40)


@given(MANY, COURSE, KINDS)
@example([(1, 1, 1)] * 40, BROKEN_AGAIN, BAR)
def test_no_volume_is_added_to_bars_and_samples(
    steps: list[tuple[int, int, int]], course: list[tuple[str, int]], covers: int
) -> None:
    """Where a stream gives bars, or samples of which each second has one, history fills what neither told, and nothing else."""
    prints = market(steps)
    told: dict[int, list[Print]] = {}
    for each in prints:
        told.setdefault(each.timestamp // SECOND // covers * covers, []).append(each)
    ticks: list[Tick] = []
    made = line(ticks)
    made.parts = False
    stream = [
        [Arrival(p, (first + covers) * SECOND, "any", int(TimeSource.EXCHANGE), covers) for p in of_one(first, covers, own)]
        for first, own in told.items()
    ]
    follow(made, prints, stream, course)
    since = min((tick.timestamp // SECOND // covers * covers for tick in ticks), default=0)
    volumes: Counter[int] = Counter()
    for tick in ticks:
        if tick.timestamp <= prints[-1].timestamp + covers * SECOND:
            volumes[tick.timestamp // SECOND // covers * covers] += tick.volume
    assert volumes == {first: sum(each.size for each in own) for first, own in told.items() if ticks and first >= since}


def of_one(first: int, covers: int, own: list[Print]) -> list[Print]:
    """What a stream tells of its seconds."""
    prices, size = [each.price for each in own], sum(each.size for each in own)
    if covers == SAMPLE:
        return [Print(first * SECOND + SECOND // 2, prices[-1], size)]
    return prints_of_bar(first * SECOND, covers * SECOND, (prices[0], max(prices), min(prices), prices[-1]), size)


def within(prints: Sequence[Print], hole: Seconds) -> list[Print]:
    """What history answers."""
    return [each for each in prints if hole.first <= each.timestamp // SECOND <= hole.last]


def finish(made: TickLine, prints: Sequence[Print]) -> None:
    """History answers at last."""
    after = prints[-1].timestamp + 3600 * SECOND
    last = Print(after, prints[-1].price, 1)
    if made.hole_since and made.hole() is None:
        made.arrived(live(last))  # a tick of later shows where the hole ends
    hole = made.hole()
    if hole is not None:
        made.fill(within(prints, hole), after)
    dirty = made.dirty()
    if dirty is not None:
        made.mend(dirty, within(prints, dirty), after)
    assert not made.hole_since


@given(TRADES, st.data())
def test_late_and_repeated_prints_change_nothing_in_the_end(steps: list[tuple[int, int, int]], data: st.DataObject) -> None:
    prints = market(steps)
    ticks: list[Tick] = []
    made = line(ticks)
    late: list[Print] = []
    for each in prints:
        fate = data.draw(st.sampled_from(["comes", "twice", "late"]))
        if fate != "late" or not ticks:
            made.arrived(live(each))
            # what is late comes after a print of a later second; earlier nobody can tell it from another trade
            for other in [x for x in late if x.timestamp < each.timestamp]:
                late.remove(other)
                made.arrived(Arrival(other, each.timestamp + SECOND // 2, "ib:tbt", 0, TRADE))
        if fate != "comes" and ticks:
            late.append(each)
    end = prints[-1].timestamp + 60 * SECOND
    made.arrived(live(Print(end, 10_000, 1)))
    for other in late:
        made.arrived(Arrival(other, end, "ib:tbt", 0, TRADE))
    dirty = made.dirty()
    if dirty is not None:
        made.mend(dirty, within([*prints, Print(end, 10_000, 1)], dirty), end + SECOND)
    assert made.dirty() is None
    handed = Counter(Print(tick.timestamp, tick.price, tick.volume) for tick in ticks)
    assert handed == Counter([*prints, Print(end, 10_000, 1)])


@given(st.lists(st.integers(1, 500), min_size=4, max_size=4), st.integers(0, 1000))
def test_prints_of_a_bar_make_the_bar(prices: list[int], size: int) -> None:
    opened, closed = prices[:2]
    high, low = max(prices), min(prices)
    prints = prints_of_bar(START, MINUTE, (opened, high, low, closed), size)
    assert (prints[0].price, prints[-1].price) == (opened, closed)
    assert (max(p.price for p in prints), min(p.price for p in prints)) == (high, low)
    assert sum(p.size for p in prints) == size
    stamps = [p.timestamp for p in prints]
    assert stamps == sorted(set(stamps))
    assert stamps[0] >= START
    assert stamps[-1] < START + MINUTE


def test_nobody_waits_for_history_for_ever() -> None:
    """After half a minute what waited is handed on, and the hole is mended when history answers."""
    ticks: list[Tick] = []
    made = line(ticks)
    made.arrived(live(Print(START, 10_000, 1)))
    made.interrupted()
    for second in range(60, 92):
        made.arrived(live(Print(START + second * SECOND, 10_000 + second, 1)))
    assert [tick.price for tick in ticks][:2] == [10_000, 10_060]
    hole = made.dirty()
    assert hole == Seconds(START // SECOND, START // SECOND + 60)
    missed = [Print(START, 10_000, 1), Print(START + 30 * SECOND, 10_001, 2), Print(START + 60 * SECOND, 10_060, 1)]
    assert made.mend(hole, missed, START + 100 * SECOND) == 1
    assert (ticks[-1].price, ticks[-1].source) == (10_001, "ib:history")


def test_only_what_is_asked_for_since_a_time_is_handed_on() -> None:
    ticks: list[Tick] = []
    made = TickLine(1, 0, TickQuality(HOURS, 1), ticks.append, since=START)
    made.arrived(live(Print(START + 5 * SECOND, 10_000, 1)))
    assert ticks == []  # the past comes first
    hole = made.hole()
    assert hole == Seconds(START // SECOND, START // SECOND + 5)
    made.fill([Print(START, 9_999, 1), Print(START + 5 * SECOND, 10_000, 1)], START + 9 * SECOND)
    assert [(tick.price, tick.source) for tick in ticks] == [(9_999, "ib:history"), (10_000, "ib:history")]


def test_an_equal_print_that_comes_later_than_a_second_can_last_is_left_to_history() -> None:
    """A repeat on a line that is not even; another trade of that second may be late by as much."""
    ticks: list[Tick] = []
    made = line(ticks)
    for after, price in ((0, 10_000), (11, 10_000), (12, 10_001)):  # tenths of a second
        at = START + SECOND // 2 + after * SECOND // 10
        made.arrived(Arrival(Print(START, price, 1), at, "ib:tbt", 0, TRADE))
    assert [tick.price for tick in ticks] == [10_000, 10_001]
    assert made.dirty() == Seconds(START // SECOND, START // SECOND)
    assert (
        made.mend(Seconds(START // SECOND, START // SECOND), [Print(START, p, 1) for p in (10_000, 10_001)], START + MINUTE) == 0
    )
