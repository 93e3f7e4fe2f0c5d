"""The OpenAPI document: what FastAPI makes of the routes, and what is true of every one of them."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from parkingspots.kit.problems import BadRequest, BodyTooLarge, Invalid, ProblemOut, Unavailable, problems


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
                for operation in item.values():
                    _complete(operation)
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _add_schemas(made: dict[str, Any]) -> None:
    schemas = made["components"]["schemas"]
    for framework_own in ("HTTPValidationError", "ValidationError"):
        schemas.pop(framework_own, None)
    problem = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs") | {"ProblemOut": problem}


def _complete(operation: dict[str, Any]) -> None:
    """Replace the framework's 422 and add what the middle of the road may answer."""
    responses = operation["responses"]
    takes_input = responses.pop("422", None) is not None
    takes_body = "requestBody" in operation
    also = [
        Unavailable,
        *([Invalid] if takes_input or takes_body else []),
        *([BadRequest, BodyTooLarge] if takes_body else []),
    ]
    for status, response in problems(*also).items():
        responses.setdefault(str(status), response)
    operation["responses"] = dict(sorted(responses.items()))
