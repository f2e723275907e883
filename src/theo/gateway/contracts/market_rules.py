"""IB's market rules: from which price on prices move in which step. Only those that something listed here, or a client, asks for.

26, 67, 635 and 2806 are asserted by the tests of a public client library against TWS; 32 and 109 are the exchanges' rules for
options of the penny programme and of the others; 239 and 59 are the steps of currencies at IDEALPRO,
2808 that of VX futures; the numbers of these three are ours to be checked against TWS.
"""

from collections.abc import Mapping
from types import MappingProxyType

from theo.gateway.wire.messages.contracts import PriceIncrement

Increments = tuple[PriceIncrement, ...]
MARKET_RULES: Mapping[int, Increments] = MappingProxyType(
    {
        26: (PriceIncrement(0.0, 0.01),),
        32: (PriceIncrement(0.0, 0.01), PriceIncrement(3.0, 0.05)),
        59: (PriceIncrement(0.0, 0.005),),
        67: (PriceIncrement(0.0, 0.25),),
        109: (PriceIncrement(0.0, 0.05), PriceIncrement(3.0, 0.1)),
        239: (PriceIncrement(0.0, 0.00005),),
        635: (PriceIncrement(0.0, 0.0001),),
        2806: (PriceIncrement(0.0, 0.25),),
        2808: (PriceIncrement(0.0, 0.05),),
    }
)
