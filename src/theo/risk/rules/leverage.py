"""Exposure is at most a multiple of equity: in total, and of stocks by a multiple of their own."""

from theo.domain.approval import Refused
from theo.domain.instrument import MICROS
from theo.risk.entry import Entry
from theo.risk.limits import STOCKS, leverage_cap


def leverage(entry: Entry) -> Refused | None:
    """Refuse what would lift leverage above its limit, and everything when there is no equity."""
    account, limits = entry.account, entry.limits
    checks = [("exposure", account.total_exposure, leverage_cap(account.equity, limits.leverage_max))]
    if entry.instrument.security_type in STOCKS:
        checks.append(("exposure in stocks", account.stock_exposure, leverage_cap(account.equity, limits.stock_leverage_max)))
    for what, before, most in checks:
        total = before + entry.worth
        if account.equity <= 0 or total > most:
            text = (
                f"{what} would be {total / MICROS:,.0f} on equity of {account.equity / MICROS:,.0f}, at most {most / MICROS:,.0f}"
            )
            return Refused("leverage", total / MICROS, most / MICROS, text)
    return None
