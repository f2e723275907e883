import pytest

from tests.tidy.texts import REGISTRY_HOSTS, exemptions_without_comment, registry_hosts, secrets, silent_exemptions
from tests.tidy.tree import PACKAGE, ROOT, modules, repository_files, sample

LOCKS = tuple(path for path in repository_files() if path.endswith(".lock"))


def texts() -> list[tuple[str, str]]:
    """(path, text) of every text file in the repository."""
    found = []
    for path in repository_files():
        content = (ROOT / path).read_bytes()
        if b"\x00" not in content[:4096]:
            found.append((path, content.decode()))
    return found


def test_every_exemption_in_code_says_why() -> None:
    python = modules(PACKAGE, "tests/", "tools/", "benchmarks/")
    assert [str(finding) for module in python for finding in silent_exemptions(module)] == []


def test_every_exemption_in_the_configuration_says_why() -> None:
    assert [str(finding) for finding in exemptions_without_comment((ROOT / "pyproject.toml").read_text())] == []


def test_no_file_names_a_registry() -> None:
    assert len(LOCKS) == 3
    assert [str(finding) for path, text in texts() for finding in registry_hosts(path, text)] == []


def test_no_file_holds_a_secret() -> None:
    assert [str(finding) for path, text in texts() if path not in LOCKS for finding in secrets(path, text)] == []


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa",
        "# noqa: F401",
        "# noqa: F401 - x",
        "# type: ignore",
        "# type: ignore[arg-type]",
        "# pragma: no cover",
        "# ruff" + ": noqa",
        "# mypy" + ": ignore-errors",
        "# fmt" + ": off",
    ],
)
def test_a_silent_exemption_is_found(comment: str) -> None:
    assert len(silent_exemptions(sample(f"x = 1  {comment}\n"))) == 1


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa: F401 - the name is read by the plugin",
        "# noqa: F401, E501 - the name is read by the plugin",
        "# type: ignore[arg-type]  # two members of the union",
        "# an ordinary comment",
    ],
)
def test_an_explained_exemption_is_fine(comment: str) -> None:
    assert silent_exemptions(sample(f"x = 1  {comment}\n")) == []


def test_an_exemption_inside_a_text_is_none() -> None:
    assert silent_exemptions(sample('x = "# noqa"\n')) == []


@pytest.mark.parametrize("host", REGISTRY_HOSTS)
def test_a_registry_is_found(host: str) -> None:
    assert len(registry_hosts("x.lock", f"first line\n--index-url https://{host}/simple\n")) == 1


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN " + "RSA PRIVATE KEY-----",
        "key = AKIA" + "ABCDEFGHIJKLMNOP",
        "bot = 123456789" + ":" + "A" * 35,
        "gh" + "p_" + "a" * 36,
        "postgresql://theo" + ":hunter2hunter2@db/theo",
        "pass" + 'word = "correct-horse"',
        "'api" + "_key': 'abcdefgh12345'",
    ],
)
def test_a_secret_is_found(text: str) -> None:
    assert len(secrets("x.py", text)) == 1


@pytest.mark.parametrize(
    "text", ['password = "{password}"', "http://127.0.0.1:8000/health", 'password = ""', "at 2026-11-20 09:30:00"]
)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert secrets("x.py", text) == []


@pytest.mark.parametrize(
    "key", ["[tool.ruff.lint]\nignore", "[tool.vulture]\nignore_names", "[tool.deptry.per_rule_ignores]\nDEP002"]
)
def test_an_unexplained_entry_of_the_configuration_is_found(key: str) -> None:
    text = key + ' = [\n    "D203", # contradicts D211\n    "D401",\n]\n[tool.other]\npaths = [\n    "src",\n]\n'
    assert [finding.line for finding in exemptions_without_comment(text)] == [4]
