"""Gathering a rule set's numbers at a bar end, in the order of its plan: prices as decimals, missing ones as NaN. Hot path."""

from collections.abc import Callable
from math import isnan
from operator import attrgetter
from typing import NamedTuple, cast

from theo.domain.market_data import MINUTE, Bar
from theo.domain.timeframe import timeframe
from theo.market.indicators.column import Column
from theo.market.sessions import Hours
from theo.market.wall_clock import WallClock
from theo.strategy.compiled import Values
from theo.strategy.due import LastDue, closes_with
from theo.strategy.generated import Text
from theo.strategy.operand import Operand
from theo.strategy.ruleset import RuleSet, plan_of
from theo.strategy.trading_window import DAY_NAMES, THURSDAY
from theo.strategy.view import CorrelationView, MarketView, SeriesView

NAN = float("nan")
QUARTER = 15 * MINUTE  # every zone has stood whole quarters from UTC since 1972
Source = SeriesView | CorrelationView  # what a number comes from: it exists while ``last_end`` is the end that is due
Clock = Callable[[int], float]


class Reading(NamedTuple):
    """How one number is read: a field of a series' bar or a column, over ``unit``, or a clock. ``before``: of the bar before."""

    unit: float
    before: bool
    series: SeriesView | None = None
    field: str = ""
    column: Column | None = None
    clock: Clock | None = None


class Numbers:
    """``read`` gives the values of one bar end, NaN for what has no value of its due bar; ``index`` says where each stands.

    ``readings`` say the same number by number; they are all where ``prompt``: when no series' due end is another one's.
    """

    __slots__ = ("_awaited", "_clocks", "_each", "index", "prompt", "read", "readings")

    def __init__(self, ruleset: RuleSet, view: MarketView) -> None:
        operands = plan_of(ruleset).numbers
        self.index = {operand: at for at, operand in enumerate(operands)}
        sources = _sources(ruleset, view, operands)
        self._awaited = _awaited(ruleset, view, sources)
        columns = {o: _column(ruleset, view, o) for o in operands if o.is_indicator or o.is_correlation}
        self._clocks = tuple(_clock(ruleset, view, o) for o in operands if o.is_clock)
        self._each = tuple((*sources[o], _alone(view, o, columns.get(o))) for o in operands if not o.is_clock)
        self.read = self._reader(view, operands, sources, columns)
        clocks = iter(self._clocks)
        self.readings = tuple(
            Reading(1.0, before=False, clock=next(clocks)) if o.is_clock else _reading(view, o, columns.get(o)) for o in operands
        )
        self.prompt = all(due is None for _, due in self._awaited)

    def _reader(
        self,
        view: MarketView,
        operands: tuple[Operand, ...],
        sources: dict[Operand, tuple[Source, LastDue | None]],
        columns: dict[Operand, Column],
    ) -> Callable[[int], Values]:
        """The function that reads all numbers in a row while none is missing."""
        text = Text("end")
        otherwise = f"return {text.name(self._read_each)}(end)"
        for source, due in dict.fromkeys(sources.values()):
            name = text.name(source)
            if due is None:
                text.add(f"if {name}.last_end != end: {otherwise}")
            else:
                text.add(f"if not ({text.name(due)}(end) <= {name}.last_end <= end and {name}.last_end): {otherwise}")
        clocks = iter(self._clocks)
        reads = [
            f"{text.name(next(clocks))}(end)" if o.is_clock else _expression(view, o, columns.get(o), text) for o in operands
        ]
        text.add(f"return ({''.join(f'{read}, ' for read in reads)})")
        return cast("Callable[[int], Values]", text.make())

    def ready(self, end: int) -> bool:
        """Whether every series has closed its last bar that is due by ``end``."""
        for series, due in self._awaited:  # noqa: SIM110 - a generator would cost as much as everything it asks
            if series.last_end < (end if due is None else due(end)):
                return False
        return True

    def _read_each(self, end: int) -> Values:
        """As ``read``, when something is missing: number by number."""
        values = []
        for source, due, alone in self._each:
            fresh = source.last_end == end if due is None else due(end) <= source.last_end <= end
            values.append(alone() if fresh and source.last_end else NAN)
        return (*values, *(clock(end) for clock in self._clocks))


def recorded(values: Values) -> tuple[float | None, ...]:
    """Values as they are recorded: None where one did not exist."""
    total = sum(values)
    if total == total:  # noqa: PLR0124 - not NaN, so none of them is
        return tuple(values)
    return tuple(None if isnan(value) else value for value in values)


