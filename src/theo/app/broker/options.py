"""Which listed option a signal on an underlying would become now: the chain and the price are IB's, the choice is ours."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec

from theo.adapters.ib.questions import Questions
from theo.adapters.system.clock import WallClock
from theo.app.broker.market import Ask, ask_price
from theo.app.home.layout import open_home
from theo.app.home.sessions import known_sessions
from theo.app.times import date_of
from theo.domain.errors import RefusedError, UserError
from theo.domain.instrument import Instrument
from theo.domain.market_data import SessionScope
from theo.market.sessions import Hours
from theo.ports.market_questions import OptionSeries
from theo.strategy.option_choice import CategorySplit, Chosen, NotChosen, choose

ROUTED = "SMART"  # the exchange of a chain that names every strike of a class


class OptionWish(msgspec.Struct, frozen=True, kw_only=True):
    """``side`` long buys a CALL, short a PUT. ``category`` ITM, OTM, DITM or DOTM; ``expiry`` weekly or monthly."""

    side: str
    category: str
    expiry: str
    split: CategorySplit


def wish_of(side: str, category: str, expiry: str, near: float, far: float) -> OptionWish:
    """As typed. Raises UserError for a band that ends before it begins."""
    if near >= far:
        raise UserError(f"--near {near:g} --far {far:g}", remedy="Write the smaller number of points under --near")
    split = CategorySplit(Decimal(str(near)), Decimal(str(far)))
    return OptionWish(side=side, category=category, expiry=expiry, split=split)


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
        after = _next_session(home, one)
        price = (await ask_price(questions, one)).price
        chain = await questions.get_option_chain(one)
        if price is None or not chain:
            what = "has no price" if price is None else "has no listed options"
            raise RefusedError(f"{one.symbol} {what}", why="IB names none", remedy="Choose another underlying, or ask later")
        return chosen_of(one.symbol, price, chain, wish, after)

    return ask


def chosen_of(symbol: str, price: Decimal, chain: tuple[OptionSeries, ...], wish: OptionWish, after: date) -> OptionShown:
    """The best of all classes: the one that expires first. Raises RefusedError."""
    right = "CALL" if wish.side == "long" else "PUT"
    routed = [series for series in chain if series.exchange == ROUTED] or list(chain)
    found: list[tuple[Chosen, OptionSeries]] = []
    refused: list[str] = []
    for series in routed:
        expiries = [date.fromisoformat(each) for each in series.expiries]
        one = choose(right, wish.category, wish.expiry, price, expiries, series.strikes, next_session=after, split=wish.split)
        if isinstance(one, NotChosen):
            refused.append(f"{series.trading_class}: {one.why}")
        else:
            found.append((one, series))
    if not found:
        raise RefusedError(
            f"no option on {symbol} fits",
            why="; ".join(dict.fromkeys(refused)),
            remedy="Choose another category or expiry, or set --near and --far to points that fit the underlying",
        )
    best, series = min(found, key=lambda each: (each[0].expiry, each[1].trading_class))
    return OptionShown(
        symbol=symbol,
        price=price,
        right=right,
        expiry=best.expiry.isoformat(),
        strike=best.strike,
        points_in_the_money=best.in_the_money,
        trading_class=series.trading_class,
        exchange=series.exchange,
        multiplier=series.multiplier,
        why=best.why,
    )


def _next_session(path: Path, one: Instrument) -> date:
    """The trade date after the session that is on, or that comes next."""
    hours, now = Hours(known_sessions(open_home(path), one), SessionScope.RTH), WallClock().now()
    today = hours.session_around(now) or hours.session_next(now)
    following = hours.session_next(hours.bounds(today)[1])
    return date_of(following.date)
