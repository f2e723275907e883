"""Moving-average crossover: long when the fast average crosses above the slow one, short when it crosses below.

Each side leaves at the other's crossing.
"""

from theo.strategy.condition import Compare
from theo.strategy.operand import Naming, parse_operand
from theo.strategy.ruleset import Rules
from theo.strategy.tables import Table


def expand(table: Table, naming: Naming) -> Rules:
    """Rules of a ``[crossover]`` table: ``fast`` and ``slow`` are averages of the primary such as ``ema(20)``."""
    fast_text, slow_text = table.text("fast", "sma(20)"), table.text("slow", "sma(50)")
    fast = table.read("fast", lambda: parse_operand(fast_text, naming), None)
    slow = table.read("slow", lambda: parse_operand(slow_text, naming), None)
    if fast is None or slow is None:
        return Rules()
    if fast == slow:
        table.wrong("slow", f"is {slow_text!r}, as fast is", remedy="Use two different averages")
    for name, operand in (("fast", fast), ("slow", slow)):
        if operand.lag or operand.magnitude or operand.is_clock:
            table.wrong(name, "is no average", remedy='Write for example "sma(20)" or "ema(50)"')
            return Rules()
    above, below = Compare(fast, "crosses_above", slow), Compare(fast, "crosses_below", slow)
    return Rules(long=above, short=below, exit_long=below, exit_short=above)
