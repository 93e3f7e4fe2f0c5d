"""What the headers of a request mean to a kept answer."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from parkingspots.accounts import tokens
from parkingspots.kit.conditional import listed
from parkingspots.kit.requests import HEADER
from parkingspots.reads.entries import Entry

GZIP = re.compile(rb"(?:^|[,\s])(?:x-)?gzip\s*(?:;\s*q\s*=\s*(0(?:\.\d*)?|1(?:\.0*)?)\s*)?(?:,|$)")
"""RFC 9110, 12.5.3; what only `*` allows is sent plain."""
ONE_TAG = 100
LONGEST_REMEMBERED = 2_000
"""Bytes of a header; a token of ours has fewer, and so has a client that knows a few answers."""


@dataclass(slots=True)  # not frozen: that would cost twice as much, at each request
class Wants:
    known: frozenset[str] | None
    """The ETags of what the client has already."""
    takes_gzip: bool
    authorization: bytes | None
    request_id: bytes | None = None
    """As it was sent."""

    @property
    def signed_in(self) -> bool:
        return self.authorization is not None

    def may_have(self, entry: Entry) -> bool:
        """Whether what a stranger gets is what this client would get.

        Whose the token is need not be verified for it: who lies about that gets what a stranger gets.
        """
        if self.authorization is None or not entry.about.but_for:
            return True
        return len(self.authorization) > LONGEST_REMEMBERED or _claimed(self.authorization) not in entry.about.but_for

    def knows(self, etag: str) -> bool:
        return self.known is not None and (etag in self.known or "*" in self.known)


def wants(headers: Iterable[tuple[bytes, bytes]]) -> Wants | None:
    """None where the request has a body, which only its route may judge."""
    known: bytes | None = None
    authorization: bytes | None = None
    request_id: bytes | None = None
    takes_gzip = False
    for name, value in headers:
        if name == b"if-none-match":
            known = value if known is None else known + b"," + value
        elif name == b"accept-encoding":
            takes_gzip = _takes_gzip(value)
        elif name == b"authorization":
            authorization = value
        elif name == HEADER:
            request_id = value
        elif name == b"transfer-encoding" or (name == b"content-length" and value != b"0"):
            return None
    return Wants(None if known is None else _tags(known), takes_gzip, authorization, request_id)


@lru_cache(maxsize=4096)
def _claimed(authorization: bytes) -> UUID | None:
    _, _, token = authorization.decode("latin-1").partition(" ")
    return tokens.claimed(token.strip())


def _takes_gzip(value: bytes) -> bool:
    found = GZIP.search(value.lower()) if b"zip" in value.lower() else None
    return found is not None and (found[1] is None or float(found[1]) > 0)


def _tags(header: bytes) -> frozenset[str]:
    """Of one short header the same object each time: most clients name the one answer that they know."""
    return _few_tags(header) if len(header) <= ONE_TAG else _few_tags.__wrapped__(header)


@lru_cache(maxsize=4096)
def _few_tags(header: bytes) -> frozenset[str]:
    return frozenset(tag.removeprefix("W/") for tag in listed(header.decode("latin-1")))
