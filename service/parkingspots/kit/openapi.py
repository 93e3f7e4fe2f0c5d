"""The OpenAPI document: what FastAPI makes of the routes, and what is true of every one of them."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from parkingspots.kit.conditional import PreconditionFailed
from parkingspots.kit.idempotency_keys import KeyReused, StillRunning
from parkingspots.kit.limits import TooManyRequests
from parkingspots.kit.links import links
from parkingspots.kit.problems import (
    MEDIA_TYPE,
    BadRequest,
    BodyTooLarge,
    Invalid,
    ProblemOut,
    Unavailable,
    problems,
)

WATCHED = "service"
"""The tag of what reports about the service: it is neither limited nor short of anything."""


def describe(app: FastAPI) -> None:
    """Make `app.openapi()` say what every operation may answer: problem documents, not the framework's own form."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
                separate_input_output_schemas=False,
            )
            _add_schemas(made)
            for item in made["paths"].values():
                for method, operation in item.items():
                    _complete(method, operation)
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _add_schemas(made: dict[str, Any]) -> None:
    schemas = made["components"]["schemas"]
    for framework_own in ("HTTPValidationError", "ValidationError"):
        schemas.pop(framework_own, None)
    problem = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs") | {"ProblemOut": problem}


def _complete(method: str, operation: dict[str, Any]) -> None:
    """Replace the framework's 422, and add what the middle of the road asks for and may answer."""
    responses = operation["responses"]
    takes_input = responses.pop("422", None) is not None or "requestBody" in operation
    headers = {each["name"].lower() for each in operation.get("parameters", []) if each["in"] == "header"}
    kinds = [
        *([Invalid] if takes_input else []),
        *([BadRequest, BodyTooLarge] if "requestBody" in operation else []),
        *([StillRunning, KeyReused] if "idempotency-key" in headers else []),
        *([PreconditionFailed] if "if-match" in headers else []),
        *([] if operation["tags"] == [WATCHED] else [TooManyRequests, Unavailable]),
    ]
    for status, response in problems(*kinds).items():
        _merge(responses, str(status), response)
    if following := links(operation["operationId"]):
        next(response for status, response in responses.items() if status.startswith("2"))["links"] = following
    if method == "get":
        _validate(operation)
    operation["responses"] = dict(sorted(responses.items()))


def _merge(responses: dict[str, Any], status: str, response: dict[str, Any]) -> None:
    """Add the examples of `response` to those of the same status."""
    present = responses.setdefault(status, response)["content"][MEDIA_TYPE]
    present["examples"] = response["content"][MEDIA_TYPE]["examples"] | present["examples"]


def _validate(operation: dict[str, Any]) -> None:
    """What every GET has: a validator, and a short answer to those who know it already."""
    tag = {"description": "strong validator (RFC 9110, 8.8.3)", "schema": {"type": "string"}}
    operation["responses"]["200"]["headers"] = {"ETag": tag}
    operation["responses"]["304"] = {
        "description": "Not modified since the ETag in If-None-Match",
        "headers": {"ETag": tag},
    }
    operation.setdefault("parameters", []).append(
        {
            "name": "If-None-Match",
            "in": "header",
            "required": False,
            "schema": {"type": "string"},
            "description": "the ETag of an earlier answer; 304 where it still holds",
        }
    )
