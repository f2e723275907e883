"""Listings made of rows: one of each share, index and currency, some of each product and class."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from itertools import islice

from theo.domain.instrument import Instrument, SecurityType
from theo.gateway.contracts import expiries
from theo.gateway.contracts.facts import Facts, Listed
from theo.gateway.contracts.numbers import FIRST_DAY, future_number, option_number
from theo.gateway.contracts.rows import FutureRow, OptionRow, Row, SpotRow
from theo.gateway.desk import Listing
from theo.gateway.wire.kinds import TagValue
from theo.gateway.wire.messages.contract import Contract
from theo.market.last_trades import IsTradingDay, month_after, trading_day_until
from theo.market.sessions import Hours

EXPIRED_LISTED = 4  # past contracts of a product that are still known
OPTION_MULTIPLIER = 100
STRIKE_THOUSANDTHS = 1000  # the strike in an option's local symbol


class ListingRows:
    """Makes listings for one day. ``hours`` by calendar name, ``order_types`` by security type."""

    def __init__(
        self, hours: Mapping[str, Hours], order_types: Mapping[str, str], today: date, is_trading_day: IsTradingDay
    ) -> None:
        self._hours, self._order_types, self._today, self._is_trading_day = hours, order_types, today, is_trading_day

    def _listing(self, row: Row, contract: Contract, kind: SecurityType, name: str, underlying: int = 0) -> Listing:
        return Listing(
            contract=contract,
            instrument=_instrument(row, contract, kind),
            hours=self._hours[row.calendar],
            long_name=row.long_name or name,
            market_name=contract.trading_class,
            min_tick=row.min_tick,
            time_zone=row.zone,
            valid_exchanges=row.exchanges,
            order_types=self._order_types[contract.sec_type],
            market_rule_ids=(row.rule,) * len(row.exchanges),
            underlying=underlying,
            fees=row.fees,
        )

    def spot(self, row: SpotRow) -> Listed:
        """A share, fund, index or currency."""
        contract = Contract(
            con_id=row.con_id,
            symbol=row.symbol,
            sec_type=row.sec_type,
            exchange=row.exchange,
            primary_exchange=row.primary_exchange,
            currency=row.currency,
            local_symbol=row.local_symbol or row.symbol,
            trading_class=row.trading_class or row.symbol,
        )
        kind = SecurityType.ETF if row.stock_type in {"ETF", "ETN"} else SecurityType(row.sec_type)
        facts = Facts(
            industry=row.industry,
            category=row.category,
            subcategory=row.subcategory,
            stock_type=row.stock_type,
            sec_ids=(TagValue("ISIN", row.isin),) if row.isin else (),
            derivatives=row.derivatives,
        )
        return Listed(self._listing(row, contract, kind, row.symbol), facts)

    def futures(self, row: FutureRow, under: Listed) -> Iterator[Listed]:
        """The contracts of a product: some expired ones, then the front and the next, oldest first."""
        back = month_after(self._today.replace(day=1), -3 * EXPIRED_LISTED)
        months = expiries.contract_months(row.cycle, back)
        dated = [(m, expiries.future_expiry(row.cycle, m, self._is_trading_day)) for m in islice(months, 30)]
        gone = [each for each in dated if each[1] < self._today][-EXPIRED_LISTED:]
        alive = [each for each in dated if each[1] >= self._today][: row.listed]
        for month, last_day in gone + alive:
            yield self._future(row, month, last_day, under)

    def _future(self, row: FutureRow, month: date, last_day: date, under: Listed) -> Listed:
        con_id = future_number(row.number, month)
        contract = Contract(
            con_id=con_id,
            symbol=row.symbol,
            sec_type="FUT",
            last_trade_date_or_contract_month=f"{last_day:%Y%m%d}",
            multiplier=str(row.multiplier),
            exchange=row.exchange,
            currency=row.currency,
            local_symbol=expiries.local_symbol(row.trading_class, month),
            trading_class=row.trading_class,
        )
        facts = Facts(
            contract_month=f"{month:%Y%m}",
            real_expiration=contract.last_trade_date_or_contract_month,
            last_time=row.last_time,
            industry=row.industry,
            category=row.category,
            under_symbol=under.listing.contract.symbol,
            under_sec_type=under.listing.contract.sec_type,
            expired=last_day < self._today,
        )
        return Listed(self._listing(row, contract, SecurityType.FUT, row.symbol, row.underlying), facts)

    def options(self, row: OptionRow, under: Listed) -> Iterator[Listed]:
        """The options of a class, by expiry, strike and right; none that end before 2020, for which there are no numbers.

        A morning settlement ends trading the day before.
        """
        for settles in expiries.option_expiries(row.series, self._today, self._is_trading_day):
            before = settles - timedelta(days=1)
            last_day = trading_day_until(before, self._is_trading_day) if row.series == "morning" else settles
            if last_day < max(self._today, FIRST_DAY):
                continue
            for strike in range(row.strike_from, row.strike_to + 1, row.strike_step):
                for right in "CP":
                    yield self._option(row, under, (last_day, settles), strike, right)

    def _option(self, row: OptionRow, under: Listed, ends: tuple[date, date], strike: int, right: str) -> Listed:
        last_day, settles = ends
        con_id = option_number(row.number, last_day, strike * row.strikes_per_unit, right)
        symbol = under.listing.contract.symbol
        contract = Contract(
            con_id=con_id,
            symbol=symbol,
            sec_type="OPT",
            last_trade_date_or_contract_month=f"{last_day:%Y%m%d}",
            strike=float(strike),
            right=right,
            multiplier=str(OPTION_MULTIPLIER),
            exchange=row.exchange,
            currency=row.currency,
            local_symbol=f"{row.trading_class:<6}{settles:%y%m%d}{right}{strike * STRIKE_THOUSANDTHS:08d}",
            trading_class=row.trading_class,
        )
        facts = Facts(
            contract_month=f"{settles:%Y%m}",
            real_expiration=f"{settles:%Y%m%d}",
            last_time=row.last_time,
            industry=under.facts.industry,
            category=under.facts.category,
            subcategory=under.facts.subcategory,
            under_symbol=symbol,
            under_sec_type=under.listing.contract.sec_type,
        )
        name = under.listing.long_name
        return Listed(self._listing(row, contract, SecurityType.OPT, name, row.underlying), facts)


def _instrument(row: Row, contract: Contract, kind: SecurityType) -> Instrument:
    """What theo knows of a contract."""
    return Instrument(
        id=contract.con_id,
        symbol=contract.local_symbol,
        token=contract.con_id,
        security_type=kind,
        exchange=row.exchange,
        calendar=row.calendar,
        currency=row.currency,
        multiplier=int(contract.multiplier or 1),
        price_decimals=row.price_decimals,
        tick=row.tick,
        expiry=contract.last_trade_date_or_contract_month,
        strike=round(contract.strike * 10**row.price_decimals),
        right=contract.right,
    )
