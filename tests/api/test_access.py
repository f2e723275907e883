from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.conftest import Served, serving
from theo.api.access import Access, ApiKey
from theo.app.api.making import api_key
from theo.app.commands.api import run
from theo.domain.errors import ConfigError, UserError

KEY = "k7Qw-92hVbs_Lm3TzYc8RfXp0aGdNeUi"


@pytest.fixture(scope="module")
def locked(traded: Path) -> Iterator[Served]:
    with serving(traded, Access(hosts=frozenset({"theo.example.org"}), key=ApiKey(KEY, "test"))) as found:
        yield found


@pytest.mark.parametrize("headers", [{"Authorization": f"Bearer {KEY}"}, {"authorization": f"bearer {KEY}"}, {"X-API-Key": KEY}])
def test_the_key_opens(locked: Served, headers: dict[str, str]) -> None:
    assert locked.get("/health", headers).status == 200


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": KEY[:-1]}, {"Authorization": f"Basic {KEY}"}, {"X-API-Key": ""}])
@pytest.mark.parametrize("path", ["/", "/health", "/openapi.json", "/nothing", "/api/market-data/bars?limit=0"])
def test_without_it_nothing_is_told(locked: Served, headers: dict[str, str], path: str) -> None:
    answered = locked.get(path, headers)
    assert (answered.status, answered.headers["www-authenticate"]) == (401, "Bearer")
    assert answered.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "", "a]b"])
def test_another_name_for_this_machine_is_refused(served: Served, host: str) -> None:
    answered = served.get("/health", {"Host": host})
    assert (answered.status, answered.body["where"]) == (403, "Host")


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:8000", "LOCALHOST"])
def test_this_machine_has_names_of_its_own(served: Served, host: str) -> None:
    assert served.get("/health", {"Host": host}).status == 200


def test_a_configured_name_is_taken(locked: Served) -> None:
    assert locked.get("/health", {"Host": "theo.example.org", "X-API-Key": KEY}).status == 200


@pytest.mark.parametrize(
    "text", ["", "short", KEY[:31], "a" * 40, "abab" * 10, "0123456789abcdef0123456789abcdef", f"example-{KEY}", f"{KEY} {KEY}"]
)
def test_a_weak_key_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        ApiKey(text, "THEO_API_KEY")
    assert not text or text not in str(refused.value)
    assert "secrets.token_urlsafe" in refused.value.remedy


def test_nothing_prints_a_key() -> None:
    assert KEY not in repr(Access(key=ApiKey(KEY, "test")))


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THEO_API_KEY", raising=False)
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        api_key(str(file))
    file.chmod(0o600)
    found = api_key(str(file))
    assert found is not None
    assert found.fits(KEY)
    with pytest.raises(ConfigError, match="cannot be read"):
        api_key(str(tmp_path / "none"))


def test_without_a_key_only_this_machine_is_served(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="listens on this machine only"):
        run(tmp_path, "0.0.0.0", 0, "")  # noqa: S104 - what is refused


def test_a_port_that_is_taken_is_a_clear_mistake(tmp_path: Path, served: Served) -> None:
    with pytest.raises(UserError, match="cannot listen"):
        run(tmp_path, "127.0.0.1", served.port, "")
