"""Every command that a page tells a reader to type is typed here, in the order of the page, in a home of the page's own.

A block of commands is run when `<!-- run -->` stands before it; `<!-- run: exit 2 -->` says which exit code the page promises.
`<!-- first: COMMAND -->` before a page's text is run where the page refers to something that takes too long to be run here.
`<!-- file: NAME -->` before a block writes the block to that file first. A block of commands must carry one of the marks, or
`<!-- not run: REASON -->`.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from theo.app.cli import main

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^(?:<!-- (?P<mark>[^>]*?) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
FIRST = re.compile(r"^<!-- first: (.*) -->$", re.MULTILINE)
SHELL = frozenset({"console", "bash", "sh"})
SHELL_SIGNS = frozenset("|<>$`;&*")  # what only a shell understands
PAGE_S_MAX = 60


class Block(msgspec.Struct, frozen=True):
    """One block of a page: its mark, its language and its lines."""

    mark: str
    language: str
    text: str

    @property
    def exit_code(self) -> int | None:
        """What its commands must exit with; None when it is not run."""
        match = re.fullmatch(r"run(?:: exit (\d+))?", self.mark)
        return int(match[1] or 0) if match else None

    @property
    def file(self) -> str:
        """The file that it is written to, "" for none."""
        return self.mark.removeprefix("file: ") if self.mark.startswith("file: ") else ""


def blocks(text: str) -> list[Block]:
    """The blocks of a page, in order."""
    return [Block(m["mark"] or "", m["language"], m["text"]) for m in BLOCK.finditer(text)]


def pages() -> list[Path]:
    """README, tutorial, how-to and operations: the pages whose commands a reader types."""
    folders = (ROOT / "docs" / name for name in ("tutorial", "how-to", "operations"))
    return [ROOT / "README.md", *(page for folder in folders for page in sorted(folder.glob("*.md")))]


def exit_of(command: str, capture: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code and output of one line. A plain call of the program runs in this process, which saves its start."""
    if command.startswith("theo ") and not SHELL_SIGNS.intersection(command):
        capture.readouterr()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", shlex.split(command))
            with pytest.raises(SystemExit) as ended:
                main()
        printed = capture.readouterr()
        return int(ended.value.code or 0), printed.out + printed.err
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=PAGE_S_MAX, check=False)
    return done.returncode, done.stdout + done.stderr


def wrong_in(text: str, capture: pytest.CaptureFixture[str]) -> list[str]:
    """Runs a page in the present folder; the commands that exit otherwise than the page says, with what they printed."""
    wrong = []
    for command in FIRST.findall(text):
        assert exit_of(command, capture)[0] == 0, command
    for block in blocks(text):
        if block.file:
            Path(block.file).write_text(block.text)
        if block.exit_code is None:
            continue
        for line in block.text.splitlines():
            command = line.removeprefix("$ ").partition("  #")[0].strip()
            if not command or command.startswith("#"):
                continue
            code, printed = exit_of(command, capture)
            if code != block.exit_code:
                wrong.append(f"{command}: exit {code}, the page says {block.exit_code}\n{printed}")
    return wrong


@pytest.fixture
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("THEO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
@pytest.mark.usefixtures("_own_place")
def test_the_commands_of_a_page_do_what_it_says(page: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert wrong_in(page.read_text(), capfd) == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_every_block_of_commands_is_run_or_says_why_not(page: Path) -> None:
    shell = [block for block in blocks(page.read_text()) if block.language in SHELL]
    unmarked = [block.text for block in shell if block.exit_code is None and not block.mark.startswith("not run: ")]
    assert unmarked == []


@pytest.mark.usefixtures("_own_place")
def test_a_command_that_fails_and_one_that_should_are_found(capfd: pytest.CaptureFixture[str]) -> None:
    page = "<!-- file: a.txt -->\n```text\nword\n```\n\n<!-- run -->\n```bash\ngrep word a.txt\ngrep other a.txt\n```\n"
    assert [line.split(":")[0] for line in wrong_in(page, capfd)] == ["grep other a.txt"]
    assert wrong_in("<!-- run: exit 1 -->\n```bash\ngrep other a.txt\n```\n", capfd) == []
    assert wrong_in("```bash\nfalse\n```\n", capfd) == []
    assert wrong_in("<!-- run -->\n```console\n$ theo nothing\n```\n", capfd)[0].startswith(
        "theo nothing: exit 2, the page says 0"
    )
