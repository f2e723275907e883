"""The address of a server as a person writes it, checked before anything is connected. What is said of it shows no password."""

from typing import Final

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from theo.domain.errors import ConfigError

DRIVER: Final = "postgresql+psycopg"
SCHEMES: Final = frozenset({"postgresql", "postgres", DRIVER})
# What libpq knows of connecting, TLS and failing over. Nothing that changes what statements mean, and no second secret.
OPTIONS: Final = frozenset(
    {
        "host",
        "port",
        "sslmode",
        "sslrootcert",
        "sslcert",
        "sslkey",
        "sslcrl",
        "sslnegotiation",
        "ssl_min_protocol_version",
        "channel_binding",
        "require_auth",
        "gssencmode",
        "krbsrvname",
        "passfile",
        "target_session_attrs",
        "load_balance_hosts",
        "connect_timeout",
        "keepalives",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
        "tcp_user_timeout",
    }
)
FORM: Final = "postgresql://USER@HOST:PORT/DATABASE?sslmode=verify-full"


def server_address(text: str, where: str) -> URL:
    """The address. Raises ConfigError naming what is wrong, never what was written: it may hold a password."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ConfigError("the address of the database cannot be read", where=where, remedy=f"Write {FORM}") from None
    if url.drivername not in SCHEMES:
        raise ConfigError(
            "the address of the database is none of PostgreSQL's",
            where=where,
            why=f"it must begin with {' or '.join(sorted(SCHEMES))}",
            remedy=f"Write {FORM}; without an address everything is kept in SQLite files of the data directory",
        )
    if not url.database:
        raise ConfigError("the address names no database", where=where, remedy=f"Write {FORM}")
    unknown = sorted(set(url.query) - OPTIONS)
    if unknown:
        raise ConfigError(
            f"the address has options that are not taken: {', '.join(unknown)}",
            where=where,
            remedy=f"Taken are {', '.join(sorted(OPTIONS))}",
        )
    return url.set(drivername=DRIVER)
