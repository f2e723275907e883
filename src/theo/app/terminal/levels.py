"""Where a trade ends, in words: at prices of its own, or, of a bought option, at those of its underlying."""

from collections.abc import Mapping

from theo.domain.instrument import Instrument
from theo.domain.orders import PriceCondition
from theo.domain.signals import UnderlyingExits


def level_texts(
    instruments: Mapping[int, Instrument], instrument: int, stop: int, target: int | None, exits: UnderlyingExits | None
) -> tuple[str, str]:
    """Stop and target, "" without a target."""
    if exits is None:
        own = instruments[instrument]
        return own.text(stop), "" if target is None else own.text(target)
    under = instruments[exits.instrument]
    texts = [f"{under.symbol} {under.text(price)}" for price in (exits.stop, exits.target) if price is not None]
    return texts[0], texts[1] if len(texts) > 1 else ""


def condition_text(instruments: Mapping[int, Instrument], condition: PriceCondition | None) -> str:
    """What sets an order off; "" for one that waits for nothing."""
    if condition is None:
        return ""
    under = instruments.get(condition.instrument)
    price = f"{condition.price} price units" if under is None else under.text(condition.price)
    name = str(condition.instrument) if under is None else under.symbol
    return f"when {name} trades at {price} or {'above' if condition.above else 'below'}"
