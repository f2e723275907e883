"""Loss limits: of the account day, and from the account's high-water mark. A breach trips the circuit breaker."""

from theo.domain.approval import Refused
from theo.domain.instrument import MICROS
from theo.risk.account import AccountView
from theo.risk.limits import Limits, cap


def loss_floor(day_start_equity: int, high_water: int, limits: Limits) -> float:
    """The equity (micros) under which a loss limit is breached."""
    daily = day_start_equity * (1.0 - cap(limits.daily_loss_percent_max) / 100.0)
    drawdown = high_water * (1.0 - cap(limits.drawdown_percent_max) / 100.0)
    return max(daily, drawdown)


def losses(account: AccountView, limits: Limits) -> Refused | None:
    """The breached limit; None while both hold."""
    daily = account.day_start_equity - account.equity
    most = account.day_start_equity * cap(limits.daily_loss_percent_max) / 100.0
    if daily > most:
        text = f"lost {daily / MICROS:,.2f} today, at most {most / MICROS:,.2f}"
        return Refused("daily_loss", daily / MICROS, most / MICROS, text)
    depth = account.high_water - account.equity
    deepest = account.high_water * cap(limits.drawdown_percent_max) / 100.0
    if depth > deepest:
        text = f"{depth / MICROS:,.2f} below the high-water mark, at most {deepest / MICROS:,.2f}"
        return Refused("drawdown", depth / MICROS, deepest / MICROS, text)
    return None
