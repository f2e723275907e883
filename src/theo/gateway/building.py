"""A whole gateway from its parts: rooms, incidents, and the simulator that they live in."""

from collections.abc import Callable, Mapping, Sequence

from theo.domain.market_data import SECOND
from theo.gateway.accounts.ledger import Ledgers
from theo.gateway.accounts.room import AccountsRoom
from theo.gateway.contracts.book import Contracts
from theo.gateway.contracts.room import ContractsRoom
from theo.gateway.data_levers import DataLevers
from theo.gateway.desk import GatewaySettings, Room, SimulatedMarket
from theo.gateway.history.room import HistoryRoom
from theo.gateway.incidents.catalogue import catalogue
from theo.gateway.incidents.incident import Incident
from theo.gateway.incidents.interference import Interference
from theo.gateway.incidents.room import IncidentsRoom
from theo.gateway.incidents.scenario import Step
from theo.gateway.session.room import SessionRoom
from theo.gateway.simulator import Simulator
from theo.gateway.streams.room import StreamsRoom
from theo.gateway.trading.room import TradingRoom
from theo.gateway.wire.schema import Direction
from theo.gateway.wire.table import ENTRIES

REQUESTS = frozenset(entry.message.__name__ for entry in ENTRIES if entry.direction is Direction.REQUEST)
StepsOf = Callable[[Mapping[str, Incident], frozenset[str]], Sequence[Step]]  # incidents and requests by name -> a scenario


class Gateway:
    """A simulator and the rooms that a person or a test wants to reach."""

    def __init__(
        self,
        simulator: Simulator,
        streams: StreamsRoom,
        history: HistoryRoom,
        trading: TradingRoom,
        room: IncidentsRoom,
        ledgers: Ledgers,
    ) -> None:
        self.simulator, self.streams, self.history = simulator, streams, history
        self.trading, self.incidents, self.ledgers = trading, room, ledgers


def build(
    settings: GatewaySettings, contracts: Contracts, market: SimulatedMarket, now: int, steps_of: StepsOf | None = None
) -> Gateway:
    """A gateway at ``now`` (microseconds UTC). Raises what ``steps_of`` raises for a wrong scenario."""
    ledgers = Ledgers(settings.accounts, settings.cash)
    streams, history, interference = StreamsRoom(), HistoryRoom(), Interference()
    trading = TradingRoom(settings, contracts, ledgers)
    known = catalogue(DataLevers(streams, history), trading, interference)
    steps = () if steps_of is None else steps_of(known.incidents, REQUESTS)
    room = IncidentsRoom(known, interference, steps, now, settings.time_zone)
    session = SessionRoom(trading.next_order_id)
    rooms: list[Room] = [session, ContractsRoom(contracts), streams, history, trading, AccountsRoom(ledgers), room]
    simulator = Simulator(settings, contracts, market, rooms, now // SECOND * SECOND, room.asked)
    return Gateway(simulator, streams, history, trading, room, ledgers)
