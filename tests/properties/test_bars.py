"""Bars against their definition: ticks grouped by hand, whatever order, repeats, lateness and interruptions they came with."""

from collections.abc import Iterable, Sequence
from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from theo.domain.market_data import DAY, HOUR, MINUTE, SECOND, UNUSABLE, Bar, SessionScope, Tick, TickFlag
from theo.domain.timeframe import timeframe
from theo.market.bars import BarTree
from theo.market.longer_bars import LongerBars
from theo.market.sessions import Hours, Session, SessionTable

NAMES = ("1min", "5min", "15min", "30min", "60min", "1d")
TIMEFRAMES = [timeframe(name) for name in NAMES]
DAY_NUMBER = 20_000
OPEN = DAY_NUMBER * DAY + 9 * HOUR + 30 * MINUTE
PAUSE = (OPEN + 40 * MINUTE + 20 * SECOND, OPEN + 47 * MINUTE)
CLOSE = OPEN + 100 * MINUTE + 30 * SECOND
SPANS = ((OPEN, PAUSE[0]), (PAUSE[1], CLOSE))
TABLE = SessionTable("TEST", "test", DAY_NUMBER - 1, DAY_NUMBER + 1, (Session(DAY_NUMBER, SPANS, SPANS),))
FAR = CLOSE + DAY

FLAGS = [
    0,
    0,
    0,
    TickFlag.NOT_LAST,
    TickFlag.NOT_HIGH_LOW | TickFlag.NOT_LAST,
    TickFlag.NOT_VOLUME,
    TickFlag.OUTLIER,
    TickFlag.LATE,
]


def hours() -> Hours:
    return Hours(TABLE, SessionScope.RTH)


@st.composite
def tick_lists(draw: st.DrawFn, flags: Sequence[int] = tuple(FLAGS)) -> list[Tick]:
    """Ticks of two sources from ten minutes before the open to ten after the close, by (timestamp, seq)."""
    moment = st.integers(-10 * 60, 112 * 60).map(lambda s: OPEN + s * SECOND)
    drawn = draw(
        st.lists(
            st.tuples(moment, st.sampled_from("ab"), st.integers(1, 60), st.integers(0, 9), st.sampled_from(flags)),
            min_size=1,
            max_size=60,
        )
    )
    ticks, seqs = [], dict[tuple[int, str], int]()
    for timestamp, source, price, volume, flag in sorted(drawn):
        seq = seqs[timestamp, source] = seqs.get((timestamp, source), -1) + 1
        ticks.append(Tick(1, timestamp, timestamp, seq, 0, price, volume, int(flag), 0, source))
    return ticks


def by_definition(ticks: Iterable[Tick], name: str) -> dict[int, tuple[int, ...]]:
    """Start -> (end, open, high, low, close, volume), from DOMAIN's words alone."""
    length = timeframe(name).length
    groups: dict[int, list[Tick]] = {}
    for tick in sorted(set(ticks), key=lambda t: (t.timestamp, t.seq, t.source)):
        if any(a <= tick.timestamp < b for a, b in SPANS) and not tick.flags & (UNUSABLE & ~TickFlag.LATE):
            start = OPEN if not length else max(tick.timestamp - tick.timestamp % length, OPEN)
            groups.setdefault(start, []).append(tick)
    bars: dict[int, tuple[int, ...]] = {}
    for start, group in groups.items():
        last = [t.price for t in group if not t.flags & TickFlag.NOT_LAST]
        if last:
            ends = [t.price for t in group if not t.flags & TickFlag.NOT_HIGH_LOW] + [last[0], last[-1]]
            volume = sum(t.volume for t in group if not t.flags & TickFlag.NOT_VOLUME)
            end = CLOSE if not length else min(start - start % length + length, CLOSE)
            bars[start] = (end, last[0], max(ends), min(ends), last[-1], volume)
    return bars


def newest(bars: Iterable[Bar], name: str) -> dict[int, tuple[int, ...]]:
    """The newest revision of each bar, as ``by_definition`` writes it. Revisions must count up."""
    found: dict[int, Bar] = {}
    for bar in bars:
        if bar.timeframe == name:
            assert bar.start not in found or bar.revision > found[bar.start].revision
            assert bar.session_date == (DAY_NUMBER if name == "1d" else 0)
            assert bar.at >= bar.end
            found[bar.start] = bar
    return {start: (b.end, b.open, b.high, b.low, b.close, b.volume) for start, b in found.items()}


def delivered(ticks: Sequence[Tick], delay: int = 0) -> list[Tick]:
    """The ticks as they come in this order: core time never runs backwards."""
    at, out = 0, []
    for tick in ticks:
        at = max(at, tick.timestamp + delay)
        out.append(msgspec.structs.replace(tick, at=at))
    return out


def run(tree: BarTree, ticks: Iterable[Tick]) -> list[Bar]:
    bars = [bar for tick in ticks for bar in tree.on_tick(tick)]
    return bars + list(tree.on_time(FAR))


