"""Who may ask: the Host and Origin of a request, and the key. A layer around the whole interface, WebSockets included.

Without a key the interface is for this machine alone. The Host header is checked because a page in a browser may reach loopback
under a name of its own (DNS rebinding); the Origin of a WebSocket and of whatever changes something, because browsers let any
page ask for both.
"""

import hmac
import ipaddress
from collections.abc import Iterable
from hashlib import sha256
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import msgspec
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from theo.api.problems import ProblemResponse, answer
from theo.domain.errors import ConfigError

KEY_LETTERS_MIN: Final = 32
KEY_LETTERS_KINDS_MIN: Final = 8  # different letters: "aaaa..." is no secret
# As the documentation writes keys, for people to see their form: never one that is taken.
PUBLISHED: Final = ("replace-me", "change-me", "changeme", "example", "0123456789abcdef", "your-key", "secret-key", "password")
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})  # what changes nothing
BODY_BYTES_MAX: Final = 262_144
CLOSE_REFUSED: Final = 1008  # policy violation


class ApiKey:
    """A key, kept as its SHA-256 alone: nothing can print it."""

    __slots__ = ("_digest",)

    def __init__(self, text: str, where: str) -> None:
        """Raises ConfigError for a key that is short, guessable or published; never with the key's own text."""
        key = text.strip()
        lower = key.lower()
        if len(key) < KEY_LETTERS_MIN:
            raise _weak(f"has {len(key)} letters, and {KEY_LETTERS_MIN} are needed", where)
        if any(each in lower for each in PUBLISHED) or len(set(lower)) < KEY_LETTERS_KINDS_MIN:
            raise _weak("is a published example, or easily guessed", where)
        if not key.isascii() or not key.isprintable() or " " in key:
            raise _weak("has letters that no header can carry", where)
        self._digest = sha256(key.encode()).digest()

    def fits(self, given: str) -> bool:
        """Whether it is this key; takes the same time whatever was given."""
        return hmac.compare_digest(sha256(given.encode()).digest(), self._digest)

    def __repr__(self) -> str:
        return "ApiKey(...)"


def _weak(what: str, where: str) -> ConfigError:
    remedy = 'Make one: python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
    return ConfigError(f"the key of the API {what}", where=where, remedy=remedy)


class Access(msgspec.Struct, frozen=True):
    """Which names the interface answers to beside localhost and addresses, and its key."""

    hosts: frozenset[str] = frozenset()
    key: ApiKey | None = None


def is_loopback(host: str) -> bool:
    """Whether a host, by name or address, is this machine's own loopback."""
    return host == "localhost" or (is_address(host) and ipaddress.ip_address(host).is_loopback)


def is_address(host: str) -> bool:
    """Whether a host is written as an address: no name of another place can stand for it."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class Guard:
    """The layer: what it lets through is answered by ``app``."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or one WebSocket."""
        refused = self._refusal(scope) if scope["type"] in {"http", "websocket"} else None
        if refused is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await refused(scope, receive, send)
        else:
            await receive()  # the wish to connect
            await send({"type": "websocket.close", "code": CLOSE_REFUSED, "reason": HTTPStatus(refused.status_code).phrase})

    def _refusal(self, scope: Scope) -> ProblemResponse | None:
        headers = Headers(scope=scope)
        host = _host(headers.getlist("host"))
        if not self._is_ours(host):
            remedy = "Use the address that `theo api` printed, or name the host in [api] hosts of theo.toml"
            return answer(HTTPStatus.FORBIDDEN, "this interface has another name", where="Host", remedy=remedy)
        origin = headers.get("origin")
        changes = scope["type"] == "websocket" or scope["method"] not in SAFE
        if changes and origin is not None and urlsplit(origin).netloc != headers["host"]:
            remedy = "Open it from a page that this interface serves, or from a program"
            return answer(HTTPStatus.FORBIDDEN, "a page of another place asks", where="Origin", remedy=remedy)
        if self._access.key is not None and not any(map(self._access.key.fits, _given(headers))):
            refused = answer(
                HTTPStatus.UNAUTHORIZED,
                "the key is missing or wrong",
                where="Authorization",
                remedy='Send the header "Authorization: Bearer KEY", or "X-API-Key: KEY"',
            )
            refused.headers["WWW-Authenticate"] = "Bearer"
            return refused
        return _too_large(headers)

    def _is_ours(self, host: str) -> bool:
        return host == "localhost" or is_address(host) or host in self._access.hosts


def _too_large(headers: Headers) -> ProblemResponse | None:
    """A body whose length is not told could be of any."""
    length = headers.get("content-length", "0")
    if "transfer-encoding" not in headers and length.isdecimal() and int(length) <= BODY_BYTES_MAX:
        return None
    remedy = f"Send at most {BODY_BYTES_MAX} bytes, with Content-Length"
    return answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is too large, or its length is not told", remedy=remedy)


def _host(given: list[str]) -> str:
    """The name or address of a Host header without its port, in small letters; "" for none, several, or one that is no host."""
    if len(given) != 1:
        return ""
    try:
        return urlsplit(f"//{given[0]}").hostname or ""
    except ValueError:
        return ""


def _given(headers: Headers) -> Iterable[str]:
    kind, _, token = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        yield token.strip()
    if "x-api-key" in headers:
        yield headers["x-api-key"]
