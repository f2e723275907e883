"""One market for two runs: what the feed and the warm-up say goes to the broker's run first, then to the one beside it.

Each is told of its own instruments and series alone. What the feed is asked for follows from what the broker's run lacks; of
instruments that it does not read, from what the other one does.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from theo.domain.inputs import Input
from theo.domain.market_data import SECOND, Bar, ContractRolled, DataMarked, MarketData, Tick
from theo.engine.core import Core
from theo.market.series import Series
from theo.runtime.warm_up import goes_on

Post = Callable[[Input], None]


class Reading:
    """What a run reads, and how far it knows it. ``heard``: its last ticks before it began, by instrument, microseconds UTC.

    ``series`` are the core's own, so that they show what it knows by now.
    """

    def __init__(self, core: Core, heard: Mapping[int, int]) -> None:
        self._core = core
        self.series = {(one.instrument.id, one.timeframe.name): one for one in core.world.market.every_series()}
        self.instruments = {instrument for instrument, _ in self.series} | core.world.options.keys()
        self.heard = {one: heard[one] for one in sorted(self.instruments) if one in heard}

    @property
    def fronts(self) -> dict[int, str]:
        """The contract that trades, of each instrument that rolls."""
        return {one: front.name for one, front in self._core.state.fronts.items() if one in self.instruments}

    def open_contract(self, one: int) -> str:
        """The contract in which something is open, or may become so, of an instrument that stands for one; "" for nothing."""
        state = self._core.state
        trades = (state.trades[trade] for trade in state.open_trades)
        found = next((trade.contract for trade in trades if trade.instrument == one), "")
        return found or (self.fronts.get(one, "") if state.positions.get(one) else "")

    def last(self, one: int) -> int:
        """The newest price of an instrument, price units; 0 without one."""
        return self._core.world.market.last.get(one, 0) if one in self.instruments else 0

    @property
    def options_open(self) -> set[tuple[int, str]]:
        """The options in which something is open, each with what stands for it."""
        return {(one, name) for one in self._core.world.options if (name := self.open_contract(one))}

    @property
    def options_named(self) -> dict[str, int]:
        """By name the options of all orders that are remembered, and what stood for each of them last."""
        orders = (held.order for held in self._core.state.orders.values())
        named = {order.contract: order.instrument for order in orders if order.instrument in self._core.world.options}
        return named | {front: one for one, front in self.fronts.items() if one in self._core.world.options}

    def lacks(self, item: MarketData) -> bool:
        """Whether it is of its instruments, and news: what was known before, or when it began, is none."""
        if item.instrument not in self.instruments:
            return False
        if isinstance(item, Tick):
            return item.timestamp // SECOND > self.heard.get(item.instrument, 0) // SECOND
        if isinstance(item, Bar):
            one = self.series.get((item.instrument, item.timeframe))
            return one is not None and item.end > one.last_end
        if isinstance(item, ContractRolled) and item.instrument in self._core.world.options:
            return self.fronts.get(item.instrument) != item.contract  # told to each run for itself
        if isinstance(item, ContractRolled):
            return self.fronts.get(item.instrument, item.previous) == item.previous
        return True


class SharedMarket:
    """``post`` takes what one run alone would be posted. ``leading`` is the broker's run: what it is posted never waits."""

    def __init__(self, leading: Reading, post: Post, beside: Reading, post_beside: Post) -> None:
        self.leading, self.beside = leading, beside
        self._post, self._post_beside = post, post_beside

    def post(self, item: Input) -> None:
        """An item of the market, or a mark of it."""
        assert isinstance(item, Tick | Bar | DataMarked | ContractRolled)
        if item.instrument in self.leading.instruments and (type(item) is not Bar or self.leading.lacks(item)):
            self._post(item)
        if item.instrument in self.beside.instruments:
            self._post_beside(item)

    @property
    def heard(self) -> dict[int, int]:
        """When each instrument was heard last by the run that leads in it."""
        own = {one: at for one, at in self.beside.heard.items() if one not in self.leading.instruments}
        return self.leading.heard | own

    def series(self, now: int, rolling: Collection[int]) -> Sequence[Series]:
        """Every series that is read, those of the broker's run first; of one that both read that which knows less.

        Of what rolls (``rolling``), or goes on where the broker's run ended, only what that run knows counts.
        """
        found = dict(self.leading.series)
        for key, one in self.beside.series.items():
            instrument, _ = key
            led = instrument in rolling or goes_on(instrument, self.leading.heard, now)
            if key not in found or (not led and one.last_end < found[key].last_end):
                found[key] = one
        return list(found.values())
