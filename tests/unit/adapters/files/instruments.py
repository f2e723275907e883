"""Instruments of the tests of imports."""

from theo.domain.instrument import Instrument, SecurityType

SPY = Instrument(
    id=1, symbol="SPY", token=756733, security_type=SecurityType.ETF, exchange="ARCA", calendar="NYSE", price_decimals=4
)
VXX = Instrument(id=4, symbol="VXX", token=4, security_type=SecurityType.ETF, exchange="BATS", calendar="NYSE", price_decimals=4)
VIX = Instrument(id=2, symbol="VIX", token=13455763, security_type=SecurityType.IND, exchange="CBOE", calendar="VIX")
ES = Instrument(
    id=3, symbol="ES", token=3, security_type=SecurityType.FUT, exchange="CME", calendar="CME", multiplier=50, tick=25
)
VX = Instrument(
    id=5, symbol="VX", token=5, security_type=SecurityType.FUT, exchange="CFE", calendar="CFE", multiplier=1000, tick=5
)
