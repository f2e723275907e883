"""What may not stand in any file: silent exemptions, registry hosts, secrets."""

import io
import re
import tokenize

from tests.tidy.tree import Finding, Module

# Known forms: "noqa: CODE - why" and "type: ignore[code]" with a comment of its own after it.
EXEMPTION = re.compile(r"#\s*(noqa|type:\s*ignore|pragma|pyright:|fmt:)", re.IGNORECASE)
EXEMPTION_WITH_REASON = re.compile(
    r"#\s*noqa:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*\s*[-#:]\s*\S.{7,}"
    r"|#\s*type:\s*ignore\[[a-z-]+(,\s*[a-z-]+)*\]\s*#\s*\S.{7,}"
    r"|#\s*fmt:\s*skip\s*$"
)
WHOLE_FILE_EXEMPTION = re.compile(r"#\s*(ruff:\s*noqa|flake8:\s*noqa|mypy:|fmt:\s*off|type:\s*ignore\s*$)")

# Written in parts, so that this file does not hold what it looks for.
REGISTRY_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("deb", "debian", "org"),
        ("crates", "io"),
        ("golang", "org"),
        ("docker", "io"),
    )
)
SECRETS = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a cloud access key": re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a bot token": re.compile(r"\b\d{6,12}:[A-Za-z0-9_-]{30,}\b"),
    "an access token": re.compile(r"\b(gh[pousr]_[A-Za-z0-9]{30,}|xox[abprs]-[A-Za-z0-9-]{10,}|sk_live_[A-Za-z0-9]{16,})"),
    "a password inside an address": re.compile(r"[a-z]+://[^/\s:@\"'{}<>$*]+:[^/\s:@\"'{}<>$*]+@"),
    "a password": re.compile(r"""(?i)\b(password|passwd|secret|api_?key)\b["']?\s*[=:]\s*["'][^"'\s{}<>$*]{8,}["']"""),
}


def silent_exemptions(module: Module) -> list[Finding]:
    """Comments that switch a check off without saying why, or for a whole file."""
    found = []
    for token in tokenize.generate_tokens(io.StringIO(module.text).readline):
        if token.type != tokenize.COMMENT:
            continue
        line = token.start[0]
        if WHOLE_FILE_EXEMPTION.search(token.string):
            found.append(Finding(module.path, line, f"`{token.string}` switches checks off without bounds"))
        elif EXEMPTION.search(token.string) and not EXEMPTION_WITH_REASON.search(token.string):
            found.append(Finding(module.path, line, f"`{token.string}` does not say why"))
    return found


def registry_hosts(path: str, text: str) -> list[Finding]:
    """Names of package registries: where packages come from is the machine's business, not the repository's."""
    return [
        Finding(path, number, f"names the registry host {host}")
        for number, line in enumerate(text.splitlines(), 1)
        for host in REGISTRY_HOSTS
        if host in line.lower()
    ]


def secrets(path: str, text: str) -> list[Finding]:
    """Texts that look like credentials."""
    return [
        Finding(path, number, f"looks like {kind}")
        for number, line in enumerate(text.splitlines(), 1)
        for kind, pattern in SECRETS.items()
        if pattern.search(line)
    ]


EXEMPTION_SECTIONS = ("[tool.ruff.lint.per-file-ignores]", "[tool.deptry.per_rule_ignores]")
EXEMPTION_LISTS = ("ignore = [", "ignore_names = [", "ignore_decorators = [")


def exemptions_without_comment(pyproject: str) -> list[Finding]:
    """Entries of the tools' lists of exemptions that have no reason in a comment beside them."""
    found, in_section, in_list = [], False, False
    for number, line in enumerate(pyproject.splitlines(), 1):
        if line.startswith("["):
            in_section = line in EXEMPTION_SECTIONS
        if line.startswith(EXEMPTION_LISTS):
            in_list = True
        elif line.startswith("]"):
            in_list = False
        entry = re.match(r'\s+"[^"]+",(?P<rest>.*)$', line)
        if (in_section or in_list) and entry and not re.match(r"\s*#\s*\S.{5,}", entry["rest"]):
            found.append(Finding("pyproject.toml", number, f"{line.strip()} has no reason beside it"))
    return found
