import socket

import pytest

from tests.conftest import is_this_machine


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        (("127.0.0.1", 80), True),
        (("127.8.0.1", 80), True),
        (("::1", 80, 0, 0), True),
        (("localhost", 80), True),
        ("/run/some.socket", True),
        (("192.0.2.1", 80), False),
        (("10.0.0.1", 80), False),
        (("example.invalid", 80), False),
    ],
)
def test_only_this_machine_is_reachable(address: object, allowed: bool) -> None:  # noqa: FBT001 - a column of the table above
    assert is_this_machine(address) is allowed


def test_a_test_that_reaches_out_fails() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outward, pytest.raises(pytest.fail.Exception, match="this machine"):
        outward.connect(("192.0.2.1", 80))
