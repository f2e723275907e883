"""`theo db roles` on a real server, and the whole platform as the role that it makes."""

from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from tests.postgres import new_database, plain
from tests.unit.app.conftest import Theo

VARIABLE = "THEO_DATABASE_URL"
APP = "shop_app"


@pytest.fixture(scope="module")
def url() -> URL:
    return new_database()


def test_the_platform_runs_as_the_role_that_can_add_and_not_change(
    theo: Theo, url: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, plain(url))
    owner = theo("--home", tmp_path, "doctor")
    assert "could change the journal, as the owner of its table" in owner.out
    said = theo("--home", tmp_path, "db", "roles", "--app", APP, "--reader", "shop_reader")
    assert (said.code, f"\\password {APP}" in said.out) == (0, True), said.err
    monkeypatch.setenv(VARIABLE, plain(url.set(username=APP)))
    demo = ("--home", tmp_path, "demo", "--days", "2", "--speed", "0", "--plain")
    assert theo(*demo).code == 0
    assert theo(*demo, "--fresh").code == 0
    assert theo("--home", tmp_path, "deals").code == 0
    assert theo("--home", tmp_path, "journal", "rebuild", "--replace").code == 0
    verified = theo("--home", tmp_path, "audit", "verify")
    assert verified.code == 0, verified.out
    doctor = theo("--home", tmp_path, "doctor")
    assert "could change the journal" not in doctor.out
    assert "lacks" not in doctor.out, doctor.out
    assert f"as {APP}\n" in theo("--home", tmp_path, "db", "status").out
    monkeypatch.setenv(VARIABLE, plain(url))
    assert "which could change the journal" in theo("--home", tmp_path, "db", "status").out
    monkeypatch.setenv(VARIABLE, plain(url.set(username=APP)))
    refused = theo("--home", tmp_path, "db", "roles")
    assert (refused.code, "CREATEROLE" in refused.err) == (2, True), refused.err


def test_files_have_no_roles(theo: Theo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert theo("--home", tmp_path, "db", "roles").code == 2
