"""Handles of a connection: which of them IB gives out again."""

from theo.adapters.ib.order_names import OrderNames


def test_a_handle_that_ib_gives_out_again_is_not_to_be_changed_under() -> None:
    names = OrderNames()
    names.new_socket(told=101, first=500)
    assert names.changeable(100)  # older than what IB calls free
    assert not names.changeable(101)
    assert not names.changeable(499)
    assert names.changeable(500)  # of this connection
    names.new_socket(told=600, first=550)  # IB is ahead of us: nothing is given out again
    assert names.changeable(599)
