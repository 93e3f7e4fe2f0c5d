"""What every answer tells browsers: to take it for what it is, to frame and run nothing of it, to keep to HTTPS."""

from collections.abc import Iterable

from starlette.types import Scope

Header = tuple[bytes, bytes]

PROTECTION: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""An answer that says one of these itself, as the pages of the documentation do, is taken at its word."""
OVER_TLS: tuple[Header, ...] = (*PROTECTION, (b"strict-transport-security", b"max-age=31536000"))
"""RFC 6797, 7: said over TLS alone, for a year and this host: of others under its name we know nothing."""


def is_secure(scope: Scope) -> bool:
    """Whether the client speaks TLS: with this process, or with a trusted proxy that says so."""
    return bool(scope["scheme"] == "https")


def protected(headers: Iterable[Header], *, secure: bool) -> list[Header]:
    """The headers of an answer, with what they do not say themselves."""
    said = list(headers)
    names = {name.lower() for name, _ in said}
    return said + [header for header in (OVER_TLS if secure else PROTECTION) if header[0] not in names]
