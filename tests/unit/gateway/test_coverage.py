"""The page about the codec says what the codec does."""

import re

from theo.gateway.wire.codec import codec
from theo.gateway.wire.coverage import NOT_OFFERED, fields_at, page, rows
from theo.gateway.wire.messages.contract import Contract
from theo.gateway.wire.messages.order import Order, OrderState
from theo.gateway.wire.messages.orders import CompletedOrder, OpenOrder, PlaceOrder
from theo.gateway.wire.messages.others import UNSUPPORTED
from theo.gateway.wire.schema import VERSION_MAX, VERSION_MIN, Direction
from theo.gateway.wire.table import BY_MESSAGE, ENTRIES

# messages that share a number and are told apart by a field
SHARED = {"tickByTickLast", "tickByTickBidAsk", "tickByTickMidPoint"}


def test_every_message_has_a_row_and_a_number_of_its_own() -> None:
    found = [(row.direction, row.message_id) for row in rows() if row.name not in SHARED]
    assert len(found) == len(set(found))
    assert len(rows()) == len(ENTRIES) + len(UNSUPPORTED)
    assert sum(row.fields == (NOT_OFFERED,) for row in rows()) == len(UNSUPPORTED)


def test_plain_orders_have_as_many_fields_as_the_page_says() -> None:
    messages = (
        PlaceOrder(Contract(), Order()),
        OpenOrder(Contract(), Order(), OrderState()),
        CompletedOrder(Contract(), Order(), OrderState()),
    )
    for version in range(VERSION_MIN, VERSION_MAX + 1):
        for message in messages:
            assert codec(version).encode(message)[4:].count(0) == fields_at(BY_MESSAGE[type(message)], version)


def test_the_page_shows_versions_conditions_and_repetitions() -> None:
    text = page()
    assert len(re.findall(r"^\| \d+ \| `", text, re.MULTILINE)) == len(rows())
    for words in (
        "| 3 | `placeOrder` | 157 | order.order_id: int, contract.con_id: int",
        "[below 177: order.fa_profile: text]",
        "[from 158: order.duration: int or unset]",
        "[from 163, below 164: suggested_size_increment: decimal]",
        "[if contract.sec_type is BAG: contract.combo_legs: count, each [con_id: int, ratio: int, action: text, exchange: text]]",
        "contract.delta_neutral_contract: flag, then [con_id: int, delta: double, price: double]",
        "order.conditions: count, each [1, conjunction: text, is_more: bool, price: double",
        "strikes: count, each double",
        f"| 12 | `reqNewsBulletins` | 157 | {NOT_OFFERED} |",
        "| 107 | `userInfo` | 167 | req_id: int, white_branding_id: text |",
    ):
        assert words in text, words
    assert text.index(Direction.REQUEST.value.capitalize()) < text.index(Direction.ANSWER.value.capitalize())
