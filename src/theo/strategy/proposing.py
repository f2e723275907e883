"""From a decision to a proposal: planned entry, stop and target on the tick grid. Size and limits are risk's."""

from collections.abc import Callable
from math import isnan

import msgspec

from theo.domain.errors import ConfigError
from theo.domain.instrument import Instrument
from theo.domain.orders import OrderType, Side
from theo.domain.signals import Exit, Proposal
from theo.market.indicators.column import Column
from theo.strategy import base
from theo.strategy.compiled import Places, Values
from theo.strategy.distance import Distance, Rounding, distance_reads, price_of, stop_on_grid, target_on_grid
from theo.strategy.operand import Operand
from theo.strategy.ruleset import RuleSet, traded_close
from theo.strategy.scan_terms import asks_options
from theo.strategy.view import MarketView

NAN = float("nan")
Placing = Callable[[float, Side, Instrument, Rounding], int]


class OwnTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What a strategy's own code says of one entry; None and 0 leave it to the rule set. Prices are decimal."""

    stop: float | None = None
    target: float | None = None
    quantity: int = 0
    reason: str = ""


NO_OWN_TERMS = OwnTerms()


class Proposer:
    """Proposals of one rule set: a MARKET order planned at the close of the decision's bar.

    Stop and target are those of the primary. Where a signal becomes something else, they lie as many per cent from its close.
    """

    __slots__ = ("_close", "_columns", "_places", "_primary", "_ruleset", "_series", "instrument")

    def __init__(self, ruleset: RuleSet, view: MarketView, places: Places) -> None:
        naming = ruleset.naming
        self._ruleset, self._places = ruleset, places
        self._series = view.series(naming.primary, naming.timeframe)
        self._primary = self._series.instrument
        self.instrument = view.series(naming.ordered, naming.timeframe).instrument
        self._close = traded_close(naming) if naming.traded else None
        if not self.instrument.tradable and not asks_options(ruleset.scan):
            raise ConfigError(
                f"{naming.ordered} cannot be traded",
                where=ruleset.name,
                why="an index is quoted by last only",
                remedy='Name a future or fund on it in [symbols]: traded = "SPY"',
            )
        distances = [distance for distance in (ruleset.stop, ruleset.target) if distance is not None]
        read = [operand for distance in distances for operand in distance_reads(distance)]
        self._columns: dict[Operand, Column] = {o: view.column(o.symbol, o.timeframe, o.name) for o in read if o.is_indicator}

    def _read(self, operand: Operand, values: Values) -> float:
        """In price units, as the market holds it; NaN where the number is missing at this bar end."""
        value = values[self._places[operand]]
        if isnan(value):
            return NAN
        column = self._columns.get(operand)
        if column is not None:
            return column.previous if operand.lag else column.value
        return float(self._primary.units_nearest(value))

    def exit(self, reason: str = "") -> Exit:
        """Close the open trade."""
        return Exit(self.instrument.id, reason)

    def entry(self, side: Side, values: Values, own: OwnTerms = NO_OWN_TERMS) -> tuple[str, Proposal | None]:
        """Verdict and proposal at the newest bar; ``own`` takes the place of the rule set's stop, target and quantity.

        None is proposed, and the verdict says so, while a stop or target has no value or lies on the wrong side of the entry.
        """
        ruleset, bar = self._ruleset, self._series.bar
        if bar is None:
            return base.NOTHING, None
        entry = self._planned(bar.close, values)
        if entry is None:
            return base.NO_PRICE, None
        scale = entry / bar.close if self._close is not None else 1.0
        stop = self._placed(
            stop_on_grid, scale * self._price(ruleset.stop, own.stop, bar.close, side, values, favourable=False), side
        )
        if stop is None or (entry - stop) * side.sign <= 0:
            return base.NO_STOP, None
        target = None
        if own.target is not None or ruleset.target is not None:
            price = scale * self._price(ruleset.target, own.target, bar.close, side, values, favourable=True)
            target = self._placed(target_on_grid, price, side)
            if target is None or (target - entry) * side.sign <= 0:
                return base.NO_TARGET, None
        return (base.LONG if side is Side.BUY else base.SHORT), Proposal(
            instrument=self.instrument.id,
            side=side,
            type=OrderType.MARKET,
            entry=entry,
            stop=stop,
            target=target,
            quantity=own.quantity or ruleset.quantity,
            reason=own.reason or ruleset.name,
        )

    def _planned(self, close: int, values: Values) -> int | None:
        """The primary's close, or that of what the signal becomes, in its price units; None while there is none to scale by."""
        if self._close is None:
            return close
        value = values[self._places[self._close]]
        return None if isnan(value) or value <= 0 or close <= 0 else self.instrument.units_nearest(value)

    def _price(
        self, distance: Distance | None, own: float | None, entry: int, side: Side, values: Values, *, favourable: bool
    ) -> float:
        if own is not None:
            return own * float(10**self._primary.price_decimals)
        if distance is None:
            return NAN
        return price_of(distance, entry, side, lambda operand: self._read(operand, values), favourable=favourable)

    def _placed(self, place: Placing, price: float, side: Side) -> int | None:
        """On the tick grid; None for a price that does not exist or is not positive."""
        return place(price, side, self.instrument, self._ruleset.level_rounding) if price > 0 else None
