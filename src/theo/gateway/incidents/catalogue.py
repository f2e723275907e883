"""Every incident that can be played, by the name that it has in the field."""

from theo.gateway.incidents.clocks import clocks
from theo.gateway.incidents.feeds import feeds
from theo.gateway.incidents.incident import Catalogue, Incident, Lever, Rules
from theo.gateway.incidents.interference import Interference
from theo.gateway.incidents.levers import StreamLevers, TradingLevers
from theo.gateway.incidents.links import Links
from theo.gateway.incidents.messages import messages
from theo.gateway.incidents.orders import orders
from theo.gateway.incidents.restarts import Restarts
from theo.gateway.incidents.sockets import Sockets

# what a real gateway always does, and this one too: playing it changes nothing
ALWAYS = {
    "index-has-no-quotes": "always so: an index has last prices alone; its tick-by-tick data and bid and ask are refused",
    "sampled-ticks": "always so: market data lines are sampled, four times a second; tick-by-tick streams are not",
}
# what goes wrong in the field and no gateway can cause
ELSEWHERE = {
    "crash-anywhere": "the platform's own process is killed; the gateway only keeps orders and positions meanwhile",
    "breaker-reset-by-crash": "the platform's own state",
    "kill-switch-throws": "the platform's own code",
    "database-away": "the platform's own database",
    "two-traders": "the platform's own lease; of the gateway a second client with the same id gets 326, always",
    "clock-jump": "the platform's own clock; `--start` begins on any day, `clock-skew` moves the clock that the gateway tells",
    "roll-gap": "two futures have two prices, always; which one is asked for is the platform's choice",
    "paper-sends-live": "the platform's own configuration; `--account U1234567` is a login that is no paper account",
}


def catalogue(streams: StreamLevers, trading: TradingLevers, interference: Interference) -> Catalogue:
    """All incidents by name, for the rooms that these levers belong to."""
    silence, rules = Lever(streams.silence), Rules()
    links, sockets = Links(streams, trading, silence), Sockets()
    found = {
        **links.incidents(),
        **Restarts(trading).incidents(),
        **sockets.incidents(),
        **clocks(rules),
        **feeds(streams, silence, rules),
        **orders(trading),
        **messages(interference),
        **{name: Incident(what=what) for name, what in ALWAYS.items()},
    }
    return Catalogue(found, (links.greet, sockets.greet))
