"""Reading what a run left in its journal."""

from collections.abc import Iterable

from theo.domain.facts import Fact
from theo.domain.journal import TRADING, Record
from theo.engine.codec import decode_facts


def facts_of(records: Iterable[Record]) -> list[Fact]:
    """Every fact of the trading stream, in order."""
    return [fact for record in records if record.stream == TRADING for fact in decode_facts(record)]
