"""Errors as clients are told them: application/problem+json (RFC 9457), one base class; `answers` sends them."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):  # noqa: N818 - RFC 9457's word
    """What a client is told when a request cannot be fulfilled: a status, a title and a sentence on what to do."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Unexpected error"
    detail: str = "Something went wrong on our side. Please try again later."

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: list[dict[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.detail = detail or type(self).detail
        self.errors = errors
        self.headers = dict(headers or {})
        super().__init__(self.detail)


class NotFound(Problem):
    status, title = 404, "Not found"
    detail = "There is nothing here, or it is not yours to see. Check the id."


class Forbidden(Problem):
    status, title = 403, "Not allowed"
    detail = "You may see this but not do that."


class Conflict(Problem):
    status, title = 409, "Conflict"
    detail = "The current state does not allow this. Read it again, then decide."


class BadRequest(Problem):
    status, title = 400, "Bad request"
    detail = "The request cannot be carried out as sent."


class Invalid(Problem):
    """422 with the fields that are wrong: {pointer or parameter, detail}."""

    status, title = 422, "Invalid input"
    detail = "Some fields are not valid. See errors for each."

    @classmethod
    def field(cls, pointer: str, detail: str) -> "Invalid":
        return cls(errors=[{"pointer": pointer, "detail": detail}])

    @classmethod
    def parameter(cls, name: str, detail: str) -> "Invalid":
        return cls(errors=[{"parameter": name, "detail": detail}])


class BodyTooLarge(Problem):
    status, title = 413, "Content Too Large"
    detail = "The body is larger than 1 MiB. Send less."


class HeadTooLarge(Problem):
    status, title = 431, "Headers too large"
    detail = "The request's line and headers are more than 64 KiB or 100 headers. Send fewer or shorter ones."


class Unreadable(BadRequest):
    detail = "This is no HTTP request, or one that could be read in more ways than one."


class Unavailable(Problem):
    status, title = 503, "Service unavailable"
    detail = "The service is short of something right now. Please try again in a moment."

    def __init__(self, detail: str | None = None, *, retry_after: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class TooManyConnections(Unavailable):
    detail = "More clients are connected than one process can serve. Try again in a moment."


class TooSlow(Problem):
    status, title = 408, "Request Timeout"
    detail = "The request did not come whole in time. Send it again, in one piece."


class ErrorOut(BaseModel):
    """One wrong field: `pointer` into the body (RFC 6901), or the `parameter` of path, query or header."""

    pointer: str | None = None
    parameter: str | None = None
    detail: str


class ProblemOut(BaseModel):
    """RFC 9457 problem details."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[ErrorOut] | None = None
    trace_id: str | None = Field(
        default=None,
        description="Only where requests are traced: tell it to whoever runs the service, who finds the request by it.",
    )


def problems(*kinds: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI description of the problems that an operation may answer with."""
    described: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        example = {"type": "about:blank", "title": kind.title, "status": kind.status, "detail": kind.detail}
        entry = described.setdefault(
            kind.status,
            {"description": kind.title, "content": {MEDIA_TYPE: {"schema": PROBLEM_REF, "examples": {}}}},
        )
        entry["content"][MEDIA_TYPE]["examples"][kind.__name__] = {"summary": kind.title, "value": example}
    return described


PROBLEM_REF = {"$ref": "#/components/schemas/ProblemOut"}
