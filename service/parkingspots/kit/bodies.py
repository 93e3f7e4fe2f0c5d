"""Bodies have a size limit; one that is larger is answered with a problem document like any other error."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from parkingspots.kit.answers import answer
from parkingspots.kit.problems import BodyTooLarge

LARGEST = 1 << 20
"""Bytes: 1 MiB."""


def is_too_large(announced: str) -> bool:
    """Whether a Content-Length is above LARGEST; one of thousands of digits is no number to Python."""
    digits = announced.lstrip("0")
    return digits.isdecimal() and (len(digits) > len(str(LARGEST)) or int(digits) > LARGEST)


def has_none(scope: Scope) -> bool:
    """Whether a request comes without a body."""
    return not any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0"))
        for name, value in scope["headers"]
    )


class BodyLimit:
    """Refuses a body that announces, or turns out, to be larger than LARGEST, before it is held in memory."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if is_too_large(announced):
            await answer(BodyTooLarge())(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > LARGEST:
                raise HTTPException(BodyTooLarge.status)  # the framework passes this kind on while it reads a body
            return message

        await self.app(scope, counted, send)
