"""What is sent to `/api/signals`: bodies that take every field of an entry by hand, and nothing else."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from theo.api.described import example
from theo.api.market_data import WORD_LETTERS_MAX
from theo.api.strategy_changes import Reason
from theo.domain.asked import QUANTITY_MAX, RISK_PERCENT_MAX, RISK_PERCENT_MIN, EntryAsked, SignalAsked
from theo.domain.market_data import MINUTE
from theo.domain.orders import OrderType, Route, Side, TimeInForce
from theo.engine.decide.asked_signals import EXPIRES_MAX, EXPIRES_MIN

EXPIRES_MINUTES: Final = 24 * 60  # as `theo signal create`
_PRICE: Final = r"[0-9]{1,9}(\.[0-9]{1,8})?"  # of any instrument a 64-bit number of price units
_DISTANCE: Final = r"[0-9]{1,3}(\.[0-9]{1,4})?%"

Price = Annotated[str, Field(pattern=f"^{_PRICE}$", examples=["2651.75"], description="An exact decimal, as text.")]
Level = Annotated[
    str,
    Field(
        pattern=f"^({_PRICE}|{_DISTANCE})$",
        examples=["2640.00"],
        description='A price as an exact decimal, or per cent of the planned entry: "0.5%".',
    ),
]


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class NewSignal(_Sent):
    """An entry that is to be kept until it is processed, withdrawn or expires."""

    model_config = example(
        {"symbol": "MES", "side": "BUY", "quantity": 1, "type": "LIMIT", "limit": "2651.75", "stop": "2640.00", "target": "1%"}
    )

    symbol: Annotated[str, Field(min_length=1, max_length=WORD_LETTERS_MAX, pattern=r"^[^\x00-\x1f\x7f]*$", examples=["MES"])]
    side: Literal["BUY", "SELL"]
    quantity: int = Field(ge=0, le=QUANTITY_MAX, description="Shares or contracts; 0: as many as `risk_percent` allows.")
    type: Literal["MARKET", "LIMIT", "STOP", "STOP_LIMIT", "TRAILING_STOP"] = "MARKET"
    limit: Price | None = Field(default=None, description="Of LIMIT and STOP_LIMIT.")
    trigger: Price | None = Field(default=None, description="The price at which STOP and STOP_LIMIT wake.")
    trail: Price | None = Field(default=None, description="The amount by which TRAILING_STOP follows the market.")
    stop: Level | None = Field(default=None, description="The protective stop: this, or `stop_trail`, is needed.")
    stop_trail: Price | None = Field(default=None, description="The protective stop trails by this amount.")
    target: Level | None = None
    tif: Literal["DAY", "GTC", "IOC", "FOK"] = "DAY"
    risk_percent: float = Field(
        default=1.0, ge=RISK_PERCENT_MIN, le=RISK_PERCENT_MAX, description="Of equity, where `quantity` is 0."
    )
    outside_rth: bool = Field(default=False, description="Trade outside regular hours too.")
    route: Literal["SMART", "DIRECT", "ARCA", "NYSE", "NASDAQ", "CBOE", "CME"] | None = Field(
        default=None, description="Null: as configured."
    )
    expires_minutes: int = Field(
        default=EXPIRES_MINUTES,
        ge=EXPIRES_MIN // MINUTE,
        le=EXPIRES_MAX // MINUTE,
        description="Given up if nobody processes it by then.",
    )
    reason: Reason = ""

    def asked(self) -> SignalAsked:
        """The same for the trader."""
        entry = EntryAsked(
            symbol=self.symbol,
            side=Side(self.side),
            type=OrderType[self.type],
            quantity=self.quantity,
            risk_percent=self.risk_percent,
            tif=TimeInForce(self.tif),
            limit=self.limit or "",
            trigger=self.trigger or "",
            trail=self.trail or "",
            stop=self.stop or "",
            stop_trail=self.stop_trail or "",
            target=self.target or "",
            outside_rth=self.outside_rth,
            route=Route(self.route or ""),
        )
        return SignalAsked(entry, self.expires_minutes)


class WithReason(_Sent):
    """Why it is asked for."""

    model_config = example({"reason": "as agreed"})

    reason: Reason = ""
