"""Where IB is to execute an order: our routes as the exchanges that IB lists for a contract.

An exchange that IB renamed is known to it by either name, by login and contract: what it lists for the contract decides.
"""

from ib_async.contract import ContractDetails

from theo.domain.errors import ConfigError
from theo.domain.orders import Route

SMART = "SMART"
NAMES = {Route.NASDAQ: ("NASDAQ", "ISLAND")}  # IB calls it ISLAND on older logins


def exchange_for(route: Route, details: ContractDetails) -> str:
    """The exchange that an order of the contract names. Raises ConfigError, with what is allowed, for a route that it lacks."""
    contract = details.contract
    assert contract is not None
    found = contract.exchange if route is Route.USUAL else _listed(route, details)
    if found:
        return found
    known = ", ".join(each for each in Route if each and _listed(each, details))
    raise ConfigError(
        f"{contract.localSymbol or contract.symbol} cannot be routed {route}",
        why="IB does not execute it there",
        remedy=f"Use one of {known}",
    )


def _listed(route: Route, details: ContractDetails) -> str:
    """IB's name of the route's exchange for this contract; "" when it has none."""
    contract, listed = details.contract, details.validExchanges.split(",")
    assert contract is not None
    if route is Route.DIRECT:
        wanted = tuple(name for name in (contract.primaryExchange, contract.exchange) if name not in {"", SMART})
    else:
        wanted = NAMES.get(route, (str(route),))
    return next((name for name in wanted if name in listed), "")
