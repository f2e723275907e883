"""The room that answers about contracts. Prices, history and orders are other rooms'."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from theo.domain.market_data import SessionScope, Tick
from theo.gateway.client import NO_REQUEST, Client
from theo.gateway.contracts.book import Contracts
from theo.gateway.contracts.facts import Facts, Listed
from theo.gateway.contracts.hours import hours_text
from theo.gateway.contracts.market_rules import MARKET_RULES
from theo.gateway.contracts.reference import DEPTH_EXCHANGES, SMART_COMPONENTS
from theo.gateway.desk import NEVER, Desk, Handler, Listing
from theo.gateway.times import local
from theo.gateway.wire.messages import contracts as wire
from theo.gateway.wire.messages import market_data
from theo.gateway.wire.messages.contract import Contract
from theo.gateway.wire.schema import Message

NO_DEFINITION, NOT_VALID = 200, 321
SEC_TYPES = frozenset({
    "BAG", "BILL", "BOND", "CASH", "CFD", "CMDTY", "CONTFUT", "CRYPTO", "EVENT", "FOP", "FUND", "FUT", "IND",
    "IOPT", "NEWS", "OPT", "STK", "WAR",
})  # fmt: skip
LAST_TIME_SINCE = 174  # from this version on the last trading day carries its time and zone
SAMPLES_MAX = 16  # of matching symbols, as TWS


def not_valid(cause: str) -> str:
    """IB's text of a request that makes no sense; the two letters are of TWS's own inside, and mean nothing."""
    return f"Error validating request.-'bO' : cause - {cause}"


class ContractsRoom:
    """Answers of contract details, matching symbols, option parameters, market rules and the like."""

    handlers: Mapping[type[Message], Handler]

    def __init__(self, contracts: Contracts) -> None:
        self._contracts = contracts
        handlers: dict[type[Message], Callable[[Desk, Client, Any], None]] = {
            wire.ReqContractDetails: self.contract_details,
            wire.ReqMatchingSymbols: self.matching_symbols,
            wire.ReqSecDefOptParams: self.option_parameters,
            wire.ReqMarketRule: self.market_rule,
            wire.ReqFamilyCodes: self.family_codes,
            wire.ReqSoftDollarTiers: self.soft_dollar_tiers,
            market_data.ReqSmartComponents: self.smart_components,
            market_data.ReqMktDepthExchanges: self.depth_exchanges,
        }
        self.handlers = handlers

    def contract_details(self, desk: Desk, client: Client, asked: wire.ReqContractDetails) -> None:
        """Every listing that fits, and the end; error 200 for none, 321 for a description that cannot be one."""
        contract = asked.contract
        cause = _mistake(contract)
        if cause:
            client.error(asked.req_id, NOT_VALID, not_valid(cause))
            return
        found = self._contracts.find_listed(contract)
        if not found:
            client.error(asked.req_id, NO_DEFINITION, "No security definition has been found for the request")
            return
        for listed in found:
            client.send(_details(asked.req_id, listed, contract.exchange, desk.now, client.link.version or 0))
        client.send(wire.ContractDetailsEnd(asked.req_id))

    def matching_symbols(self, desk: Desk, client: Client, asked: wire.ReqMatchingSymbols) -> None:
        """Stocks, indices and currencies whose symbol begins so, then those whose name holds it."""
        del desk
        pattern = asked.pattern.strip().upper()
        stocks = list(self._contracts.stocks()) if pattern else []
        by_symbol = [each for each in stocks if each.listing.contract.symbol.startswith(pattern)]
        by_name = [each for each in stocks if each not in by_symbol and pattern in each.listing.long_name.upper()]
        client.send(wire.SymbolSamples(asked.req_id, tuple(map(_sample, (by_symbol + by_name)[:SAMPLES_MAX]))))

    def option_parameters(self, desk: Desk, client: Client, asked: wire.ReqSecDefOptParams) -> None:
        """One answer for each class and exchange, and the end. Options on futures are not listed."""
        del desk
        under = self._contracts.listing(asked.underlying_con_id)
        if under is None or under.contract.symbol != asked.underlying_symbol:
            client.error(asked.req_id, NOT_VALID, not_valid("Invalid contract id"))
            return
        if under.contract.sec_type == asked.underlying_sec_type and not asked.fut_fop_exchange:
            for trading_class, options in self._contracts.options_on(under.con_id).items():
                for exchange in options[0].valid_exchanges:
                    client.send(_parameters(asked.req_id, under, exchange, trading_class, options))
        client.send(wire.SecurityDefinitionOptionParameterEnd(asked.req_id))

    def market_rule(self, desk: Desk, client: Client, asked: wire.ReqMarketRule) -> None:
        """The steps of a rule; the request has no id to answer an unknown one on."""
        del desk
        increments = MARKET_RULES.get(asked.market_rule_id)
        if increments is None:
            client.error(NO_REQUEST, NOT_VALID, not_valid(f"Invalid market rule id {asked.market_rule_id}"))
            return
        client.send(wire.MarketRule(asked.market_rule_id, increments))

    def family_codes(self, desk: Desk, client: Client, asked: wire.ReqFamilyCodes) -> None:
        """Accounts without a family."""
        del asked
        client.send(wire.FamilyCodes(tuple(wire.FamilyCode(account, "") for account in desk.settings.accounts)))

    def soft_dollar_tiers(self, desk: Desk, client: Client, asked: wire.ReqSoftDollarTiers) -> None:
        """None: they belong to institutions."""
        del desk
        client.send(wire.SoftDollarTiers(asked.req_id, ()))

    def smart_components(self, desk: Desk, client: Client, asked: market_data.ReqSmartComponents) -> None:
        """The same letters for each map of exchanges; an empty one is a mistake."""
        del desk
        if not asked.bbo_exchange:
            client.error(asked.req_id, NOT_VALID, not_valid("Invalid BBO exchange"))
            return
        client.send(market_data.SmartComponents(asked.req_id, SMART_COMPONENTS))

    def depth_exchanges(self, desk: Desk, client: Client, asked: market_data.ReqMktDepthExchanges) -> None:
        """Exchanges with order books."""
        del desk, asked
        client.send(market_data.MktDepthExchanges(DEPTH_EXCHANGES))

    def on_tick(self, desk: Desk, tick: Tick) -> None:
        """Contracts do not change with prices."""

    def on_time(self, desk: Desk, at: int) -> None:
        """Nothing is due here."""

    def next_due(self) -> int:
        """Never."""
        return NEVER

    def on_started(self, desk: Desk, client: Client) -> None:
        """Nothing is kept of a client."""

    def on_gone(self, desk: Desk, client: Client) -> None:
        """Nothing is kept of a client."""


def _mistake(contract: Contract) -> str:
    """What makes a description no request; empty when it is one."""
    if contract.sec_type and contract.sec_type not in SEC_TYPES:
        return "Please enter a valid security type"
    if contract.con_id:
        return ""
    if not contract.sec_type and not contract.sec_id:
        return "Please enter a valid security type"
    named = contract.symbol or contract.local_symbol or contract.trading_class or contract.sec_id
    return "" if named else "Please enter a symbol or a local symbol"


def _details(req_id: int, listed: Listed, exchange: str, now: int, version: int) -> wire.ContractDetails:
    listing, facts = listed.listing, listed.facts
    contract = msgspec.structs.replace(
        listing.contract,
        exchange=exchange.partition("/")[0].partition(":")[0] or listing.contract.exchange,
        last_trade_date_or_contract_month=_last_trade(listing, facts, version),
    )
    today = local(now, listing.time_zone).date()
    return wire.ContractDetails(
        req_id=req_id,
        contract=contract,
        market_name=listing.market_name,
        min_tick=listing.min_tick,
        order_types=listing.order_types,
        valid_exchanges=",".join(listing.valid_exchanges),
        under_con_id=listing.underlying,
        long_name=listing.long_name,
        contract_month=facts.contract_month,
        industry=facts.industry,
        category=facts.category,
        subcategory=facts.subcategory,
        time_zone_id=listing.time_zone,
        trading_hours=hours_text(listing.hours, SessionScope.ALL, today, listing.time_zone),
        liquid_hours=hours_text(listing.hours, SessionScope.RTH, today, listing.time_zone),
        sec_id_list=facts.sec_ids,
        agg_group=1 if listing.contract.sec_type == "STK" else 2**31 - 1,
        under_symbol=facts.under_symbol,
        under_sec_type=facts.under_sec_type,
        market_rule_ids=",".join(map(str, listing.market_rule_ids)),
        real_expiration_date=facts.real_expiration,
        stock_type=facts.stock_type,
    )


def _last_trade(listing: Listing, facts: Facts, version: int) -> str:
    day = listing.contract.last_trade_date_or_contract_month
    return f"{day} {facts.last_time} {listing.time_zone}" if day and version >= LAST_TIME_SINCE else day


def _sample(listed: Listed) -> wire.SymbolSample:
    contract = listed.listing.contract
    return wire.SymbolSample(
        con_id=contract.con_id,
        symbol=contract.symbol,
        sec_type=contract.sec_type,
        primary_exchange=contract.primary_exchange or contract.exchange,
        currency=contract.currency,
        derivative_sec_types=listed.facts.derivatives,
        description=listed.listing.long_name,
    )


def _parameters(
    req_id: int, under: Listing, exchange: str, trading_class: str, options: list[Listing]
) -> wire.SecurityDefinitionOptionParameter:
    return wire.SecurityDefinitionOptionParameter(
        req_id=req_id,
        exchange=exchange,
        underlying_con_id=under.con_id,
        trading_class=trading_class,
        multiplier=options[0].contract.multiplier,
        expirations=tuple(sorted({each.contract.last_trade_date_or_contract_month for each in options})),
        strikes=tuple(sorted({each.contract.strike for each in options})),
    )
