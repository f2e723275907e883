"""Our instruments as IB's contracts and back: looked up once per connection day, known by conId from then on.

A future is looked up by its root; the contract is the one whose last trade day is the earliest that is not over, unless the
futures roll has said which one trades. An order that names a contract means the listed one of that local symbol. What stands for
a chosen option has no contract until one is chosen; those that it has stood for are known by their names.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from ib_async.contract import Contract, ContractDetails

from theo.adapters.ib.kept_contracts import KeptContracts
from theo.adapters.ib.link import Link
from theo.adapters.ib.requests import RequestRefusedError
from theo.adapters.ib.routes import exchange_for
from theo.domain.errors import ConfigError
from theo.domain.instrument import Instrument, SecurityType
from theo.domain.option_contract import is_front
from theo.domain.orders import Route
from theo.ports.months import Month

DATE_DIGITS = 8
EPOCH = date(1970, 1, 1)
LONG_AGO = 0  # before every day that a market is looked at
OPTIONS_MAX = 500  # that are known of what stands for one: the newest
NAMED = frozenset({str(SecurityType.FUT), str(SecurityType.OPT)})  # security types whose contracts orders name


class Contracts:
    """``resolve`` asks IB for what is not ``kept``; ``contract`` and ``instrument`` answer from what was resolved."""

    def __init__(self, link: Link, kept: KeptContracts | None = None) -> None:
        self._link, self._kept = link, kept
        self._details: dict[int, ContractDetails] = {}  # by our instrument id
        self._listed: dict[int, tuple[ContractDetails, ...]] = {}  # the same with its later months, the first to end first
        self._by_con_id: dict[int, Instrument] = {}
        self._instruments: dict[int, Instrument] = {}
        self._fronts: dict[int, str] = {}  # names of the contracts that trade, where a roll or a choice has said so
        self.options: dict[str, Instrument] = {}  # by name, what stood for it last: of orders of ours, in earlier processes too
        self.held: dict[str, float] = {}  # by name, options that the account held when its books were read last

    async def resolve(self, instruments: Iterable[Instrument], today: str) -> None:
        """Ask for what is not known yet; ``today`` is YYYYMMDD. Raises ConfigError for what IB does not list, or lists twice.

        A route of the configuration that a contract cannot take is an error too.
        """
        for instrument in instruments:
            if is_front(instrument):
                self._instruments[instrument.id] = instrument
                self._listed.setdefault(instrument.id, ())
                continue
            known = self._details.get(instrument.id)
            if known is None or _over(known, today):
                self._keep(instrument, self._kept_of(instrument, today) or await self._listed_of(instrument, today))
            self.exchange(instrument.id, Route.USUAL)

    def _kept_of(self, instrument: Instrument, today: str) -> tuple[ContractDetails, ...]:
        """What an earlier start was told of the same description, in the same place, unless it is stale."""
        found = () if self._kept is None else self._kept.get(self._place(instrument), self._link.clock.now())
        return () if not found or _over(found[0], today) else found

    def _place(self, instrument: Instrument) -> str:
        """Another login, or another TWS, may list otherwise."""
        settings = self._link.settings
        return f"{settings.host}:{settings.port} {self._link.account} {wanted_contract(instrument)}"

    async def _listed_of(self, instrument: Instrument, today: str) -> tuple[ContractDetails, ...]:
        await self._link.budget.message()
        request, wanted = self._link.next_id(), wanted_contract(instrument)
        try:
            rows = await self._link.requests.by_id(request, lambda: self._link.client.reqContractDetails(request, wanted))
        except RequestRefusedError as error:
            raise ConfigError(f"IB does not list {instrument.symbol}: {error}", where="instruments") from error
        found: list[ContractDetails] = [details for (details,) in rows]
        if instrument.security_type is SecurityType.FUT:
            found = sorted((d for d in found if not _over(d, today)), key=_last_day)
        if not found or (len(found) > 1 and not (instrument.security_type is SecurityType.FUT and _months(found))):
            listed = ", ".join(f"{d.contract.localSymbol}@{d.contract.exchange}" for d in found if d.contract) or "none"
            raise ConfigError(
                f"IB lists {len(found)} contracts for {instrument.symbol} ({listed})",
                where="instruments",
                remedy="Name exchange, currency and month in instruments.toml",
            )
        if self._kept is not None:
            self._kept.put(self._place(instrument), self._link.clock.now(), tuple(found))
        return tuple(found)

    def _keep(self, instrument: Instrument, listed: tuple[ContractDetails, ...]) -> None:
        before = self._details.get(instrument.id)
        if before is not None and _named(before) == self._fronts.get(instrument.id) and _named(before) not in map(_named, listed):
            listed = (before, *listed)  # it has ended, and still trades here until the roll leaves it
        self._instruments[instrument.id], self._listed[instrument.id] = instrument, listed
        self._trades(instrument, next((each for each in listed if _named(each) == self._fronts.get(instrument.id)), listed[0]))

    def _trades(self, instrument: Instrument, details: ContractDetails) -> None:
        """It is the contract of today; those that end before it stay known."""
        self._details[instrument.id] = details
        listed = self._listed[instrument.id]
        for each in (details,) if is_front(instrument) else listed[: listed.index(details) + 1]:
            assert each.contract is not None
            self._by_con_id[each.contract.conId] = instrument

    # Which month trades

    def months(self, instrument: int) -> Sequence[Month]:
        """Implements ports.months.Months."""
        return [Month(_named(each), _day(each)) for each in self._listed.get(instrument, ()) if _named(each)]

    def trade(self, instrument: int, name: str) -> None:
        """Implements ports.months.Months, and of options ports.chains.Chains."""
        self._fronts[instrument] = name
        if is_front(self._instruments[instrument]):
            self.options[name] = self._instruments[instrument]
        found = next((each for each in self._listed.get(instrument, ()) if _named(each) == name), None)
        if found is not None:
            self._trades(self._instruments[instrument], found)

    async def trade_on(self, instrument: Instrument, name: str) -> None:
        """As ``trade``, of a contract that may have ended since: IB is asked for it. The instrument must have been resolved."""
        if name not in map(_named, self._listed[instrument.id]):
            root = wanted_contract(instrument)
            wanted = Contract(secType=root.secType, exchange=root.exchange, localSymbol=name, includeExpired=True)
            await self._link.budget.message()
            request = self._link.next_id()
            try:
                rows = await self._link.requests.by_id(request, lambda: self._link.client.reqContractDetails(request, wanted))
            except RequestRefusedError:
                rows = []  # it stays unknown: what names it is refused
            self._listed[instrument.id] = (*(details for (details,) in rows[:1]), *self._listed[instrument.id])
        self.trade(instrument.id, name)

    # Options that are chosen

    async def option(self, front: Instrument, wanted: Contract) -> ContractDetails | None:
        """What IB lists under the description of one option, kept for a day; None where it lists none."""
        settings, now = self._link.settings, self._link.clock.now()
        place = f"{settings.host}:{settings.port} {self._link.account} {wanted}"
        kept = () if self._kept is None else self._kept.get(place, now)
        if not kept:
            await self._link.budget.message()
            request = self._link.next_id()
            try:
                rows = await self._link.requests.by_id(request, lambda: self._link.client.reqContractDetails(request, wanted))
            except RequestRefusedError:
                return None
            kept = tuple(details for (details,) in rows)
            if self._kept is not None and len(kept) == 1:
                self._kept.put(place, now, kept)
        if len(kept) != 1:
            return None
        self.learn(front, kept[0])
        return kept[0]

    def learn(self, front: Instrument, details: ContractDetails) -> None:
        """An option that this may stand for."""
        self._instruments[front.id] = front
        others = (each for each in self._listed.get(front.id, ()) if _named(each) != _named(details))
        self._listed[front.id] = (details, *others)[:OPTIONS_MAX]

    def contract(self, instrument: int) -> Contract:
        """The contract that orders and subscriptions name. Raises KeyError for what was not resolved."""
        contract = self._details[instrument].contract
        assert contract is not None
        return contract

    def month(self, instrument: int, name: str) -> Contract:
        """The contract that is called ``name``, today's for "". Raises KeyError for what was not resolved, or is not listed."""
        if not name:
            return self.contract(instrument)
        for details in self._listed[instrument]:
            if details.contract is not None and _named(details) == name:
                self._by_con_id[details.contract.conId] = self._instruments[instrument]
                return details.contract
        raise KeyError(name)

    def last_trade(self, instrument: int, name: str) -> int | None:
        """The last trade day of a future's or a chosen option's contract, days since the epoch; None where nothing ends.

        So it is of what is not resolved. A contract that is listed no more has ended: LONG_AGO. Where IB names only a month it is
        that month's first day.
        """
        listed, known = self._listed.get(instrument, ()), self._instruments.get(instrument)
        if known is not None and is_front(known):
            if instrument not in self._fronts:
                return None
            name = name or self._fronts[instrument]
        elif not listed or known is None or known.security_type is not SecurityType.FUT:
            return None
        found = (each for each in listed if each.contract is not None and name in {"", _named(each)})
        return next(map(_day, found), LONG_AGO)

    def named(self, instrument: int, con_id: int, exchange: str) -> Contract:
        """A contract as an order of it names it: today's, or that of an earlier month."""
        contract = self.contract(instrument)
        return replace(contract, exchange=exchange) if con_id == contract.conId else Contract(conId=con_id, exchange=exchange)

    def exchange(self, instrument: int, route: Route) -> str:
        """Where an order goes that names ``route``, or the configuration's. Raises ConfigError for one that it cannot take."""
        symbol = self._instruments[instrument].symbol
        return exchange_for(route or self._link.settings.routes.get(symbol, Route.USUAL), self._details[instrument])

    def details(self, instrument: int) -> ContractDetails:
        """Everything that IB says of the contract: tick size, market rules, hours. Raises KeyError."""
        return self._details[instrument]

    def resolved(self, instrument: int) -> Instrument:
        """Our instrument. Raises KeyError for what was not resolved."""
        return self._instruments[instrument]

    def known(self, instrument: int) -> Instrument | None:
        """Our instrument, once its contract is resolved."""
        return self._instruments.get(instrument)

    def instrument(self, con_id: int) -> Instrument | None:
        """Our instrument of a conId; None for what is not ours. A future's earlier months stay known."""
        return self._by_con_id.get(con_id)

    def of_ours(self, contract: Contract) -> Instrument | None:
        """The instrument of a contract of one of our orders, also of a month that was traded before this process began.

        Of a spread's combination it is that of its legs.
        """
        if contract.secType == "BAG":
            futures = [each for each in self._instruments.values() if each.security_type is SecurityType.FUT]
            return next((each for each in futures if _same_symbol(each, contract)), None)
        found = self._by_con_id.get(contract.conId)
        if found is None:
            found = self.front_of(contract)
            if found is not None:
                self._by_con_id[contract.conId] = found
        return found

    def name_of(self, con_id: int) -> str:
        """What a contract of a future that is known is called; "" for others."""
        listed = (each for months in self._listed.values() for each in months)
        return next((_named(each) for each in listed if each.contract is not None and each.contract.conId == con_id), "")

    def front_of(self, contract: Contract) -> Instrument | None:
        """The future that a contract is a month of, or what has stood for an option; None for what is neither, or not known."""
        known = self._by_con_id.get(contract.conId)
        if contract.secType == SecurityType.OPT:
            return self.options.get(contract.localSymbol)
        if contract.secType != SecurityType.FUT:
            return None
        return known or next((each for each in self._instruments.values() if _same_root(each, contract)), None)


