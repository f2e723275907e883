"""A run's executions, split over the accounts that take part in it.

An entry is split by the accounts' ratio, an exit by what each account holds of the trade: no account is closed beyond what it
holds. What is executed in excess of that (an exit that filled twice) goes by the ratio.
"""

from collections.abc import Iterable, Mapping

import msgspec

from theo.domain.facts import Fact, Filled, FillRevised, OrdersIntended, TradeIntended
from theo.domain.orders import Side
from theo.report.allocation import AccountMethod, allocate, by_weight
from theo.report.lots import Execution


class Shares(msgspec.Struct, frozen=True):
    """Accounts by the ratio in which they take part, in their order, and how each fill is split."""

    ratio: Mapping[str, int]
    method: AccountMethod = AccountMethod.PRO_RATA


def account_fills(facts: Iterable[Fact], shares: Shares) -> list[Execution]:
    """Every execution as it stands now, corrections and late charges in it, by account, in the order in which they came."""
    split, found = _Split(shares), dict[str, Filled]()
    for fact in facts:
        if isinstance(fact, TradeIntended):
            split.sides[fact.id] = fact.side
        if isinstance(fact, TradeIntended | OrdersIntended):
            split.wanted |= {order.id: by_weight(order.quantity, shares.ratio) for order in fact.approved.subject.orders}
        elif isinstance(fact, Filled):
            found[fact.execution] = fact
        elif isinstance(fact, FillRevised):
            _revise(found, fact)
    return [part for fill in found.values() if fill.quantity for part in split.parts(fill)]


def _revise(found: dict[str, Filled], fact: FillRevised) -> None:
    name = next((old for old in (*fact.replaces, fact.execution) if old in found), "")
    if name:
        was = found[name]
        quantity, charges = was.quantity + fact.quantity, was.charges + fact.charges
        found[name] = msgspec.structs.replace(was, price=fact.price, quantity=quantity, charges=charges)


class _Split:
    """``wanted``: what each account is still to get of an order; ``_held``: what it holds of a trade."""

    def __init__(self, shares: Shares) -> None:
        self._shares = shares
        self.sides: dict[str, Side] = {}
        self.wanted: dict[str, dict[str, int]] = {}
        self._held: dict[str, dict[str, int]] = {}

    def parts(self, fill: Filled) -> list[Execution]:
        """The fill by account; the charges of a part are rounded down, and the last part takes the rest."""
        held = self._held.setdefault(fill.trade, dict.fromkeys(self._shares.ratio, 0))
        enters = fill.side is self.sides[fill.trade]
        waiting = self.wanted[fill.order] if enters else held
        sizes, left, parts = self._sizes(fill.quantity, waiting), fill.charges, []
        for place, (account, size) in enumerate(sizes.items(), start=1):
            cost = left if place == len(sizes) else fill.charges * size // fill.quantity
            left -= cost
            held[account] += size if enters else -size
            if enters:
                waiting[account] = waiting.get(account, 0) - size
            signed = fill.side.sign * size
            parts.append(Execution(account, fill.instrument, fill.timestamp, signed, fill.price, cost))
        return parts

    def _sizes(self, quantity: int, waiting: Mapping[str, int]) -> dict[str, int]:
        open_ = {account: size for account, size in waiting.items() if size > 0}
        within = min(quantity, sum(open_.values()))
        sizes = allocate(within, open_, self._shares.method) if within else {}
        if quantity > within:
            for account, size in by_weight(quantity - within, self._shares.ratio).items():
                sizes[account] = sizes.get(account, 0) + size
        return sizes
