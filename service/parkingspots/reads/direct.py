"""The searches without the framework: what their endpoints call, at a third of the cost.

The framework reads the parameters again, finds the route again and puts together what it depends on: more work than the
search itself. What else an answer needs, problem documents, is the same as there.
"""

from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from parkingspots.kit.freshness import STATE
from parkingspots.spots.listing import listing
from parkingspots.spots.queries import Asked

ASKED = "asked"
"""Under this name the request's state has what is asked for."""


class Direct:
    """Answers requests whose state says what is asked for; hands others on."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._searches: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if ASKED not in scope["state"]:
            await self.app(scope, receive, send)
            return
        if self._searches is None:
            self._searches = ExceptionMiddleware(_search, handlers=scope["app"].exception_handlers)
        await self._searches(scope, receive, send)


async def _search(scope: Scope, receive: Receive, send: Send) -> None:
    asked: Asked = scope["state"][ASKED]
    answer = await listing(scope["app"].state.database, asked, scope["path"], scope["state"][STATE])
    await answer(scope, receive, send)
