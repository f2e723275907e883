"""Whose an order is: one account, or shares of several by an advisor's method."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from theo.gateway.accounts.ledger import Ledgers
from theo.gateway.accounts.valuation import worth
from theo.gateway.desk import Desk, Listing
from theo.gateway.request_refused import RequestRefusedError, invalid
from theo.gateway.trading.terms import Terms
from theo.gateway.wire.messages.order import Order

PERCENT = 100
EVERYBODY = "All"
NOT_ENOUGH = RequestRefusedError(426, "None of the accounts have enough shares.")


def shares(desk: Desk, ledgers: Ledgers, order: Order, terms: Terms, listing: Listing) -> dict[str, int]:
    """Quantity by account; in all the order's, except by PctChange. Raises RequestRefusedError for accounts that are none."""
    accounts = desk.settings.accounts
    if order.fa_group:
        return _of_group(desk, ledgers, order, terms, listing)
    if order.account:
        if order.account not in accounts:
            raise invalid("bN", f"Invalid account code '{order.account}'.")
        return {order.account: terms.quantity}
    if len(accounts) > 1:
        raise RequestRefusedError(435, "You must specify an account.")
    return {accounts[0]: terms.quantity}


def _of_group(desk: Desk, ledgers: Ledgers, order: Order, terms: Terms, listing: Listing) -> dict[str, int]:
    members = desk.settings.accounts if order.fa_group == EVERYBODY else desk.settings.account_groups.get(order.fa_group)
    if not members:
        raise RequestRefusedError(332, "The account codes for the order profile are invalid.")
    if order.fa_method == "PctChange":
        return _percent_change(ledgers, order, listing, members)
    weights = _weights(desk, ledgers, order.fa_method, members)
    return split(terms.quantity, weights, listing.instrument.contract_size)


def _weights(desk: Desk, ledgers: Ledgers, method: str, members: Sequence[str]) -> dict[str, int]:
    """What each account's share is proportional to."""
    if method in {"", "EqualQuantity", "Equal"}:
        return dict.fromkeys(members, 1)
    if method == "NetLiq":
        return {account: max(0, worth(desk, ledgers, account).net_liquidation) for account in members}
    if method in {"AvailableEquity", "AvailEquity"}:
        return {account: max(0, worth(desk, ledgers, account).available) for account in members}
    raise RequestRefusedError(333, "Invalid share allocation syntax.")


def _percent_change(ledgers: Ledgers, order: Order, listing: Listing, members: Sequence[str]) -> dict[str, int]:
    """Each account's position grows or shrinks by the percentage; the order's own quantity does not matter."""
    try:
        percent = abs(Decimal(order.fa_percentage))
    except ArithmeticError:
        raise RequestRefusedError(333, "Invalid share allocation syntax.") from None
    held = {account: ledgers.accounts[account].holdings.get(listing.con_id) for account in members}
    found = {account: int(abs(each.quantity) * percent / PERCENT) for account, each in held.items() if each is not None}
    if not any(found.values()):
        raise NOT_ENOUGH
    return {account: size for account, size in found.items() if size}


def split(quantity: int, weights: Mapping[str, int], step: int = 1) -> dict[str, int]:
    """A quantity by weights, in whole steps: rounded down, and a step more for those whose rests are largest.

    Raises RequestRefusedError (426) when all weights are 0.
    """
    whole, steps = sum(weights.values()), quantity // step
    if not whole:
        raise NOT_ENOUGH
    found = {account: steps * weight // whole for account, weight in weights.items()}
    by_rest = sorted(weights, key=lambda account: -(steps * weights[account] % whole))
    for account in by_rest[: steps - sum(found.values())]:
        found[account] += 1
    return {account: size * step for account, size in found.items() if size}


def fill_shares(quantity: int, wanted: Mapping[str, int], got: Mapping[str, int]) -> dict[str, int]:
    """Which accounts an execution belongs to: in proportion to what each still waits for."""
    waits = {account: size - got.get(account, 0) for account, size in wanted.items() if size > got.get(account, 0)}
    return split(quantity, waits) if waits else {}
