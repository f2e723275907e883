"""The documents beside the code: complete, numbered, and with links that lead somewhere."""

import re
import tomllib
from configparser import ConfigParser
from pathlib import Path

import pytest

from tests.tidy.tree import ROOT, repository_files

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)[^)]*\)|!\[[^\]]*\]\(([^)\s]+)[^)]*\)|(?:src|href)=\"([^\"]+)\"")
FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*$", re.MULTILINE)
DECISIONS = ROOT / "docs" / "decisions"
RECORD = re.compile(r"\d{4}-[a-z0-9-]+\.md")
RECORD_PARTS = ("## Context", "## Decision", "## Consequences")


def anchors(text: str) -> set[str]:
    """The anchors that a page's headings make: lower case, spaces as hyphens, other signs left out."""
    heads = HEADING.findall(FENCE.sub("", text))
    return {re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", re.sub(r"`", "", head)).strip().lower()) for head in heads}


def broken_links(path: Path, text: str) -> list[str]:
    """Relative links of a page that lead to no file, or to no heading of it."""
    found = []
    for match in LINK.finditer(FENCE.sub("", text)):
        link = next(group for group in match.groups() if group)
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        missing = not target.exists()
        if missing or (anchor and target.suffix == ".md" and anchor not in anchors(target.read_text() if name else text)):
            found.append(f"{path.name}: {link}")
    return found


def undocumented(pyproject: str, page: str) -> list[str]:
    """Dependencies, runtime or development, that have no row of their own on the page."""
    declared = tomllib.loads(pyproject)
    wanted = [*declared["project"]["dependencies"], *declared["dependency-groups"]["dev"]]
    names = [re.split(r"[<>=~!\[; ]", item)[0].lower() for item in wanted]
    rows = {row.lower() for row in re.findall(r"^\|\s*`([^`]+)`\s*\|", page, re.MULTILINE)}
    return [name for name in names if name not in rows]


def misnumbered(names: list[str]) -> list[str]:
    """Records whose number does not follow the one before, from 0001."""
    return [name for count, name in enumerate(sorted(names), 1) if not RECORD.fullmatch(name) or int(name[:4]) != count]


def unplaced(contract: str, page: str) -> list[str]:
    """Layers of a contract of .importlinter, and rooms of the application, that the page on architecture has no row for."""
    rows = re.findall(r"^\|(.+?)\|", page, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)}
    wanted = re.findall(r"\b[a-z_]+\b", contract)
    return [name for name in wanted if name not in named]


PAGES = [path for path in repository_files() if path.endswith(".md")]


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_leads_somewhere(page: str) -> None:
    assert broken_links(ROOT / page, (ROOT / page).read_text()) == []


def test_no_page_is_empty() -> None:
    assert [page for page in PAGES if len((ROOT / page).read_text().split()) < 20] == []


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "zensical.toml").read_text()
    pages = [page.removeprefix("docs/") for page in PAGES if page.startswith("docs/")]
    assert [page for page in pages if f'"{page}"' not in navigation] == []


def test_every_dependency_says_why_it_is_there() -> None:
    assert undocumented((ROOT / "pyproject.toml").read_text(), (ROOT / "docs" / "dependencies.md").read_text()) == []


def test_every_layer_and_room_is_on_the_page_on_architecture() -> None:
    contracts = ConfigParser()
    contracts.read(ROOT / ".importlinter")
    page = (ROOT / "docs" / "concepts" / "architecture.md").read_text()
    assert unplaced(contracts["importlinter:contract:layers"]["layers"], page) == []
    rooms, leaves = contracts["importlinter:contract:app"]["layers"].strip().rsplit("\n", 1)
    assert unplaced(rooms, page) == []
    assert [leaf for leaf in leaves.split(" | ") if f"`{leaf}`" not in page] == []


def test_decision_records_are_numbered_listed_and_whole() -> None:
    records = sorted(path.name for path in DECISIONS.glob("*.md") if path.name != "index.md")
    assert misnumbered(records) == []
    listed = (DECISIONS / "index.md").read_text()
    for name in records:
        text = (DECISIONS / name).read_text()
        assert text.startswith(f"# {int(name[:4])}. "), name
        assert [part for part in RECORD_PARTS if part not in text] == [], name
        assert f"({name})" in listed, name


def test_the_changelog_has_a_place_for_what_is_next() -> None:
    assert "\n## [Unreleased]\n" in (ROOT / "CHANGELOG.md").read_text()


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    (tmp_path / "there.md").write_text("# A heading\n\n## Two `words`\n")
    text = "[a](there.md) [b](gone.md) ![c](gone.svg) [d](there.md#two-words) [e](there.md#no) [f](https://example.invalid)\n"
    assert broken_links(page, text) == ["page.md: gone.md", "page.md: gone.svg", "page.md: there.md#no"]
    assert broken_links(page, "```\n[b](gone.md)\n```\n") == []


def test_an_undocumented_dependency_is_found() -> None:
    pyproject = '[project]\ndependencies = ["rich>=14", "typer"]\n[dependency-groups]\ndev = ["pytest>=9", "uv[x]>=1"]\n'
    assert undocumented(pyproject, "| `rich` | why |\n| `uv` | why |\ntyper and pytest are named in the text only\n") == [
        "typer",
        "pytest",
    ]


def test_a_layer_without_a_row_is_found() -> None:
    assert unplaced("app\napi | runtime | (gateway)", "| `app` | what `gateway` is not |\n| `api`, `drive` | |\n") == [
        "runtime",
        "gateway",
    ]


def test_a_gap_in_the_numbers_is_found() -> None:
    assert misnumbered(["0001-a.md", "0003-c.md"]) == ["0003-c.md"]
    assert misnumbered(["0001-a.md", "0002-b.md"]) == []
    assert misnumbered(["0001-a.md", "two.md"]) == ["two.md"]