@given(tick_lists())
def test_bars_in_order_are_the_definition(ticks: list[Tick]) -> None:
    bars = run(BarTree(1, TIMEFRAMES, hours()), ticks)
    assert all(bar.revision == 0 for bar in bars)
    for name in NAMES:
        assert newest(bars, name) == by_definition(ticks, name)


@given(tick_lists(), st.data())
def test_any_order_and_repeats_end_in_the_same_bars(ticks: list[Tick], data: st.DataObject) -> None:
    """Whatever came late is in a revision: all of it lies within the limit of two hours, none before the first minute's ticks."""
    first = next(
        (t for t in ticks if any(a <= t.timestamp < b for a, b in SPANS) and not t.flags & (UNUSABLE & ~TickFlag.LATE)), None
    )
    shuffled = data.draw(st.permutations(ticks + data.draw(st.lists(st.sampled_from(ticks), max_size=5))))
    order = ([] if first is None else [first]) + list(shuffled)
    delay = data.draw(st.sampled_from([0, SECOND, 3 * SECOND, 10 * MINUTE]))
    tree = BarTree(1, TIMEFRAMES, hours())
    bars = run(tree, delivered(order, delay))
    assert tree.too_late == 0
    for name in NAMES:
        assert newest(bars, name) == by_definition(ticks, name)


@given(tick_lists(), st.randoms(use_true_random=False))
def test_order_and_repeats_inside_the_open_bar_change_nothing(ticks: list[Tick], rng: Random) -> None:
    minutes: dict[int, list[Tick]] = {}
    for tick in ticks:
        minutes.setdefault(tick.timestamp // MINUTE, []).append(tick)
    mixed = []
    for group in minutes.values():
        pool = [*group, rng.choice(group)]
        rng.shuffle(pool)
        mixed += pool
    # the clock stands still, so that only event time closes bars and none comes late
    still = [msgspec.structs.replace(tick, at=OPEN - HOUR) for tick in mixed]
    bars = run(BarTree(1, TIMEFRAMES, hours()), still)
    assert all(bar.revision == 0 for bar in bars)
    for name in NAMES:
        assert newest(bars, name) == by_definition(ticks, name)


@given(tick_lists(), st.integers(0, 60), st.booleans())
def test_a_run_cut_anywhere_goes_on_as_if_it_had_not_been(ticks: list[Tick], cut: int, reverse: bool) -> None:  # noqa: FBT001 - it is drawn, not passed by hand
    order = delivered(ticks[::-1] if reverse else ticks)
    whole, first, second = (BarTree(1, TIMEFRAMES, hours()) for _ in range(3))
    expected = [whole.on_tick(tick) for tick in order]
    found = [first.on_tick(tick) for tick in order[:cut]]
    second.restore(msgspec.json.decode(msgspec.json.encode(first.state())))
    found += [second.on_tick(tick) for tick in order[cut:]]
    assert found == expected
    assert second.next_due == whole.next_due
    assert second.on_time(FAR) == whole.on_time(FAR)
    assert second.state() == whole.state()


@given(tick_lists(flags=(0, TickFlag.NOT_VOLUME)), st.sampled_from([("1min", NAMES[1:]), ("5min", ("15min", "30min", "1d"))]))
def test_longer_from_shorter_is_longer_from_ticks(ticks: list[Tick], case: tuple[str, Sequence[str]]) -> None:
    short, names = case
    bars = run(BarTree(1, TIMEFRAMES, hours()), ticks)
    chain = LongerBars(1, [timeframe(name) for name in names], hours(), source="ticks")
    longer = [made for bar in bars if bar.timeframe == short for made in chain.on_bar(bar)]
    longer += chain.on_time(FAR)
    for name in names:
        assert newest(longer, name) == by_definition(ticks, name)


@given(tick_lists(flags=(0,)), st.data())
def test_shorter_bars_in_any_order_end_in_the_same_longer_bars(ticks: list[Tick], data: st.DataObject) -> None:
    bars = [bar for bar in run(BarTree(1, TIMEFRAMES[:1], hours()), ticks) if bar.timeframe == "1min"]
    order = bars[:1] + data.draw(st.permutations(bars * 2))
    chain = LongerBars(1, TIMEFRAMES[1:], hours(), source="ticks")
    cut = data.draw(st.integers(0, len(order)))
    longer = [made for bar in order[:cut] for made in chain.on_bar(bar)]
    second = LongerBars(1, TIMEFRAMES[1:], hours(), source="ticks")
    second.restore(msgspec.json.decode(msgspec.json.encode(chain.state())))
    longer += [made for bar in order[cut:] for made in second.on_bar(bar)]
    longer += second.on_time(FAR)
    assert second.too_late == 0
    for name in NAMES[1:]:
        assert newest(longer, name) == by_definition(ticks, name)
