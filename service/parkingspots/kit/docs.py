"""The pages /docs and /redoc, made of files that this package carries: no request leaves the host."""

import os
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

TITLE = "ParkingSpots API"
ASSETS = Path(__file__).resolve().parent / "assets"
ASSETS_URL = "/docs/assets"
MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".png": "image/png",
}
"""Not the machine's own table, which may differ; what is not in here is not served."""
FOR_A_YEAR = "public, max-age=31536000, immutable"

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
"""The Content-Security-Policy of both pages."""


@dataclass(frozen=True)
class Page:
    """A documentation page: the assets it loads, in their order, and where it departs from POLICY."""

    path: str
    scripts: tuple[str, ...]
    stylesheets: tuple[str, ...]
    policy: dict[str, str]


SWAGGER_UI = Page(
    path="/docs",
    scripts=("swagger-ui/swagger-ui-bundle.js", "swagger-init.js"),
    stylesheets=("swagger-ui/swagger-ui.css", "page.css"),
    # Markdown tables align their cells by style attributes.
    policy={"style-src-attr": "'unsafe-inline'"},
)
REDOC = Page(
    path="/redoc",
    scripts=("redoc/redoc.standalone.js", "redoc-init.js"),
    stylesheets=("page.css",),
    # Its styles are written into the page as it runs, its search index is built in a worker.
    policy={"style-src": "'self' 'unsafe-inline'", "worker-src": "blob:"},
)


def install(app: FastAPI) -> None:
    """Serve /docs, /redoc and /docs/assets/… from `app`, made with docs_url=None and redoc_url=None."""
    app.mount(ASSETS_URL, Assets(directory=ASSETS), name="docs-assets")
    for page in (SWAGGER_UI, REDOC):
        _add(app, page)


def _add(app: FastAPI, page: Page) -> None:
    policy = "; ".join(f"{directive} {sources}" for directive, sources in (POLICY | page.policy).items())
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache",
    }

    async def show(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "").rstrip("/")
        return HTMLResponse(_html(page, root, f"{root}{app.openapi_url}"), headers=headers)

    app.add_route(page.path, show, include_in_schema=False)


def _html(page: Page, root: str, openapi_url: str) -> str:
    """Absolute paths throughout, so that /docs and /docs/ load the same."""
    stylesheets = "\n".join(f'<link rel="stylesheet" href="{_url(root, name)}">' for name in page.stylesheets)
    scripts = "\n".join(f'<script src="{_url(root, name)}"></script>' for name in page.scripts)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{TITLE}</title>
<link rel="icon" type="image/png" href="{_url(root, "swagger-ui/favicon-32x32.png")}">
{stylesheets}
</head>
<body>
<div id="docs" data-openapi-url="{escape(openapi_url)}"></div>
<noscript>This page needs JavaScript. <a href="{escape(openapi_url)}">The same as JSON.</a></noscript>
{scripts}
</body>
</html>
"""


def _url(root: str, name: str) -> str:
    return escape(f"{root}{ASSETS_URL}/{name}?v={_digest(ASSETS / name)}")


@cache
def _digest(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()[:16]


class Assets(StaticFiles):
    """Static files of known types, to be kept for a year where the URL carries the digest of the content."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        file = Path(full_path)
        if file.suffix not in MEDIA_TYPES:
            raise HTTPException(404)
        response = super().file_response(full_path, stat_result, scope, status_code)
        # In a rollout an old process may be asked for the new content: what it answers must not be kept.
        current = QueryParams(scope["query_string"]).get("v") == _digest(file)
        response.headers["Content-Type"] = MEDIA_TYPES[file.suffix]
        response.headers["Cache-Control"] = FOR_A_YEAR if current else "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
