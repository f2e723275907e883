"""The real client libraries without their sockets: what they write is caught, what we write is handed to their decoders."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import ib_async
import ibapi.client
import ibapi.comm
import ibapi.common
import ibapi.contract
import ibapi.decoder
import ibapi.execution
import ibapi.order
import ibapi.order_condition
import ibapi.softdollartier
import ibapi.tag_value
import ibapi.wrapper
import msgspec
from ib_async.client import Client
from ib_async.decoder import Decoder
from ib_async.util import UNSET_DOUBLE, UNSET_INTEGER

from theo.gateway.wire.kinds import TagValue
from theo.gateway.wire.messages.contract import Contract
from theo.gateway.wire.messages.order import CONDITIONS, Order

Call = tuple[str, tuple[Any, ...]]
# what stands here for a socket and for a user's wrapper is of no class that the library names
MAKE_CLIENT: Any = Client
MAKE_DECODER: Any = Decoder
# what the libraries call differently from the wire's own names
THEIR_NAMES = {
    "exchange": ("exch",),
    "soft_dollar_tier_value": ("soft_dollar_tier_val",),
    "wap": ("average",),
    "count": ("bar_count",),
    "size": ("count",),
    "account_id": ("account_idstr",),
    "family_code": ("family_code_str",),
    "time_s": ("time",),
}
MASKS = frozenset({"attributes"})  # become objects with a flag for each bit; they have a test of their own
EXECUTED, EXECUTED_TEXT = datetime(2026, 3, 2, 15, 4, 5, tzinfo=UTC), "20260302 15:04:05 UTC"


def snake(name: str) -> str:
    """As in conId -> con_id, realizedPNL -> realized_pnl."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


class Heard:
    """A wrapper that writes down each call."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.ib = SimpleNamespace(TimezoneTWS="")
        self.defaultTimezone = UTC

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args: self.calls.append((name, args))


class HeardByOfficial(ibapi.wrapper.EWrapper):  # type: ignore[misc]  # the library has no types
    """As Heard; the official decoder reads the signatures of its base."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401 - the type of every attribute of a library without types
        if name.startswith("_") or name == "calls" or not hasattr(ibapi.wrapper.EWrapper, name):
            return super().__getattribute__(name)
        return lambda *args: self.calls.append((name, args))


class Wire:
    """The shape of both libraries' connections: what is sent is kept."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def sendMsg(self, data: bytes) -> None:  # noqa: N802 - the library's name
        self.sent.append(data)

    def isConnected(self) -> bool:  # noqa: N802 - the library's name
        return True


class Peer:
    """A client library: calls a request method, hears an answer, makes objects of its own from our values."""

    contract: type[Any]
    order: type[Any]
    tag_value: type[Any]
    tier: type[Any]
    legs: tuple[type[Any], type[Any], type[Any]]
    conditions: Any
    version: int

    def sent(self, method: str, args: tuple[object, ...]) -> bytes:
        raise NotImplementedError

    def heard(self, frame: bytes) -> list[Call]:
        raise NotImplementedError

    def given(self, value: object) -> Any:  # noqa: ANN401 - objects of libraries without types
        """Our value as the library's user would write it."""
        if isinstance(value, Contract):
            return self._filled(self.contract(), value)
        if isinstance(value, Order):
            return self._order(value)
        if isinstance(value, TagValue):
            return self.tag_value(value.tag, value.value)
        if isinstance(value, tuple):
            return [self.given(each) for each in value]
        if isinstance(value, msgspec.Struct):
            return self._struct(value)
        return value

    def _struct(self, value: msgspec.Struct) -> Any:  # noqa: ANN401 - as given
        combo_leg, order_leg, delta_neutral = self.legs
        named = {"ComboLeg": combo_leg, "OrderComboLeg": order_leg, "DeltaNeutralContract": delta_neutral}
        if type(value) in CONDITIONS.values():
            return self._condition(value)
        return self._filled(named[type(value).__name__](), value)

    def _condition(self, value: msgspec.Struct) -> Any:  # noqa: ANN401 - as given
        made = self._filled(getattr(self.conditions, type(value).__name__)(), value)
        made.isConjunctionConnection = getattr(value, "conjunction", "a") == "a"
        return made

    def _order(self, value: Order) -> Any:  # noqa: ANN401 - as given
        made = self._filled(self.order(), value)
        made.softDollarTier = self.tier("", "", "")
        made.softDollarTier.name, made.softDollarTier.val = value.soft_dollar_tier_name, value.soft_dollar_tier_value
        return made

    def _filled(self, made: Any, value: msgspec.Struct) -> Any:  # noqa: ANN401 - as given
        ours = msgspec.structs.asdict(value)
        for name in vars(made):
            known = snake({"exch": "exchange"}.get(name, name))
            if known in ours and not (ours[known] is None and name != "usePriceMgmtAlgo"):
                setattr(made, name, self.given(ours[known]))
        return made


