"""What every test stands on: no network but this machine's own, the real data if it is there, Hypothesis without a stop-watch."""

import os
import socket
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

REAL_DATA_VARIABLE = "THEO_TEST_DATA"

# Shared processors make time limits of single examples a matter of luck. On CI the examples are the same in each run.
settings.register_profile("theo", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ)
settings.load_profile("theo")


def is_this_machine(address: object) -> bool:
    """Whether a socket address is a local file or lies in the loopback range."""
    if not isinstance(address, tuple):
        return True
    host = str(address[0])
    if host in {"", "localhost"}:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    """A test that reaches for another machine fails, and says which."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:  # noqa: ANN401 - the type of the method that is replaced
        if not is_this_machine(address):
            pytest.fail(f"a test tried to reach {address!r}; tests may speak to this machine only")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield


@pytest.fixture(autouse=True, scope="session")
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the home or the server of the person who runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("THEO_HOME", str(tmp_path_factory.mktemp("theo-home")))
        for variable in ("THEO_DATABASE_URL", "THEO__DATABASE__URL", "THEO_HOME_NAME"):
            patch.delenv(variable, raising=False)
        yield


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real market data; skips, with the reason, where it is not on this machine."""
    place = os.environ.get(REAL_DATA_VARIABLE, "")
    if not place:
        pytest.skip(f"{REAL_DATA_VARIABLE} is not set: the real market data is not on this machine")
    folder = Path(place)
    if not folder.is_dir():
        pytest.fail(f"{REAL_DATA_VARIABLE} names {place}, which is no folder")
    return folder
