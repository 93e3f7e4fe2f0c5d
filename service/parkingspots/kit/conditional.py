"""Conditional requests (RFC 9110, 13): a strong ETag and 304 on every GET, If-Match on a PUT."""

import hashlib
import re
from typing import Annotated

from fastapi import Depends, Header
from pydantic import BaseModel
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from parkingspots.kit.problems import Invalid, Problem

GZIPPED = '-gzip"'
TAG = re.compile(r'\*|(W/)?"[^"]*"')
"""RFC 9110, 8.8.3."""
FOR_EVERYBODY, FOR_ONE = "no-cache", "private, no-cache"
"""Cache-Control of an answer without and with an access token: keep it, but ask whether it is still true."""
MOST_HELD = 1 << 20
"""Bytes: an answer that grows larger is passed on as it comes, without an ETag."""


class PreconditionFailed(Problem):
    status, title = 412, "Changed meanwhile"
    detail = "This has changed since you read it. Read it again, then send your change with the new ETag in If-Match."


def etag(body: bytes | bytearray) -> str:
    """The strong validator of a representation: the same for the same bytes, on every pod."""
    return f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'


def compressed(tag: str) -> str:
    """The validator of the same representation, compressed: other bytes, so another one (RFC 9110, 8.8.3.3)."""
    return f"{tag[:-1]}{GZIPPED}"


def listed(header: str) -> set[str]:
    """The tags of an If-Match or If-None-Match header, those of compressed answers as if they had come plain."""
    return {_plain(tag.strip()) for tag in header.split(",")}


def _plain(tag: str) -> str:
    return f'{tag.removesuffix(GZIPPED)}"' if tag.endswith(GZIPPED) else tag


class Conditional:
    """Gives every answer to a GET its ETag, and leaves out the body of one that the client has already."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET":
            send = _Validated(send, Headers(scope=scope)).send
        await self.app(scope, receive, send)


class _Validated:
    """One answer, held back until its bytes are known."""

    def __init__(self, send: Send, asked: Headers) -> None:
        self._send = send
        self._asked = asked
        self._start: Message | None = None
        self._body = bytearray()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_to_be_validated(message):
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            await self._add(self._start, message)

    async def _add(self, start: Message, message: Message) -> None:
        self._body += message.get("body", b"")
        more = message.get("more_body", False)
        if more and len(self._body) <= MOST_HELD:
            return
        self._start = None
        if not more:
            self._validate(start)
        await self._send(start)
        await self._send({"type": "http.response.body", "body": bytes(self._body), "more_body": more})

    def _validate(self, start: Message) -> None:
        tag = etag(self._body)
        headers = MutableHeaders(raw=start["headers"])
        headers["ETag"] = tag
        headers.setdefault("Cache-Control", FOR_ONE if "authorization" in self._asked else FOR_EVERYBODY)
        headers.add_vary_header("Authorization")
        known = {each.removeprefix("W/") for each in listed(self._asked.get("if-none-match", ""))}
        if known & {tag, "*"}:
            start["status"] = 304
            self._body.clear()
            del headers["Content-Length"], headers["Content-Type"]


def _is_to_be_validated(start: Message) -> bool:
    return start["status"] == 200 and "etag" not in Headers(raw=start["headers"])  # noqa: PLR2004 - OK


class Precondition:
    """What the client says the resource is before its change."""

    def __init__(self, if_match: str | None) -> None:
        """Raises Invalid for what is no list of ETags."""
        self._tags = None if if_match is None else listed(if_match)
        if self._tags and not all(TAG.fullmatch(tag) for tag in self._tags):
            raise Invalid.parameter("If-Match", 'must be an ETag as GET gave it, with its quotes: "…"')

    def require(self, *representations: BaseModel) -> None:
        """Raise PreconditionFailed unless the client has named one of these, as GET answers them now; or none, or *."""
        if self._tags is None or "*" in self._tags:
            return
        if not self._tags & {etag(each.model_dump_json().encode()) for each in representations}:
            raise PreconditionFailed


async def _if_match(
    if_match: Annotated[
        str | None, Header(description="the ETag that GET gave; 412 where it has changed since")
    ] = None,
) -> Precondition:
    return Precondition(if_match)


IfMatch = Annotated[Precondition, Depends(_if_match)]
