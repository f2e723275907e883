"""Bad single ticks: outliers and crossed quotes are flagged, never dropped; a settlement is compared with the last trade.

What a flag means for bars is in domain/market_data.py. Missing data is in gaps.py, silence in trust.py.

Outliers follow the filter of Brownlees and Gallo, "Financial econometric analysis at ultra-high frequency: data handling
concerns" (Computational Statistics & Data Analysis 51, 2006): a price is bad when it lies more than z standard deviations plus a
granularity from the mean of its neighbours. Theirs look both ways; live there are only earlier ones, so z is wider, and a level
that persists is accepted. All of it is exact integer arithmetic.
"""

from collections import deque

import msgspec

from theo.domain.market_data import Tick, TickFlag, TickKind
from theo.market.sessions import Hours


class OutlierLimits(msgspec.Struct, frozen=True, kw_only=True):
    """When a price is an outlier, and when a new level is believed."""

    window: int = 60  # accepted prices compared with: Brownlees and Gallo's k for liquid stocks
    z: int = 8  # standard deviations; theirs is 3 around a centred mean, a trailing mean lags behind a trend
    granularity_ticks: int = 10  # added, since a quiet window has no deviation; theirs is 2 to 6 cents
    granularity_permille: int = 0  # added too, as a share of the price
    confirmations: int = 5  # so many in a row at a new level are a level: bad prints come in ones and twos
    warm_up: int = 8  # below so many accepted prices the window says little:
    warm_up_permille: int = 10  # the band is then this share of the price,
    warm_up_confirmations: int = 2  # and two against one are believed: the first tick may be the bad one


class OutlierFilter:
    """Outliers of one instrument's prices, one by one."""

    __slots__ = ("_prices", "_squares", "_sum", "_suspects", "limits", "tick_size")

    def __init__(self, tick_size: int, limits: OutlierLimits | None = None) -> None:
        self.limits, self.tick_size = limits or OutlierLimits(), tick_size
        self._prices: deque[int] = deque()
        self._sum = self._squares = 0
        self._suspects: list[int] = []

    def is_outlier(self, price: int) -> bool:
        """Take the next price (price units); whether it is to be flagged.

        Prices at a new level stay flagged until it is confirmed; with the confirming price the window begins anew there.
        """
        if not self._prices or self._near(price):
            self._suspects.clear()
            self._accept(price)
            return False
        if self._suspects and not self._same_level(price):
            self._suspects.clear()
        self._suspects.append(price)
        warm = len(self._prices) >= self.limits.warm_up
        if len(self._suspects) < (self.limits.confirmations if warm else self.limits.warm_up_confirmations):
            return True
        level = self._suspects
        self.restart()
        for confirmed in level:
            self._accept(confirmed)
        return False

    def restart(self) -> None:
        """Forget all prices: a new session may open anywhere."""
        self._prices.clear()
        self._sum = self._squares = 0
        self._suspects = []

    def _near(self, price: int) -> bool:
        """|price - mean| <= z * deviation + granularity, multiplied out by the count so that it stays exact."""
        n = len(self._prices)
        granularity = self.limits.granularity_ticks * self.tick_size * n + self.limits.granularity_permille * self._sum // 1000
        beyond = abs(price * n - self._sum) - granularity
        if beyond <= 0:
            return True
        if n < self.limits.warm_up:
            return beyond * 1000 <= self.limits.warm_up_permille * abs(self._sum)
        return beyond * beyond <= self.limits.z * self.limits.z * (n * self._squares - self._sum * self._sum)

    def _same_level(self, price: int) -> bool:
        """Whether a suspect is nearer to the suspect before than a quarter of that one's distance to the old level."""
        before, n = self._suspects[-1], len(self._prices)
        return abs(price - before) * 4 * n <= abs(before * n - self._sum)

    def _accept(self, price: int) -> None:
        self._prices.append(price)
        self._sum += price
        self._squares += price * price
        if len(self._prices) > self.limits.window:
            oldest = self._prices.popleft()
            self._sum -= oldest
            self._squares -= oldest * oldest

    def state(self) -> object:
        """Plain values that ``restore`` takes back."""
        return [list(self._prices), list(self._suspects)]

    def restore(self, state: object) -> None:
        """Go on where ``state`` was taken."""
        prices, suspects = msgspec.convert(state, tuple[list[int], list[int]])
        self.restart()
        for price in prices:
            self._accept(price)
        self._suspects = suspects


class TickQuality:
    """Flags the ticks of one instrument: OUTLIER on prices, CROSSED on quotes. The outlier window begins anew each session.

    ``hours`` is the whole session (ALL). A tick that comes with a flag (a sale condition, a vendor's mark) keeps it and is not
    judged: it teaches the window nothing. A settlement is compared with the last trade instead (check_settlement).
    """

    __slots__ = ("_ask", "_bid", "_outliers", "_session_end", "hours")

    def __init__(self, hours: Hours, tick_size: int, limits: OutlierLimits | None = None) -> None:
        self.hours = hours
        self._outliers = OutlierFilter(tick_size, limits)
        self._session_end = 0
        self._bid = self._ask = 0  # 0: none known

    def on_tick(self, tick: Tick) -> Tick:
        """The tick, with the flags it deserves added. Raises DataError outside the session table."""
        if tick.timestamp >= self._session_end:
            self._new_session(tick.timestamp)
        flags = 0
        if tick.kind == TickKind.BID or tick.kind == TickKind.ASK:  # noqa: PLR1714 - two comparisons cost less than a tuple
            flags = self._quote(tick)
        elif tick.kind != TickKind.SETTLEMENT and not tick.flags and self._outliers.is_outlier(tick.price):
            flags = int(TickFlag.OUTLIER)
        return msgspec.structs.replace(tick, flags=tick.flags | flags) if flags else tick

    def _new_session(self, timestamp: int) -> None:
        self._outliers.restart()
        session = self.hours.session_around(timestamp)
        self._session_end = self.hours.next_open(timestamp) if session is None else self.hours.bounds(session)[1]

    def _quote(self, tick: Tick) -> int:
        """CROSSED when the bid lies above the ask; equal is locked, which happens in good markets. A price up to 0 is none."""
        if tick.kind == TickKind.BID:
            self._bid = tick.price
        else:
            self._ask = tick.price
        return int(TickFlag.CROSSED) if self._bid > self._ask > 0 else 0

    def state(self) -> object:
        """Plain values that ``restore`` takes back."""
        return [self._session_end, self._bid, self._ask, self._outliers.state()]

    def restore(self, state: object) -> None:
        """Go on where ``state`` was taken."""
        self._session_end, self._bid, self._ask, kept = msgspec.convert(state, tuple[int, int, int, list[object]])
        self._outliers.restore(kept)


class SettlementDiffers(msgspec.Struct, frozen=True):
    """A settlement price lies farther from the session's last trade than it may."""

    settlement: int
    last: int
    distance_ticks: float


def check_settlement(settlement: int, last: int, tick_size: int, distance_ticks_max: int) -> SettlementDiffers | None:
    """Compare a settlement with the last trade (price units); None when they agree within ``distance_ticks_max`` ticks."""
    distance = abs(settlement - last)
    return SettlementDiffers(settlement, last, distance / tick_size) if distance > distance_ticks_max * tick_size else None
