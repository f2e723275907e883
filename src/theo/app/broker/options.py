"""Which listed option a signal on an underlying would become now: the chain and the price are IB's, the choice is ours."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec

from theo.adapters.ib.questions import Questions
from theo.adapters.system.clock import WallClock
from theo.app.broker.market import Ask, ask_price
from theo.app.configuration.file import configured
from theo.app.configuration.options import USUAL
from theo.app.home.layout import open_home
from theo.app.home.sessions import known_sessions
from theo.app.times import date_of
from theo.domain.errors import RefusedError, UserError
from theo.domain.instrument import Instrument
from theo.domain.market_data import SessionScope
from theo.market.sessions import Hours
from theo.ports.market_questions import OptionSeries
from theo.runtime.option_candidates import Wanted, best_of
from theo.strategy.option_choice import CategorySplit, NotChosen
from theo.strategy.scan_terms import BOUGHT


class OptionWish(msgspec.Struct, frozen=True, kw_only=True):
    """``side`` long buys a CALL, short a PUT. ``category`` ITM, OTM, DITM or DOTM; ``expiry`` weekly or monthly.

    ``near`` and ``far`` are points; None: as the configuration has them for the underlying.
    """

    side: str
    category: str
    expiry: str
    near: float | None = None
    far: float | None = None

    @property
    def right(self) -> str:
        """What it buys."""
        return BOUGHT[self.side]

    def split(self, usual: CategorySplit) -> CategorySplit:
        """With ``usual`` for what was not typed. Raises UserError for a band that ends before it begins."""
        near = usual.near if self.near is None else Decimal(str(self.near))
        far = usual.far if self.far is None else Decimal(str(self.far))
        if near >= far:
            raise UserError(f"--near {near:f} --far {far:f}", remedy="Write the smaller number of points under --near")
        return CategorySplit(near, far)


class OptionShown(msgspec.Struct, frozen=True, kw_only=True):
    """What was chosen. ``trading_class`` and ``multiplier`` are the exchange's."""

    symbol: str
    price: Decimal
    right: str
    expiry: str
    strike: Decimal
    points_in_the_money: Decimal
    trading_class: str
    exchange: str
    multiplier: int
    why: str


def option_question(home: Path, wish: OptionWish) -> Ask[OptionShown]:
    """The option of a symbol's chain that a signal would become now; RefusedError, which says why, where none fits."""

    async def ask(questions: Questions, one: Instrument) -> OptionShown:
        after, terms = _next_session(home, one), configured(open_home(home).configuration).options.get(one.symbol, USUAL)
        price = (await ask_price(questions, one)).price
        chain = await questions.get_option_chain(one)
        if price is None or not chain:
            what = "has no price" if price is None else "has no listed options"
            raise RefusedError(f"{one.symbol} {what}", why="IB names none", remedy="Choose another underlying, or ask later")
        return chosen_of(one.symbol, price, chain, wish, wish.split(terms.splits[wish.right]), after)

    return ask


def chosen_of(
    symbol: str, price: Decimal, chain: tuple[OptionSeries, ...], wish: OptionWish, split: CategorySplit, after: date
) -> OptionShown:
    """The best of all classes: the one that expires first. Raises RefusedError."""
    best = best_of(Wanted(wish.right, wish.category, wish.expiry, split), price, chain, after)
    if isinstance(best, NotChosen):
        raise RefusedError(
            f"no option on {symbol} fits",
            why=best.why,
            remedy="Choose another category or expiry, or set --near and --far to points that fit the underlying",
        )
    return OptionShown(
        symbol=symbol,
        price=price,
        right=wish.right,
        expiry=best.option.expiry.isoformat(),
        strike=best.option.strike,
        points_in_the_money=best.option.in_the_money,
        trading_class=best.series.trading_class,
        exchange=best.series.exchange,
        multiplier=best.series.multiplier,
        why=best.option.why,
    )


def _next_session(path: Path, one: Instrument) -> date:
    """The trade date after the session that is on, or that comes next."""
    hours, now = Hours(known_sessions(open_home(path), one), SessionScope.RTH), WallClock().now()
    today = hours.session_around(now) or hours.session_next(now)
    following = hours.session_next(hours.bounds(today)[1])
    return date_of(following.date)
