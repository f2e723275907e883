"""The same seed, scenario and transcript in simulated time give every client the same bytes, whatever process plays it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gateway.transcript import LINES, played
from theo.domain.market_data import SECOND
from theo.gateway.wire.connection import ClientLink, Opened
from theo.gateway.wire.messages.history import HistoricalData
from theo.gateway.wire.messages.market_data import RealtimeBar, TickByTickBidAsk, TickPrice, UpdateMktDepth
from theo.gateway.wire.messages.orders import CommissionReport, ExecDetails, OpenOrder, OrderStatus
from theo.gateway.wire.messages.session import ErrorMessage
from theo.gateway.wire.schema import Message

ROOT = Path(__file__).parents[2]
ALL_AT_ONCE = 1 << 20  # bytes
QUARTER_MS = 250


@pytest.fixture(scope="module")
def heard() -> dict[str, bytes]:
    return played(7, ALL_AT_ONCE, QUARTER_MS * 1_000)


def process(hash_seed: str, seed: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.gateway.transcript", str(seed), str(ALL_AT_ONCE), str(QUARTER_MS)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_processes_hear_the_same_and_another_seed_something_else() -> None:
    processes = [process("1", 7), process("2", 7), process("1", 8)]
    first, second, other = [each.communicate()[0].splitlines() for each in processes]
    assert len(first) == len({name for _, name, _ in LINES})
    assert first == second
    assert not set(first) & set(other)


def test_requests_byte_by_byte_are_answered_with_the_same_bytes(heard: dict[str, bytes]) -> None:
    assert played(7, 1, QUARTER_MS * 1_000) == heard


@pytest.mark.parametrize("step", [7_001, 20 * SECOND], ids=["in small steps", "in great ones"])
def test_time_in_other_steps_gives_the_same_bytes(step: int, heard: dict[str, bytes]) -> None:
    assert played(7, ALL_AT_ONCE, step) == heard


def messages(data: bytes) -> list[Message]:
    link = ClientLink()
    events = link.receive(data)
    assert isinstance(events[0], Opened)
    return [event for event in events[1:] if isinstance(event, Message)]


def test_the_transcript_is_worth_playing(heard: dict[str, bytes]) -> None:
    """It has streams, history, books, orders in all their states, a correction, a link lost, and a restart with a reconnect."""
    kinds = {type(message) for data in heard.values() for message in messages(data)}
    assert kinds >= {TickPrice, TickByTickBidAsk, RealtimeBar, HistoricalData, UpdateMktDepth, OpenOrder, CommissionReport}
    traded = messages(heard["trades"])
    assert {m.status for m in traded if isinstance(m, OrderStatus)} >= {"Submitted", "PreSubmitted", "Filled", "Cancelled"}
    assert any(isinstance(m, ExecDetails) and m.execution.exec_id.endswith(".02") for m in traded)
    assert {1100, 1102} <= {m.code for m in traded if isinstance(m, ErrorMessage)}
    assert any(isinstance(m, ExecDetails) for m in messages(heard["again"]))
