from xml.etree.ElementTree import fromstring

from hypothesis import given
from hypothesis import strategies as st

from theo.domain.instrument import MICROS
from theo.report.deals import EquityPoint
from theo.report.picture import DOTS, NOTHING_YET, SVG_MARGIN, sampled, svg, terminal

POINTS = st.lists(st.tuples(st.integers(0, 100), st.integers(-(10**6), 10**7)), min_size=1, max_size=40).map(
    lambda drawn: [EquityPoint(at * MICROS, equity * MICROS) for at, equity in sorted(drawn, key=lambda p: p[0])]
)


def dots(line: str) -> list[tuple[int, int]]:
    """(x, y from the top of the line) of every dot of a line of Braille."""
    return [
        (2 * n + x, y)
        for n, character in enumerate(line)
        for x, bits in enumerate(DOTS)
        for y, bit in enumerate(bits)
        if (ord(character) - 0x2800) & bit
    ]


def test_a_rise_goes_from_the_lower_left_to_the_upper_right() -> None:
    rising = [EquityPoint(n, (100_000 + n) * MICROS) for n in range(16)]
    lines = terminal(rising, columns=8, rows=4).split("\n")
    assert [line.split(" ")[0] for line in (lines[0], lines[-1])] == ["100,015", "100,000"]
    curve = [(x, 4 * row + y) for row, line in enumerate(lines) for x, y in dots(line[8:])]
    assert min(curve, key=lambda d: d[0]) == (0, 15)
    assert {y for x, y in curve if x == 15} == {0, 1}
    assert {x for x, _ in curve} == set(range(16))


@given(POINTS, st.integers(2, 40), st.integers(2, 10))
def test_every_column_has_a_dot_and_every_line_its_width(points: list[EquityPoint], columns: int, rows: int) -> None:
    lines = terminal(points, columns, rows).split("\n")
    assert len(lines) == rows
    assert len({len(line) for line in lines}) == 1
    assert {x for line in lines for x, _ in dots(line[-columns:])} == set(range(2 * columns))


@given(POINTS, st.integers(1, 50))
def test_samples_hold_the_value_last_known(points: list[EquityPoint], count: int) -> None:
    first, last = points[0].at, points[-1].at
    for n, value in enumerate(sampled(points, count)):
        moment = first + (last - first) * n // max(1, count - 1)
        assert value == [p.equity for p in points if p.at <= moment][-1]


@given(POINTS)
def test_the_svg_is_whole_says_what_it_shows_and_stays_inside_its_frame(points: list[EquityPoint]) -> None:
    text = svg(points, "A & B <demo>", width=400, height=200)
    root = fromstring(text)  # noqa: S314 - our own text
    assert "A & B <demo>" in root.attrib["aria-label"]
    assert "href" not in text
    (line,) = [e for e in root if e.tag.endswith("polyline")]
    for pair in line.attrib["points"].split(" "):
        x, y = (float(part) for part in pair.split(","))
        assert SVG_MARGIN <= x <= 400 - SVG_MARGIN
        assert SVG_MARGIN <= y <= 200 - SVG_MARGIN


def test_no_equity_is_said_in_words() -> None:
    assert terminal([]) == NOTHING_YET
    assert NOTHING_YET in svg([], "run")
