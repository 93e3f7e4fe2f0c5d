"""A request to Stripe's API, and how one is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse

Shape = dict[str, Any]


class Refusal(Exception):  # noqa: N818 - no error: an answer
    def __init__(self, message: str, code: str, status: int = 400, kind: str = "invalid_request_error") -> None:
        self.answer = JSONResponse({"error": {"type": kind, "code": code, "message": message}}, status)


@dataclass(frozen=True)
class Asked:
    """`said` is query and form, in Stripe's flat names: `metadata[refund_id]`."""

    method: str
    target: str
    said: Mapping[str, str]
    body: bytes
    headers: Mapping[str, str]

    @classmethod
    async def by(cls, request: Request) -> "Asked":
        body, url = await request.body(), request.url
        said = dict(parse_qsl(body.decode())) | dict(request.query_params)
        return cls(request.method, url.path + (f"?{url.query}" if url.query else ""), said, body, request.headers)

    @property
    def amount(self) -> int:
        return int(self.said["amount"])

    @property
    def metadata(self) -> Shape:
        return {name[9:-1]: value for name, value in self.said.items() if name.startswith("metadata[")}


def listed(data: list[Shape], url: str) -> Shape:
    return {"object": "list", "data": data, "has_more": False, "url": url}
