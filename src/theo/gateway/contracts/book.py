"""The contract book of one day: everything listed, found as TWS finds it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

import msgspec

from theo.domain.errors import ConfigError
from theo.domain.instrument import SecurityType
from theo.domain.market_data import SessionScope
from theo.gateway.contracts.facts import Facts, Listed
from theo.gateway.contracts.hours import NYSE, TradingDays, complete
from theo.gateway.contracts.listing_rows import ListingRows
from theo.gateway.contracts.rows import ListingsFile, Row, listings_text, parse_listings
from theo.gateway.desk import Listing
from theo.gateway.wire.messages.contract import Contract
from theo.market.sessions import Hours, SessionTable

RIGHTS = {"C": "C", "CALL": "C", "P": "P", "PUT": "P"}
MONTH_CHARS = 6  # YYYYMM


class Contracts:
    """A ContractBook of what `listings.toml` lists on ``today``.

    ``tables`` are session tables by calendar name: NYSE, CME_EQUITY, CFE and VIX. Raises ConfigError when one is missing.
    """

    def __init__(self, tables: Mapping[str, SessionTable], today: date, file: ListingsFile | None = None) -> None:
        self.today = today
        rows = parse_listings(listings_text()) if file is None else file
        known = complete(tables)
        _check((*rows.spot, *rows.future, *rows.option), known)
        hours = {name: Hours(table, SessionScope.ALL) for name, table in known.items()}
        made = ListingRows(hours, rows.order_types, today, TradingDays(known[NYSE]))
        self._listed: dict[int, Listed] = {}
        self._continuous: dict[int, Listed] = {}
        self._by_text: dict[str, list[Listed]] = {}
        self._add(made.spot(row) for row in rows.spot)
        for product in rows.future:
            futures = list(made.futures(product, self._listed[product.underlying]))
            self._add(futures)
            continuous = _continuous(futures)
            self._continuous[continuous.listing.con_id] = continuous
            self._index(continuous)
        for row in rows.option:
            self._add(made.options(row, self._listed[row.underlying]))

    def _add(self, all_listed: Iterable[Listed]) -> None:
        for listed in all_listed:
            self._listed[listed.listing.con_id] = listed
            self._index(listed)

    def _index(self, listed: Listed) -> None:
        contract = listed.listing.contract
        texts = {contract.symbol, contract.local_symbol, *(pair.value for pair in listed.facts.sec_ids)}
        for text in texts:
            self._by_text.setdefault(text, []).append(listed)

    def listing(self, con_id: int) -> Listing | None:
        """The contract of a conId; a continuous future's is its front contract."""
        listed = self._listed.get(con_id)
        return None if listed is None else listed.listing

    def facts(self, con_id: int) -> Facts:
        """What contract details say beyond the listing. The conId must be listed."""
        return self._listed[con_id].facts

    def listings(self) -> Sequence[Listing]:
        """Everything listed, by conId; futures that have expired too."""
        return [self._listed[con_id].listing for con_id in sorted(self._listed)]

    def find(self, asked: Contract) -> Sequence[Listing]:
        """Every listing that fits: what is empty or 0 in the description fits everything; expired ones if asked for or named.

        Beside a conId only security type and exchange count.
        """
        return [listed.listing for listed in self.find_listed(asked)]

    def find_listed(self, asked: Contract) -> list[Listed]:
        """As ``find``, with facts."""
        fits = _tradable_so if asked.con_id else _fits
        return [listed for listed in self._candidates(asked) if fits(asked, listed)]

    def _candidates(self, asked: Contract) -> Iterator[Listed]:
        text = asked.local_symbol or asked.symbol or asked.sec_id
        if asked.con_id:
            listed = (self._continuous if asked.sec_type == "CONTFUT" else self._listed).get(asked.con_id)
            if listed is not None:
                yield listed
        elif text:
            yield from self._by_text.get(text, ())
        elif asked.trading_class:
            yield from self._listed.values()

    def stocks(self) -> Iterator[Listed]:
        """What has no end, in the order of the file."""
        for listed in self._listed.values():
            if listed.listing.contract.sec_type in {"STK", "IND", "CASH"}:
                yield listed

    def options_on(self, con_id: int) -> dict[str, list[Listing]]:
        """The options on an underlying by trading class."""
        found: dict[str, list[Listing]] = {}
        for listed in self._listed.values():
            listing = listed.listing
            if listing.underlying == con_id and listing.contract.sec_type == "OPT":
                found.setdefault(listing.contract.trading_class, []).append(listing)
        return found


def _check(rows: Iterable[Row], tables: Mapping[str, SessionTable]) -> None:
    missing = sorted({row.calendar for row in rows} - tables.keys())
    if missing:
        raise ConfigError(
            f"no session table for {', '.join(missing)}",
            where="contracts of the gateway",
            why="a contract without hours would never open",
            remedy="Give the table of each calendar that listings.toml names",
        )


def _continuous(futures: Sequence[Listed]) -> Listed:
    """The continuous future of a product: it bears the conId of its front contract, as at IB."""
    front = next(listed for listed in futures if not listed.facts.expired)
    contract = msgspec.structs.replace(front.listing.contract, sec_type="CONTFUT")
    instrument = msgspec.structs.replace(front.listing.instrument, security_type=SecurityType.CONTFUT)
    return Listed(msgspec.structs.replace(front.listing, contract=contract, instrument=instrument), front.facts)


def _tradable_so(asked: Contract, listed: Listed) -> bool:
    """Whether a contract is of the type and at the exchange that are named: all that counts beside a conId."""
    exchange = asked.exchange.replace(":", "/").partition("/")[0]
    have = listed.listing.contract.sec_type
    if asked.sec_type != have and (asked.sec_type or have == "CONTFUT"):
        return False
    return not exchange or exchange in listed.listing.valid_exchanges


def _fits(asked: Contract, listed: Listed) -> bool:
    have = listed.listing.contract
    primary = asked.exchange.replace(":", "/").partition("/")[2]
    pairs = (
        (asked.symbol, have.symbol),
        (asked.currency, have.currency),
        (asked.local_symbol, have.local_symbol),
        (asked.trading_class, have.trading_class),
        (asked.multiplier, have.multiplier),
        (asked.strike, have.strike),
        (RIGHTS.get(asked.right.upper(), ""), have.right),
    )
    return (
        all(not wanted or wanted == had for wanted, had in pairs)
        and _tradable_so(asked, listed)
        and _primary_fits(primary or asked.primary_exchange, have)
        and _date_fits(asked.last_trade_date_or_contract_month, listed)
        and (not asked.sec_id or any(asked.sec_id == pair.value for pair in listed.facts.sec_ids))
        and (not listed.facts.expired or asked.include_expired or bool(asked.local_symbol))
    )


def _primary_fits(primary: str, have: Contract) -> bool:
    known = {have.primary_exchange, have.exchange}
    if have.primary_exchange == "NASDAQ":
        known.add("ISLAND")  # its older name, still taken
    return not primary or primary in known


def _date_fits(text: str, listed: Listed) -> bool:
    """A day is the last trading day or the day of expiry, a month the contract month."""
    if not text:
        return True
    if len(text) == MONTH_CHARS:
        return text == listed.facts.contract_month
    ends = listed.listing.contract.last_trade_date_or_contract_month
    return bool(ends) and text[:8] in {ends, listed.facts.real_expiration}
