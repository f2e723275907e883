"""What this gateway does not offer: every request is answered, where it can be on its id, so that no client waits for ever."""

import pytest

from tests.unit.gateway.hand_market import HandMarket, Peer, gateway
from tests.unit.gateway.tables import at
from theo.gateway.wire.messages.others import UNSUPPORTED, NewsProviders, Refusable, ScannerParameters, Unsupported
from theo.gateway.wire.messages.session import ErrorMessage

NOW = at("2026-11-24 10:00")
REQ_ID = 55


def asked(number: int, refusable: Refusable) -> Unsupported:
    fields = [str(number), "1", "1", "1", "1"]
    if refusable.req_id_at:
        fields[refusable.req_id_at] = str(REQ_ID)
    return Unsupported(number, refusable.name, REQ_ID if refusable.req_id_at else -1, tuple(fields))


@pytest.mark.parametrize("number", UNSUPPORTED, ids=lambda number: UNSUPPORTED[number].name)
def test_every_request_is_answered_once_and_on_its_id(number: int) -> None:
    request = asked(number, UNSUPPORTED[number])
    (answer,) = Peer(gateway((), HandMarket(), NOW)).ask(request)
    if isinstance(answer, ErrorMessage):
        assert answer.req_id == request.req_id
        assert answer.code in {162, 322, 10_276, 10_358}
    else:
        assert request.req_id == -1


def test_what_has_no_id_and_is_waited_for_is_answered_with_nothing_in_it() -> None:
    numbers = {each.name: number for number, each in UNSUPPORTED.items()}
    peer = Peer(gateway((), HandMarket(), NOW))
    (news,) = peer.ask(asked(numbers["reqNewsProviders"], Refusable("reqNewsProviders")))
    (scans,) = peer.ask(asked(numbers["reqScannerParameters"], Refusable("reqScannerParameters")))
    assert news == NewsProviders(())
    assert isinstance(scans, ScannerParameters)
    assert scans.xml.startswith("<?xml")
