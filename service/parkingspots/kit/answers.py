"""Every error of the application, the framework's and the database's included, answered as a problem document."""

import traceback
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from parkingspots.kit import tracing
from parkingspots.kit.database import (
    DEADLOCK,
    LOCK_NOT_AVAILABLE,
    QUERY_CANCELED,
    SERIALIZATION_FAILURE,
    constraint,
    described,
    sqlstate,
)
from parkingspots.kit.database_counts import ERRORS
from parkingspots.kit.problems import MEDIA_TYPE, BodyTooLarge, Invalid, Problem, Unavailable, Unreadable
from parkingspots.plainly import sentence

MOST_ERRORS = 100
"""Fields that an answer names: a body may have tens of thousands that are wrong."""
IN_EACH_OTHERS_WAY = {DEADLOCK, LOCK_NOT_AVAILABLE, SERIALIZATION_FAILURE}
CLASSES_OF_A_SERVER_IN_TROUBLE = ("08", "25", "28", "3D", "53", "57", "58")
"""SQLSTATE classes: connection, read-only or ended transaction, login, missing database, insufficient resources,
operator intervention, system error."""

log = structlog.get_logger(__name__)


def install(app: FastAPI) -> None:
    """Answer every error of `app`, the framework's own included, as a problem document."""
    handlers: dict[type[Exception], Callable[..., Awaitable[JSONResponse]]] = {
        Problem: _on_problem,
        RequestValidationError: _on_invalid,
        HTTPException: _on_http,
        ClientDisconnect: _on_cut_off,
        DBAPIError: _on_database,
        PoolTimeout: _on_busy,
        OSError: _on_unreachable,
        Exception: _on_unexpected,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


def answer(problem: Problem) -> JSONResponse:
    """The problem document of `problem`."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.errors is not None:
        body["errors"] = problem.errors
    return JSONResponse(_named(body), problem.status, headers=problem.headers, media_type=MEDIA_TYPE)


def _named(body: dict[str, Any]) -> dict[str, Any]:
    """With the id of the request's trace, where there is one."""
    trace_id = tracing.trace_id()
    return body if trace_id is None else {**body, "trace_id": trace_id}


async def _on_problem(_: Request, error: Problem) -> JSONResponse:
    return answer(error)


async def _on_invalid(_: Request, error: RequestValidationError) -> JSONResponse:
    return answer(Invalid(errors=[_field_error(each) for each in error.errors()[:MOST_ERRORS]]))


def _field_error(error: Mapping[str, Any]) -> dict[str, str]:
    """One of pydantic's errors, without the input, which may be a password."""
    where, *path = error["loc"]
    detail = sentence(error)
    if error["type"] == "json_invalid":
        return {"pointer": "", "detail": f"The body is not JSON: {error['ctx']['error']}."}
    if where == "body" and not path and error["type"] == "model_attributes_type":
        detail += ", sent with Content-Type: application/json"
    if where == "body":
        return {"pointer": "".join(f"/{_escaped(str(part))}" for part in path), "detail": detail}
    return {"parameter": str(path[0]) if path else str(where), "detail": detail}


def _escaped(part: str) -> str:
    """RFC 6901, 3; a lone surrogate in a field's name cannot be sent back."""
    return part.replace("~", "~0").replace("/", "~1").encode("utf-8", "replace").decode()


SENTENCES = {
    400: "The request could not be read. Check its body and headers.",
    404: "There is no such path. See /docs for those that exist.",
    405: "This path does not take that method. See the Allow header for those it takes.",
    413: BodyTooLarge.detail,
}


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


async def _on_cut_off(_: Request, __: ClientDisconnect) -> JSONResponse:
    """For the counts alone: whoever sent half a body is gone."""
    return answer(Unreadable())


async def _on_http(request: Request, error: HTTPException) -> JSONResponse:
    status = HTTPStatus(error.status_code)
    headers = {"Allow": _allowed(request)} if status == HTTPStatus.METHOD_NOT_ALLOWED else error.headers
    problem = Problem(SENTENCES.get(status, str(error.detail)), headers=headers)
    body = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": problem.detail}
    return JSONResponse(_named(body), int(status), headers=problem.headers, media_type=MEDIA_TYPE)


def _allowed(request: Request) -> str:
    """All methods of the path (RFC 9110, 15.5.6): the framework names those of its first route alone."""
    asked = [{**request.scope, "method": method} for method in METHODS]
    routes = request.app.routes
    taken = {each["method"] for each in asked if any(route.matches(each)[0] is Match.FULL for route in routes)}
    return ", ".join(method for method in METHODS if method in taken or (method == "HEAD" and "GET" in taken))


async def _on_database(request: Request, error: DBAPIError) -> JSONResponse:
    code = sqlstate(error)
    if code in IN_EACH_OTHERS_WAY:
        ERRORS.labels("contention").inc()
        return answer(Unavailable("Many are asking for the same thing right now. Please try again in a moment."))
    if code == QUERY_CANCELED:
        ERRORS.labels("timeout").inc()
        return answer(Unavailable("This took too long. Ask for less at once, or try again in a moment."))
    if error.connection_invalidated or code is None or code.startswith(CLASSES_OF_A_SERVER_IN_TROUBLE):
        return await _on_unreachable(request, error)
    where = {"method": request.method, "path": request.scope["path"]}
    ERRORS.labels("unexpected").inc()
    stack = traceback.format_tb(error.__traceback__)
    log.error(
        "unexpected error", **where, sqlstate=code, constraint=constraint(error), error=described(error), stack=stack
    )
    return answer(Problem())


async def _on_busy(_: Request, __: Exception) -> JSONResponse:
    ERRORS.labels("busy").inc()
    return answer(Unavailable("More requests came than the service can work on. Please try again in a moment."))


async def _on_unreachable(_: Request, error: Exception) -> JSONResponse:
    ERRORS.labels("unreachable").inc()
    log.warning("database unreachable", error=described(error))
    return answer(Unavailable("The database cannot be reached right now. Please try again in a few seconds."))


async def _on_unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("unexpected error", method=request.method, path=request.scope["path"], exc_info=error)
    return answer(Problem())
