"""kill -9 of the platform, of the gateway and of both, in real time. tests/closing/kill_live.py does the same fifty times."""

from pathlib import Path

import pytest

from tests.closing.kill_live import main


@pytest.mark.slow  # processes that begin six times: about a minute
def test_killed_while_they_trade_both_books_agree(tmp_path: Path) -> None:
    assert main(3, 2, tmp_path) == 0
