"""What the rules see of an account: computed from the trading state by the engine, money in micros."""

import msgspec


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """``open_risk`` and ``exposure`` include working and UNKNOWN entries. ``reconciled``: the broker's books agree with ours."""

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
