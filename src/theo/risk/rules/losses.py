"""Loss limits: of the account day, and from the account's high-water mark. Reaching one trips the circuit breaker."""

from theo.domain.approval import Refused
from theo.domain.instrument import MICROS
from theo.risk.account import AccountView
from theo.risk.entry import Entry
from theo.risk.limits import UNLIMITED, Cap, Limits, cash_cap, percent_cap


def daily_loss_max(day_start_equity: int, limits: Limits) -> int:
    """The loss of one account day, micros, at which the breaker trips: the tighter of per cent and cash."""
    percent = drop_max(day_start_equity, limits.daily_loss_percent_max)
    if limits.daily_loss_cash_max == UNLIMITED:
        return percent
    return min(percent, cash_cap(limits.daily_loss_cash_max))


def drop_max(equity: int, limit: Cap) -> int:
    """The fall from an equity, micros, that reaches a limit in per cent of it; 0 where there was no equity to lose."""
    return percent_cap(equity, limit) if equity > 0 else 0


def loss_floor(day_start_equity: int, high_water: int, limits: Limits) -> int:
    """The lowest equity, micros, at which no loss limit is reached. Asked at each bar while a trade is open: kept short."""
    daily = day_start_equity - daily_loss_max(day_start_equity, limits)
    drawdown = high_water - drop_max(high_water, limits.drawdown_percent_max)
    return max(daily, drawdown) + 1


def losses(account: AccountView, limits: Limits) -> Refused | None:
    """The limit that is reached; None while both hold. Daily loss is the change of equity, open profit included."""
    daily = account.day_start_equity - account.equity
    most = daily_loss_max(account.day_start_equity, limits)
    if daily >= most:
        text = f"lost {daily / MICROS:,.2f} today, trading stops at {most / MICROS:,.2f}"
        return Refused("daily_loss", daily / MICROS, most / MICROS, text)
    depth = account.high_water - account.equity
    deepest = drop_max(account.high_water, limits.drawdown_percent_max)
    if depth >= deepest:
        text = f"{depth / MICROS:,.2f} below the high-water mark, trading stops at {deepest / MICROS:,.2f}"
        return Refused("drawdown", depth / MICROS, deepest / MICROS, text)
    return None


def loss_limits(entry: Entry) -> Refused | None:
    """Refuse an entry once a loss limit is reached, tripped breaker or not."""
    return losses(entry.account, entry.limits)
