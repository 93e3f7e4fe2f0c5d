"""Every path answers with and without the trailing slash, with no redirect."""

from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send


class AnySlash:
    """Rewrites a path to the form in which its route was declared."""

    def __init__(self, app: ASGIApp, declared: Iterable[str]) -> None:
        self.app = app
        self.with_slash = frozenset(path for path in declared if path.endswith("/"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            prefix = scope.get("root_path", "")
            bare = scope["path"].removeprefix(prefix).removesuffix("/")
            slashed = f"{bare}/"
            scope["path"] = prefix + (slashed if slashed in self.with_slash or not bare else bare)
        await self.app(scope, receive, send)
