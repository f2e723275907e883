"""The reference strategy on NautilusTrader, whose own channels and true range it uses; stop and target rest as a bracket.

It fills a market order at the close of the bar that it was decided on, not at the next open: as many trades, at other prices.
"""

from collections import deque
from decimal import Decimal
from typing import Any

from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig, StrategyConfig
from nautilus_trader.indicators import AverageTrueRange, DonchianChannel
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TraderId, Venue
from nautilus_trader.model.instruments import Equity
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.persistence.wranglers import BarDataWrangler
from nautilus_trader.trading.strategy import Strategy
from pandas import DataFrame, DatetimeIndex

from benchmarks.reference_loop import ATR, COMMISSION, CORRELATION, DONCHIAN, QUANTITY, STOP, TARGET, THRESHOLD

VENUE = Venue("SIM")


def share(name: str) -> Equity:
    """A stock on a grid of 0.0001."""
    fee = Decimal(str(COMMISSION))
    return Equity(
        instrument_id=InstrumentId(Symbol(name), VENUE),
        raw_symbol=Symbol(name),
        currency=USD,
        price_precision=4,
        price_increment=Price.from_str("0.0001"),
        lot_size=Quantity.from_int(1),
        maker_fee=fee,
        taker_fee=fee,
        ts_event=0,
        ts_init=0,
    )


SHARES = share("REF-A"), share("REF-B")
TYPES = tuple(BarType.from_str(f"{one.id}-1-MINUTE-LAST-EXTERNAL") for one in SHARES)


class Correlation:
    """Pearson's of the last changes of two prices, by rolling sums."""

    def __init__(self, window: int) -> None:
        self._changes: deque[tuple[float, float]] = deque(maxlen=window)
        self._before: tuple[float, float] | None = None
        self._sums = [0.0] * 5
        self.value = 0.0

    def update(self, first: float, second: float) -> None:
        """The next pair of closes."""
        if self._before is not None:
            x, y = first - self._before[0], second - self._before[1]
            if len(self._changes) == self._changes.maxlen:
                self._add(*self._changes[0], -1)
            self._changes.append((x, y))
            self._add(x, y, 1)
            n, (sx, sy, sxx, syy, sxy) = len(self._changes), self._sums
            spread = (n * sxx - sx * sx) * (n * syy - sy * sy)
            self.value = (n * sxy - sx * sy) / spread**0.5 if spread > 0 else 0.0
        self._before = first, second

    def _add(self, x: float, y: float, sign: int) -> None:
        for place, term in enumerate((x, y, x * x, y * y, x * y)):
            self._sums[place] += sign * term


class Reference(Strategy):
    """The reference strategy; ``entered`` counts its trades."""

    def __init__(self) -> None:
        super().__init__(StrategyConfig())
        self.channels = DonchianChannel(DONCHIAN), DonchianChannel(DONCHIAN)
        self.range = AverageTrueRange(ATR)
        self.correlation = Correlation(CORRELATION)
        self.bar: Bar | None = None
        self.seen = self.entered = 0

    def on_start(self) -> None:
        """Called by the engine."""
        for of in TYPES:
            self.subscribe_bars(of)

    def on_bar(self, bar: Bar) -> None:
        """Called by the engine: of one minute the primary's bar comes first."""
        if bar.bar_type == TYPES[0]:
            self.bar = bar
            return
        a, b = float(self.bar.close), float(bar.close)
        self.range.handle_bar(self.bar)
        self.correlation.update(a, b)
        self.seen += 1
        (own, other), of = self.channels, SHARES[0].id
        flat = self.portfolio.is_flat(of) and not self.cache.orders_open_count(instrument_id=of)
        if self.seen > CORRELATION + 1 and flat and abs(self.correlation.value) > THRESHOLD:
            if a > own.upper and b < other.lower:
                self._enter(OrderSide.BUY, 1, a)
            elif a < own.lower and b > other.upper:
                self._enter(OrderSide.SELL, -1, a)
        own.handle_bar(self.bar)
        other.handle_bar(bar)

    def _enter(self, side: OrderSide, sign: int, close: float) -> None:
        self.entered += 1
        bracket = self.order_factory.bracket(
            instrument_id=SHARES[0].id,
            order_side=side,
            quantity=Quantity.from_int(QUANTITY),
            sl_trigger_price=SHARES[0].make_price(close - sign * STOP * self.range.value),
            tp_price=SHARES[0].make_price(close + sign * TARGET * self.range.value),
        )
        self.submit_order_list(bracket)


def engine(raw: dict[str, Any]) -> tuple[BacktestEngine, Reference]:
    """A backtest with the generator's bars loaded, ready to run once."""
    made = BacktestEngine(BacktestEngineConfig(trader_id=TraderId("BENCH-001"), logging=LoggingConfig(bypass_logging=True)))
    made.add_venue(
        venue=VENUE,
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=USD,
        starting_balances=[Money(1_000_000, USD)],
    )
    times = DatetimeIndex(raw["ts"].astype("datetime64[ns]"), tz="UTC")
    for one, of, suffix in zip(SHARES, TYPES, ("", "2"), strict=True):
        made.add_instrument(one)
        columns = {name: raw[name[0] + suffix] for name in ("open", "high", "low", "close", "volume")}
        made.add_data(BarDataWrangler(of, one).process(DataFrame(columns, index=times)))
    strategy = Reference()
    made.add_strategy(strategy)
    return made, strategy
