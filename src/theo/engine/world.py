"""What the core knows and never changes: instruments, sessions, limits, costs, named bounds, and the configurations it scans.

The market book is the one thing here that moves: a fold of market data, not of decisions.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from theo.domain.instrument import Instrument
from theo.domain.market_data import MINUTE, SECOND
from theo.engine.scan import NEVER, Scan
from theo.market.book import MarketBook
from theo.market.series import Series
from theo.risk.limits import Limits

# (instrument, quantity, price in units) -> micros: what entering and leaving costs, slippage included
CostEstimate = Callable[[Instrument, int, int], int]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Named bounds of the order path, in microseconds unless the name says otherwise."""

    answer_wait: int = 5 * SECOND  # an order without any answer becomes UNKNOWN: IB acknowledges within a second
    send_retry_wait: int = 2 * SECOND  # what failed to leave, or was refused, is not sent again sooner
    refused_wait_doublings: int = 6  # of that, with each refusal of the same order in a row: two minutes at most
    late_answer_wait: int = 30 * SECOND  # until then an UNKNOWN order's answer may still come
    book_retry_wait: int = 10 * SECOND  # between two asks for the broker's books
    book_interval: int = 0  # between two looks at the broker's books while nothing is amiss; 0: only for a reason
    partial_fill_wait: int = 2 * SECOND  # a bracket's parent may stay partly filled for so long
    exit_group_wait: int = 2 * SECOND  # the venue's time to reduce an exit group after a fill
    roll_wait: int = 5 * MINUTE  # a trade that is flat between two contracts waits so long for the broker's books
    spread_wait: int = MINUTE  # a trade is to be carried over by one order within; then it is closed and opened anew
    monitor_interval: int = 5 * SECOND
    breaker_rest: int = 30 * MINUTE  # the breaker holds at least for so long, and until the next account day's open
    entry_slippage_ticks: int = 1  # allowance on a MARKET entry's planned price when it is sized
    stop_after_fill: bool = False  # whether a person's IOC and FOK entries may go without a stop, which follows their fill
    margin_required: bool = False  # whether a person's entries need the broker's word on their margin before they are sent

    def refused_wait(self, refusals: int) -> int:
        """How long an order is left alone after so many refusals of cancels and changes in a row."""
        return int(self.send_retry_wait << min(max(refusals - 1, 0), self.refused_wait_doublings))


@dataclass(slots=True)
class World:
    """Everything outside the trading state that decide may read."""

    instruments: dict[int, Instrument]
    market: MarketBook
    limits: Limits
    costs: CostEstimate
    account_day: Callable[[int], tuple[int, int]]  # time -> (number of the account day, its end)
    breaker_opens: Callable[[int], int]  # time -> the next account day's first 09:30 ET
    settings: Settings = field(default_factory=Settings)
    scans: dict[str, Scan] = field(default_factory=dict)  # by configuration name
    awaiting: dict[Series, list[Scan]] = field(default_factory=dict)  # by each series that a scan awaits
    unit_values: dict[int, int] = field(init=False)  # micros of one price unit of one contract, as the instruments say

    def __post_init__(self) -> None:
        self.unit_values = {i: instrument.unit_value for i, instrument in self.instruments.items()}

    def add(self, scan: Scan) -> None:
        """Scan a further configuration."""
        self.scans[scan.key.config] = scan
        for series in scan.awaited:
            self.awaiting.setdefault(series, []).append(scan)

    def flat_at(self, config: str, opened_at: int) -> int:
        """When a trade opened at ``opened_at`` must be flat; NEVER for positional and unknown configurations."""
        scan = self.scans.get(config)
        return NEVER if scan is None else scan.terms.flat_at(opened_at)
