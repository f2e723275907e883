"""Builds the environment of this repository in .venv: `python3 tools/environment.py runtime|dev`.

Starts from Python 3.11+ with venv and nothing else. Every package comes from a lock file with hashes; none names a registry, so
packages come from where this machine's pip is told to find them (its defaults, its configuration file or PIP_* variables). uv,
which does the installing, does not read pip's settings, so they are translated for it here. An environment that exists is used as
it is and only added to. No imports from the package: it is not installed yet.
"""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
SETUP_LOCK = "requirements-setup.lock"
LOCKS = {"runtime": "requirements.lock", "dev": "requirements-dev.lock"}
PYTHON_MIN = (3, 11)

# pip's setting -> uv's variable, and what stands between several values there
UV_NAMES = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "cert": ("SSL_CERT_FILE", " "),
    "timeout": ("UV_HTTP_TIMEOUT", " "),
}
PIP_SECTIONS = ("global", "install", ":env:")  # a later one overrules an earlier one


def uv_settings(pip_settings: str, environ: Mapping[str, str]) -> dict[str, str]:
    """What `pip config list` printed, in uv's variables; a variable that is already set stays as it is.

    Every package is held by its hash, so any index may supply it, as with pip: hence the index strategy.
    """
    found: dict[str, dict[str, str]] = {}
    for line in pip_settings.splitlines():
        name, _, value = line.partition("=")
        section, _, setting = name.rpartition(".")
        if setting in UV_NAMES and section in PIP_SECTIONS:
            found.setdefault(setting, {})[section] = str(ast.literal_eval(value))
    wanted = {"UV_INDEX_STRATEGY": "unsafe-best-match"}
    for setting, by_section in found.items():
        variable, between = UV_NAMES[setting]
        wanted[variable] = between.join(by_section[max(by_section, key=PIP_SECTIONS.index)].split())
    return {name: value for name, value in wanted.items() if name not in environ}


def run(*command: str, environ: Mapping[str, str] | None = None) -> None:
    """Run a command in the repository; a failure ends the set-up with the command's own words and exit code."""
    code = subprocess.run(command, cwd=ROOT, env=environ, check=False).returncode
    if code:
        sys.exit(f"set-up stopped: `{' '.join(command)}` ended with {code}; its own message stands above")


def works(*command: str) -> bool:
    """Whether a command starts and ends well."""
    try:
        return subprocess.run(command, cwd=ROOT, check=False, capture_output=True).returncode == 0
    except OSError:
        return False


def make_venv() -> None:
    """An environment with pip in .venv; one that works is left alone, a broken one is made anew."""
    if sys.version_info < PYTHON_MIN:
        sys.exit(f"theo needs Python 3.11 or later; {sys.executable} is {sys.version.split()[0]}")
    if works(str(PYTHON), "-c", "pass"):
        if not works(str(PYTHON), "-m", "pip", "--version"):
            run(str(PYTHON), "-m", "ensurepip")
        return
    print("set-up: making .venv")
    if not works(sys.executable, "-m", "venv", "--clear", str(VENV)):
        shutil.rmtree(VENV, ignore_errors=True)
        sys.exit("set-up stopped: this Python cannot make environments. On Debian: apt install python3-venv")


def install(kind: str) -> None:
    """The installer by pip, then everything of the lock by the installer, then this package itself, editable."""
    pip = (str(PYTHON), "-m", "pip", "--disable-pip-version-check")
    print(f"set-up: installing {LOCKS[kind]} (needed again only when a lock changes)", flush=True)
    run(*pip, "install", "--quiet", "--require-hashes", "-r", SETUP_LOCK)
    listed = subprocess.run([*pip, "config", "list"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    environ = {**os.environ, **uv_settings(listed, os.environ), "VIRTUAL_ENV": str(VENV)}
    uv = (str(VENV / "bin" / "uv"), "pip", "install", "--quiet")
    run(*uv, "--require-hashes", "-r", LOCKS[kind], environ=environ)
    run(*uv, "--no-deps", "--no-build-isolation", "--editable", ".", environ=environ)


def main() -> None:
    """Build the environment that the first argument names."""
    if len(sys.argv) != 2 or sys.argv[1] not in LOCKS:  # noqa: PLR2004 - the program's name and one argument
        sys.exit(f"usage: {sys.argv[0]} {'|'.join(LOCKS)}")
    make_venv()
    install(sys.argv[1])


if __name__ == "__main__":
    main()
