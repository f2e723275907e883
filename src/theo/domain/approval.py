"""Approval as a type: a broker port takes only Approved values, and only risk makes them."""

from typing import Generic, TypeVar

import msgspec

Subject = TypeVar("Subject")


class Approved(msgspec.Struct, Generic[Subject], frozen=True, array_like=True, tag="approved"):
    """What may be sent, and the names of the rules that it passed. Made only by theo.risk and the journal codec."""

    subject: Subject
    passed: tuple[str, ...]


class Refused(msgspec.Struct, frozen=True, array_like=True, tag="refused"):
    """What may not be sent: the rule, the value it saw, the limit it holds, and both in words."""

    rule: str
    value: float
    limit: float
    text: str