class IbAsync(Peer):
    """ib_async at a server version. Its sending asks for the running loop: call it inside one."""

    contract, order, tag_value, tier = ib_async.Contract, ib_async.Order, ib_async.TagValue, ib_async.SoftDollarTier
    legs = (ib_async.ComboLeg, ib_async.OrderComboLeg, ib_async.DeltaNeutralContract)
    conditions = ib_async.order

    def __init__(self, version: int) -> None:
        self.version = version

    def sent(self, method: str, args: tuple[object, ...]) -> bytes:
        client, wire = MAKE_CLIENT(Heard()), Wire()
        client.conn = wire
        client.connState, client._serverVersion, client.MaxRequests = Client.CONNECTED, self.version, 0
        client.clientId, client.optCapab = 1_234, "text1234"
        getattr(client, method)(*args)
        return b"".join(wire.sent)

    def heard(self, frame: bytes) -> list[Call]:
        wrapper = Heard()
        fields = frame[4:].decode(errors="backslashreplace").split("\0")[:-1]
        MAKE_DECODER(wrapper, self.version).interpret(fields)
        return wrapper.calls


class Official(Peer):
    """The official client at its own greatest version."""

    contract, order, tag_value = ibapi.contract.Contract, ibapi.order.Order, ibapi.tag_value.TagValue
    tier = ibapi.softdollartier.SoftDollarTier
    legs = (ibapi.contract.ComboLeg, ibapi.order.OrderComboLeg, ibapi.contract.DeltaNeutralContract)
    conditions = ibapi.order_condition
    version = 157

    def sent(self, method: str, args: tuple[object, ...]) -> bytes:
        wrapper, wire = HeardByOfficial(), Wire()
        client = ibapi.client.EClient(wrapper)
        client.conn, client.connState, client.serverVersion_ = wire, ibapi.client.EClient.CONNECTED, self.version
        client.clientId, client.optCapab = 1_234, "text1234"
        getattr(client, method)(*args)
        assert not wrapper.calls, wrapper.calls
        return b"".join(wire.sent)

    def heard(self, frame: bytes) -> list[Call]:
        wrapper = HeardByOfficial()
        size, text, rest = ibapi.comm.read_msg(frame)
        assert (size, rest) == (len(frame) - 4, b"")
        ibapi.decoder.Decoder(wrapper, self.version).interpret(ibapi.comm.read_fields(text))
        return wrapper.calls


class Part(msgspec.Struct, frozen=True):
    """Some fields of a value of ours, to be looked for in an object of a library's."""

    value: msgspec.Struct
    names: tuple[str, ...]


class Anything:
    """An argument that is not looked at."""


def differences(theirs: object, ours: object, where: str = "") -> Iterator[str]:
    """Each place in which a library's value is not ours."""
    if isinstance(ours, Anything):
        return
    if isinstance(ours, Part):
        yield from _struct_differences(theirs, ours, where)
    elif isinstance(ours, msgspec.Struct) and not isinstance(ours, TagValue):
        yield from _struct_differences(theirs, Part(ours, ours.__struct_fields__), where)
    elif isinstance(ours, tuple):
        items = _items(theirs)
        if len(items) != len(ours):
            yield f"{where}: {len(items)} items, not {len(ours)}"
        for n, (their, our) in enumerate(zip(items, ours, strict=False)):
            yield from differences(their, our, f"{where}[{n}]")
    elif not _same(theirs, ours):
        yield f"{where}: {theirs!r} is not {ours!r}"


def _items(theirs: Any) -> list[Any]:  # noqa: ANN401 - values of libraries without types
    if theirs is None:
        return []
    return sorted(theirs) if isinstance(theirs, set) else list(theirs)


def _same(theirs: Any, ours: object) -> bool:  # noqa: ANN401 - values of libraries without types
    if isinstance(ours, TagValue):
        return (theirs.tag, theirs.value) == (ours.tag, ours.value)
    if isinstance(theirs, datetime):
        return theirs == (datetime.fromtimestamp(ours, UTC) if isinstance(ours, int) else EXECUTED)
    if ours is None:
        return is_unset(theirs)
    if isinstance(ours, bool | int | float | Decimal):
        return theirs not in {None, ""} and float(theirs) == float(ours)
    return bool(theirs == ours)


def is_unset(theirs: Any) -> bool:  # noqa: ANN401 - values of libraries without types
    """Whether a library's value is one of its forms of "not set"; ib_async has none for a flag."""
    return theirs is False or theirs in {None, "", UNSET_INTEGER} or float(theirs) == UNSET_DOUBLE


def _struct_differences(theirs: object, ours: Part, where: str) -> Iterator[str]:
    have = attributes(theirs)
    for inner in ({"contract"} & have.keys()) - set(ours.names):
        have |= attributes(have[inner])
    defaults = {each.name: each.default for each in msgspec.structs.fields(ours.value)}
    for name in ours.names:
        value = getattr(ours.value, name)
        found = [each for each in (name, *THEIR_NAMES.get(name, ())) if each in have]
        if value == defaults[name]:
            continue  # not carried at this version, or by this message
        if found:
            yield from differences(have[found[0]], value, f"{where}.{name}")
        elif name not in MASKS:
            yield f"{where}.{name}: not there"


def attributes(value: Any) -> dict[str, Any]:  # noqa: ANN401 - values of libraries without types
    """The fields of a library's object by our names."""
    named = value._asdict() if hasattr(value, "_asdict") else getattr(value, "__dict__", None)
    if named is None:  # one that keeps its fields in slots
        named = {name: getattr(value, name) for name in value.__slots__}
    found = {snake(name): each for name, each in named.items()}
    if "soft_dollar_tier" in found:
        found |= {f"soft_dollar_tier_{name}": each for name, each in attributes(found["soft_dollar_tier"]).items()}
    if "is_conjunction_connection" in found:
        found["conjunction"] = "a" if found["is_conjunction_connection"] else "o"
    return found