def _sources(ruleset: RuleSet, view: MarketView, operands: tuple[Operand, ...]) -> dict[Operand, tuple[Source, LastDue | None]]:
    """What each operand comes from, and which end of it is due where that is not the decision's own."""
    naming = ruleset.naming
    decision = timeframe(naming.timeframe)
    found: dict[Operand, tuple[Source, LastDue | None]] = {}
    series: dict[tuple[str, str], tuple[Source, LastDue | None]] = {}  # one of each, so that each is asked once a bar end
    for operand in operands:
        if operand.is_correlation:
            pair = view.correlation(ruleset.correlation, naming.primary, operand.symbol, naming.timeframe)
            found[operand] = (pair, None)
        elif not operand.is_clock:
            frame = timeframe(operand.timeframe)
            place = (operand.symbol, operand.timeframe)
            if place not in series:
                due = None if closes_with(decision, frame) else LastDue(frame, view.sessions(operand.symbol))
                series[place] = (_series(view, operand), due)
            found[operand] = series[place]
    return found


def _awaited(
    ruleset: RuleSet, view: MarketView, sources: dict[Operand, tuple[Source, LastDue | None]]
) -> tuple[tuple[SeriesView, LastDue | None], ...]:
    """Every series that is read, the primary first, also those behind correlations."""
    naming = ruleset.naming
    found: dict[tuple[str, str], tuple[SeriesView, LastDue | None]] = {
        (naming.primary, naming.timeframe): (view.series(naming.primary, naming.timeframe), None)
    }
    for operand, (_, due) in sources.items():
        found.setdefault((operand.symbol, operand.timeframe), (_series(view, operand), due))
    return tuple(found.values())


def _series(view: MarketView, operand: Operand) -> SeriesView:
    return view.series(operand.symbol, operand.timeframe)


def _unit(view: MarketView, operand: Operand) -> float:
    """Price units in 1.0, for what is in price units."""
    return float(10 ** _series(view, operand).instrument.price_decimals) if operand.in_price_units else 1.0


def _column(ruleset: RuleSet, view: MarketView, operand: Operand) -> Column:
    if operand.is_indicator:
        return view.column(operand.symbol, operand.timeframe, operand.name)
    naming = ruleset.naming
    return view.correlation(ruleset.correlation, naming.primary, operand.symbol, naming.timeframe).column


def _field(view: MarketView, operand: Operand) -> Callable[[], float]:
    """A field of the newest bar or the one before; NaN where there is no bar."""
    series, unit, lagged = _series(view, operand), _unit(view, operand), bool(operand.lag)
    of: Callable[[Bar], int] = attrgetter(operand.name)

    def read() -> float:
        bar = series.previous_bar if lagged else series.bar
        return NAN if bar is None else of(bar) / unit

    return read


def _expression(view: MarketView, operand: Operand, column: Column | None, text: Text) -> str:
    """What reads a number whose source has closed the bar that is due."""
    unit = text.name(_unit(view, operand))
    if column is not None:
        read = f"{text.name(column)}.{'previous' if operand.lag else 'value'}"
        return f"{read} / {unit}" if operand.in_price_units else read
    series = text.name(_series(view, operand))
    if operand.lag:
        return f"({text.name(NAN)} if {series}.previous_bar is None else {series}.previous_bar.{operand.name} / {unit})"
    return f"{series}.bar.{operand.name} / {unit}"


def _reading(view: MarketView, operand: Operand, column: Column | None) -> Reading:
    unit, before = _unit(view, operand), bool(operand.lag)
    if column is not None:
        return Reading(unit, before, column=column)
    return Reading(unit, before, series=_series(view, operand), field=operand.name)


def _alone(view: MarketView, operand: Operand, column: Column | None) -> Callable[[], float]:
    if column is None:
        return _field(view, operand)
    unit = _unit(view, operand)
    return (lambda: column.previous / unit) if operand.lag else (lambda: column.value / unit)


def _clock(ruleset: RuleSet, view: MarketView, operand: Operand) -> Clock:
    if operand.name == "minutes_to_close":
        return _minutes_to_close(view.sessions(ruleset.naming.primary))
    wall = view.wall_clock(ruleset.window.zone)
    return _weekday(wall) if operand.name == "weekday" else MinutesOfDay(wall).at


class MinutesOfDay:
    """Local time of day in minutes; the quarter's beginning is kept, since midnights and clock changes come at full quarters."""

    __slots__ = ("_minutes", "_quarter", "_wall")

    def __init__(self, wall: WallClock) -> None:
        self._wall = wall
        self._quarter, self._minutes = -QUARTER, 0

    def at(self, end: int) -> float:
        """The local time of an instant."""
        since = end - self._quarter
        if not 0 <= since < QUARTER:
            since = end % QUARTER
            self._quarter = end - since
            self._minutes = self._wall.time_of_day(self._quarter) // MINUTE
        return self._minutes + since / MINUTE


def _weekday(wall: WallClock) -> Clock:
    """Monday is 1."""
    return lambda end: float((wall.day(end) + THURSDAY) % len(DAY_NAMES) + 1)


def _minutes_to_close(hours: Hours) -> Clock:
    """Of the session that the bar belongs to; 0 at its close."""

    def minutes(end: int) -> float:
        session = hours.session_around(end - 1)
        return 0.0 if session is None else (hours.bounds(session)[1] - end) / MINUTE

    return minutes
