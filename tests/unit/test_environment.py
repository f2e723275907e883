import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tools.environment import LOCKS, ROOT, SETUP_LOCK, uv_settings

STRATEGY = {"UV_INDEX_STRATEGY": "unsafe-best-match"}


@pytest.mark.parametrize(
    ("pip_says", "environ", "expected"),
    [
        pytest.param("", {}, {}, id="a plain machine keeps the defaults"),
        pytest.param("global.index-url='file:///a'", {}, {"UV_DEFAULT_INDEX": "file:///a"}, id="a configured registry is used"),
        pytest.param(
            ":env:.index-url='file:///b'\nglobal.index-url='file:///a'",
            {},
            {"UV_DEFAULT_INDEX": "file:///b"},
            id="the environment overrules the file",
        ),
        pytest.param(
            "global.extra-index-url='file:///a file:///b'",
            {},
            {"UV_INDEX": "file:///a file:///b"},
            id="several more registries",
        ),
        pytest.param("global.find-links='/a\\n/b'", {}, {"UV_FIND_LINKS": "/a,/b"}, id="several folders on several lines"),
        pytest.param("global.index-url='file:///a'", {"UV_DEFAULT_INDEX": "x"}, {}, id="what is set for the installer wins"),
        pytest.param("download.index-url='file:///a'\nglobal.retries='3'", {}, {}, id="settings of other kinds are left alone"),
    ],
)
def test_pip_settings_are_translated(pip_says: str, environ: dict[str, str], expected: dict[str, str]) -> None:
    assert uv_settings(pip_says, environ) == STRATEGY | expected


def a_registry_with_one_package(folder: Path) -> str:
    """A folder in the form of a package index that knows `tiny-part` 1.0; returns its address."""
    shelf = folder / "simple" / "tiny-part"
    shelf.mkdir(parents=True)
    wheel = "tiny_part-1.0-py3-none-any.whl"
    about = "tiny_part-1.0.dist-info"
    with ZipFile(shelf / wheel, "w") as archive:
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny-part\nVersion: 1.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    (shelf / "index.html").write_text(f'<a href="{wheel}">{wheel}</a>')
    return (folder / "simple").as_uri()


@pytest.mark.parametrize("setting", ["index-url", "extra-index-url"])
def test_the_installer_finds_the_registry_that_pip_was_told_of(setting: str, tmp_path: Path) -> None:
    address = a_registry_with_one_package(tmp_path)
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    says = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        capture_output=True,
        text=True,
        check=True,
        env=plain | {"PIP_" + setting.upper().replace("-", "_"): address, "PIP_CONFIG_FILE": os.devnull},
    )
    install = [
        f"{sys.prefix}/bin/uv",
        "pip",
        "install",
        "--offline",
        "--dry-run",
        "--no-cache",
        "--python",
        sys.executable,
        "tiny-part",
    ]
    with_it = subprocess.run(install, capture_output=True, text=True, check=False, env=plain | uv_settings(says.stdout, plain))
    without = subprocess.run(install, capture_output=True, text=True, check=False, env=plain)
    assert "+ tiny-part==1.0" in with_it.stderr
    assert without.returncode != 0


@pytest.mark.parametrize("lock", [SETUP_LOCK, *LOCKS.values()])
def test_every_package_of_a_lock_is_pinned_and_hashed(lock: str) -> None:
    entries = [
        entry for entry in (ROOT / lock).read_text().replace("\\\n", " ").splitlines() if entry and entry.lstrip()[0] != "#"
    ]
    assert entries
    for entry in entries:
        assert "==" in entry.split()[0]
        assert "--hash=sha256:" in entry
