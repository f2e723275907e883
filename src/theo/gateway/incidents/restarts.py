"""Incidents of the gateway's own restart, and of the order ids that it tells afterwards."""

from theo.gateway.desk import NEVER, Desk
from theo.gateway.incidents.incident import Act, Args, Incident, Lever, number
from theo.gateway.incidents.levers import TradingLevers

RESTART_SECONDS = 60.0
IDS_BACK = 5


class Restarts:
    """The port is closed as long as any of them needs it to be."""

    def __init__(self, trading: TradingLevers) -> None:
        self._trading, self._closed = trading, Lever(_close_port)

    def incidents(self) -> dict[str, Incident]:
        """By name."""
        takes = {"ids": f"by how many the next valid order id goes back ({IDS_BACK})"}
        return {
            "nightly-restart": Incident(
                what="every socket closes, the port refuses, orders that were not transmitted are gone, order ids are reissued",
                begin=self._restart("nightly-restart"),
                end=self._up("nightly-restart"),
                lasts=RESTART_SECONDS,
                takes=takes,
                usually="23:45",
            ),
            "partial-restart": Incident(
                what="half of the newest order fills, and the gateway restarts as it does at night",
                begin=self._partial("partial-restart"),
                end=self._up("partial-restart"),
                lasts=RESTART_SECONDS,
                ready=lambda _desk, _args: self._trading.newest(2) is not None,
                takes=takes,
            ),
            "duplicate-id": Incident(
                what="the next valid order id that is told has been used: an order with it gets 103",
                begin=lambda _desk, args: self._trading.announce_used_ids(number(args, "ids", IDS_BACK)),
                end=lambda _desk, _args: self._trading.announce_used_ids(0),
                takes=takes,
            ),
        }

    def _restart(self, name: str) -> Act:
        def act(desk: Desk, args: Args) -> None:
            ids = number(args, "ids", IDS_BACK)
            self._closed.pull(desk, name)
            self._trading.roll_back_ids(desk, ids)
            for client in list(desk.clients.values()):
                client.closes = True

        return act

    def _up(self, name: str) -> Act:
        def act(desk: Desk, _args: Args) -> None:
            self._closed.let_go(desk, name)

        return act

    def _partial(self, name: str) -> Act:
        restart = self._restart(name)

        def act(desk: Desk, args: Args) -> None:
            perm_id = self._trading.newest(2)
            if perm_id is not None:
                self._trading.fill_now(desk, perm_id, self._trading.remaining(perm_id) // 2)
            restart(desk, args)

        return act


def _close_port(desk: Desk, *, on: bool) -> None:
    desk.refuses_until = NEVER if on else 0
