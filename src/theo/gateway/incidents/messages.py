"""Incidents of single messages on their way to clients: repeated, reordered, late, lost."""

from theo.domain.market_data import SECOND
from theo.gateway.desk import Desk
from theo.gateway.incidents.incident import Args, Incident, Part, number, seconds
from theo.gateway.incidents.interference import Disturbance, How, Interference

FOREVER = 1 << 31  # messages
STATUS = ("OrderStatus", "OpenOrder")
TICKS = (
    *("TickPrice", "TickSize", "TickString", "TickGeneric"),
    *("TickByTickLast", "TickByTickBidAsk", "TickByTickMidPoint"),
)
SAID = {
    "drop": "never come",
    "double": "come twice",
    "echo": "come twice, the second time late",
    "delay": "come late",
    "reorder": "come after the next message",
}


class Disturbing:
    """Makes incidents that disturb messages."""

    def __init__(self, interference: Interference) -> None:
        self._interference = interference

    def incident(
        self, name: str, how: How, types: tuple[str, ...] = (), *, called: str = "", late: float = 0.0, every: int = 1
    ) -> Incident:
        """Messages of some types, ``called`` so in words, meet something from now on; ``late`` by so many seconds."""
        interference = self._interference

        def begin(_desk: Desk, args: Args) -> None:
            interference.add(
                Disturbance(
                    how,
                    number(args, "count", FOREVER),
                    types,
                    round(seconds(args, "seconds", late) * SECOND),
                    max(number(args, "every", every), 1),
                    name,
                )
            )

        takes = {"count": "of how many messages (all)", "every": f"only each n-th ({every})"}
        return Incident(
            what=f"{called or ', '.join(types)} {SAID[how]}",
            begin=begin,
            end=lambda _desk, _args: interference.calm(name),
            left=lambda: interference.disturbs(name),
            takes={**takes, "seconds": f"how late ({late:g})"} if late else takes,
        )


def messages(interference: Interference) -> dict[str, Incident]:
    """By name."""
    make = Disturbing(interference).incident
    return {
        "repeated-callbacks": make("repeated-callbacks", "double", (*STATUS, "ExecDetails")),
        "reordered-callbacks": make("reordered-callbacks", "reorder", STATUS),
        "missing-statuses": make("missing-statuses", "drop", ("OrderStatus",)),
        "late-commissions": make("late-commissions", "delay", ("CommissionReport",), late=30.0),
        "missing-commissions": make("missing-commissions", "drop", ("CommissionReport",)),
        "duplicate-ticks": make("duplicate-ticks", "echo", TICKS, called="ticks", late=2.0),
        "late-ticks": make("late-ticks", "delay", TICKS, called="ticks", late=5.0),
        "late-answers": make("late-answers", "delay", called="all messages", late=10.0),
        "duplicate-and-late-ticks": Incident(
            what="ticks come twice, the second time after newer ones; every third comes late",
            parts=(Part("late-ticks", {"every": 3}), Part("duplicate-ticks")),
        ),
        "duplicate-callbacks": Incident(
            what="openOrder, orderStatus and execDetails come twice or out of order, an execution is corrected, "
            "commissions come late or never",
            parts=(
                Part("reordered-callbacks", {"every": 3}),
                Part("repeated-callbacks"),
                Part("missing-commissions", {"every": 2}),
                Part("late-commissions"),
                Part("corrected-execution"),
            ),
        ),
    }
