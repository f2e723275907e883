"""What the rules see of an account: computed from the trading state by the engine, money in micros."""

import msgspec


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """One moment of an account. Exposure is |position + opening orders, UNKNOWN ones included| x price x multiplier.

    ``open_risk`` is what would be lost if every stop were hit now, working and UNKNOWN entries included. ``exposure`` and
    ``positions`` (signed) are by instrument id; ``committed`` is the quantity behind the exposure, |position + opening orders|,
    and ``stock_exposure`` the part of ``total_exposure`` that lies in stocks. ``reconciled``: the broker's books agree with ours.
    """

    equity: int
    day_start_equity: int
    high_water: int
    halted: bool
    breaker_tripped: bool
    reconciled: bool
    open_trades: int
    trades_today: int
    open_risk: int
    exposure: dict[int, int]
    total_exposure: int
    positions: dict[int, int]
    committed: dict[int, int] = {}
    stock_exposure: int = 0

    def held(self, instrument: int) -> int:
        """The units that count for caps on contracts: never fewer than the position itself."""
        return max(abs(self.positions.get(instrument, 0)), self.committed.get(instrument, 0))
