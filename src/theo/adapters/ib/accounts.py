"""Whose account it is: a paper account's number begins with D, whatever the port says. Real money needs the mode's word."""

from collections.abc import Sequence

from theo.adapters.ib.settings import IbSettings
from theo.domain.errors import ConfigError

PAPER = "D"  # DU..., DF... (advisors), DI...
LIVE_PORTS = frozenset({7496, 4001})


def is_paper(account: str) -> bool:
    """Whether an account number is of a paper account."""
    return account.startswith(PAPER)


def check_account(accounts: Sequence[str], settings: IbSettings) -> str:
    """The account to trade. Raises ConfigError when it is not there, not clear, or of the other kind than the mode says."""
    listed = ", ".join(accounts) or "none"
    if settings.account and settings.account not in accounts:
        raise ConfigError(
            f"account {settings.account} is not one of the login's ({listed})", where="[ib] account", remedy="Name one of them"
        )
    if not settings.account and len(accounts) != 1:
        raise ConfigError(f"the login has several accounts ({listed})", where="[ib] account", remedy="Name the one to trade")
    account = settings.account or accounts[0]
    if settings.read_only:
        return account
    if settings.live and is_paper(account):
        raise ConfigError(
            f"{account} is a paper account, and the mode is live",
            where="mode",
            remedy='Set mode = "paper", or log in to the live account',
        )
    if not settings.live and not is_paper(account):
        raise ConfigError(
            f"{account} is an account of real money, and the mode is not live",
            where="mode",
            why="no order may reach it",
            remedy='Log TWS in to the paper account. Trading real money needs mode = "live" and its confirmation',
        )
    return account
