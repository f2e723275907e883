"""The contract as it travels inside other messages, and its two arrangements on the wire."""

import msgspec

from theo.gateway.wire.schema import Named, Part, Perhaps, Repeat, When, one_of, under


class ComboLeg(msgspec.Struct, frozen=True, gc=False):
    """A leg of a BAG contract. The last four are sent with orders only."""

    con_id: int
    ratio: int
    action: str
    exchange: str
    open_close: int = 0
    short_sale_slot: int = 0
    designated_location: str = ""
    exempt_code: int = -1


class DeltaNeutralContract(msgspec.Struct, frozen=True, gc=False):
    """The underlying of a delta-neutral order."""

    con_id: int
    delta: float
    price: float


class Contract(msgspec.Struct, frozen=True, gc=False):
    """What is traded, in IB's words. Strings are empty and numbers 0 where a message does not carry them."""

    con_id: int = 0
    symbol: str = ""
    sec_type: str = ""
    last_trade_date_or_contract_month: str = ""
    strike: float = 0.0
    right: str = ""
    multiplier: str = ""
    exchange: str = ""
    primary_exchange: str = ""
    currency: str = ""
    local_symbol: str = ""
    trading_class: str = ""
    include_expired: bool = False
    sec_id_type: str = ""
    sec_id: str = ""
    issuer_id: str = ""
    description: str = ""
    combo_legs_descrip: str = ""
    combo_legs: tuple[ComboLeg, ...] = ()
    delta_neutral_contract: DeltaNeutralContract | None = None


_HEAD = ("con_id", "symbol", "sec_type", "last_trade_date_or_contract_month", "strike", "right", "multiplier")
_TAIL = ("currency", "local_symbol", "trading_class")
# with the primary exchange: in requests about data and orders
CONTRACT_ASKED = under("contract", *_HEAD, "exchange", "primary_exchange", *_TAIL)
# without it: in requests to exercise, and in everything that the server sends about orders, executions and positions
CONTRACT_HELD = under("contract", *_HEAD, "exchange", *_TAIL)
# with the primary exchange alone: in the portfolio
CONTRACT_PORTFOLIO = under("contract", *_HEAD, "primary_exchange", *_TAIL)

BAG = one_of("BAG")
_LEG_HEAD = tuple(Named(name) for name in ("con_id", "ratio", "action", "exchange"))
DATA_LEGS: Part = When("contract.sec_type", BAG, (Repeat("contract.combo_legs", _LEG_HEAD),))
ORDER_LEGS = Repeat("contract.combo_legs")
DELTA_NEUTRAL = Perhaps("contract.delta_neutral_contract")
