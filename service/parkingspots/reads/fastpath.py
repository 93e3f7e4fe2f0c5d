"""Public reads ahead of the framework: bytes that are kept go out as they are; everything else goes to its route."""

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send

from parkingspots.kit.answers import answer as problem_document
from parkingspots.kit.problems import Unavailable
from parkingspots.kit.requests import QUIET, ROUTE
from parkingspots.kit.turns import InTurn, LineOf
from parkingspots.reads.asked import Wants, wants
from parkingspots.reads.counts import answers
from parkingspots.reads.direct import Direct
from parkingspots.reads.entries import Entry
from parkingspots.reads.reads import PATIENCE, UNAVAILABLE, Answer, Reads
from parkingspots.reads.sending import send_entry
from parkingspots.reads.targets import Target, Targets


class FastPath:
    """Serves what it recognises from `app.state.reads`, where there are any; the others wait for their turn."""

    def __init__(self, app: ASGIApp, targets: Targets, line_of: LineOf) -> None:
        self.app = InTurn(app, line_of)
        self._direct = InTurn(Direct(app), line_of, for_others=True)
        self._targets, self._line_of = targets, line_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET":
            reads: Reads | None = scope["app"].state.reads
            target = self._targets.of(scope) if reads is not None else None
            wanted = wants(scope["headers"]) if target is not None else None
            if reads is not None and target is not None and wanted is not None:
                scope[ROUTE] = target.template
                await self._serve(reads, target, wanted, scope, receive, send)
                return
        await self.app(scope, receive, send)

    async def _serve(
        self, reads: Reads, target: Target, wanted: Wants, scope: Scope, receive: Receive, send: Send
    ) -> None:
        entry, outcome = reads.kept(target), "hit"
        if entry is None:
            entry, outcome = await reads.shared(target), "shared"
        if entry is None:
            await self._load(reads, target, wanted, scope, receive, send)
        elif wanted.may_have(entry):
            reads.refresh_early(self._direct, target, scope, entry)
            await _send(entry, target, outcome, wanted, send)
        else:
            await self._ask_route(target, scope, receive, send)

    async def _load(
        self, reads: Reads, target: Target, wanted: Wants, scope: Scope, receive: Receive, send: Send
    ) -> None:
        stale = reads.stale(target)
        if stale is not None and not wanted.may_have(stale):
            stale = None
        try:
            async with asyncio.timeout(None if stale is None else PATIENCE):
                answer, was_asked = await reads.loaded(self._direct, target, scope)
        except TimeoutError:
            if stale is None:
                await problem_document(Unavailable())(scope, receive, send)
                return
            answer, was_asked = None, False
        if stale is not None and (answer is None or answer.status == UNAVAILABLE):
            await _send(stale, target, "stale", wanted, send, age=reads.age(stale))
        elif answer is not None and answer.entry is not None and wanted.may_have(answer.entry):
            await _send(answer.entry, target, "coalesced" if was_asked else "miss", wanted, send)
        elif answer is not None and answer.entry is None and (answer.status == UNAVAILABLE or not wanted.signed_in):
            await self._repeat(answer, target, scope, send)
        else:
            await self._ask_route(target, scope, receive, send)

    async def _repeat(self, answer: Answer, target: Target, scope: Scope, send: Send) -> None:
        answers(target.route, "failed").inc()
        if answer.is_busy and (line := self._line_of(scope)) is not None:
            scope[QUIET] = True
            line.turned_away()
        for message in answer.messages:
            headers = {"headers": list(message["headers"])} if "headers" in message else {}
            await send({**message, **headers})

    async def _ask_route(self, target: Target, scope: Scope, receive: Receive, send: Send) -> None:
        answers(target.route, "own").inc()
        await self.app(scope, receive, send)


async def _send(
    entry: Entry, target: Target, outcome: str, wanted: Wants, send: Send, age: float | None = None
) -> None:
    answers(target.route, outcome).inc()
    await send_entry(entry, wanted, send, age=age)