def contract_name(contract: Contract) -> str:
    """What a future's contract is called (class, letter of the month, digit of the year), or an option: IB's local symbol.

    "" for others.
    """
    return contract.localSymbol if contract.secType in NAMED else ""


def _named(details: ContractDetails) -> str:
    return "" if details.contract is None else contract_name(details.contract)


def wanted_contract(instrument: Instrument) -> Contract:
    """What is asked for: by conId where it is known for good, else by description."""
    kind = instrument.security_type
    if kind in {SecurityType.STK, SecurityType.ETF, SecurityType.IND} and instrument.token:
        return Contract(conId=instrument.token, exchange=instrument.exchange)
    return Contract(
        symbol=instrument.aliases.get("ib", instrument.symbol),
        secType="STK" if kind is SecurityType.ETF else kind.value,
        exchange=instrument.exchange,
        currency=instrument.currency,
        lastTradeDateOrContractMonth=instrument.expiry,
        strike=float(instrument.decimal(instrument.strike)),
        right=instrument.right,
        tradingClass=instrument.symbol if kind is SecurityType.FUT else "",  # VX beside its weeklies, which share a symbol
    )


def _same_root(instrument: Instrument, contract: Contract) -> bool:
    wanted = wanted_contract(instrument)
    ours = (wanted.secType, wanted.symbol, wanted.currency, wanted.tradingClass)
    return ours == (contract.secType, contract.symbol, contract.currency, contract.tradingClass)


def _same_symbol(instrument: Instrument, contract: Contract) -> bool:
    wanted = wanted_contract(instrument)
    return (wanted.symbol, wanted.currency) == (contract.symbol, contract.currency)


def _last_day(details: ContractDetails) -> str:
    """YYYYMMDD of the last trade day."""
    assert details.contract is not None
    return details.contract.lastTradeDateOrContractMonth[:DATE_DIGITS]


def _months(found: list[ContractDetails]) -> bool:
    """Whether they are months of one future: a day and a name each."""
    held = [details.contract for details in found if details.contract is not None]
    days, names = {each.lastTradeDateOrContractMonth for each in held}, {contract_name(each) for each in held}
    return len(days) == len(names) == len(found) and "" not in names


def _day(details: ContractDetails) -> int:
    text = _last_day(details)
    return (date(int(text[:4]), int(text[4:6]), int(text[6:8] or 1)) - EPOCH).days


def _over(details: ContractDetails, today: str) -> bool:
    day = _last_day(details)
    return bool(day) and day < today
