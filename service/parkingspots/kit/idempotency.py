"""Idempotency-Key: a request that is sent again is answered again, and done once.

The claim, the work and the answer are one transaction. An advisory lock on the key lasts as long: a repeat that comes
meanwhile is told so, and one that comes later finds the answer that was kept. Around a call of somebody else's service
no transaction lasts: there the claim is committed ahead, and the answer takes its place.
"""

import hashlib
import json
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote, urlencode
from uuid import UUID

from fastapi import Header, Request, Response
from fastapi.routing import APIRoute
from pydantic import AfterValidator
from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.kit.database import Database
from parkingspots.kit.dependencies import catch_up
from parkingspots.kit.idempotency_keys import ABANDONED, KEPT, RUNNING, IdempotencyKey, KeyReused, StillRunning
from parkingspots.kit.problems import Invalid

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
EXACT = 1 << 53
"""Above it a float is not the number that was written (RFC 8259, 6), and one of six letters has 300 digits."""
KEY = re.compile(r"^[!-~]{1,255}$")
"""Visible ASCII, as RFC 9110, 5.5 has it for what a header holds."""


class Replay(Exception):  # noqa: N818 - no error: the answer that was given before
    """Ends a request with the answer that its first sending got."""

    def __init__(self, status: int, body: bytes) -> None:
        self.answer = Response(body, status, media_type="application/json", headers={REPLAYED: "true"})


@dataclass(frozen=True)
class Claim:
    """The right of this transaction, and of no other, to answer for a key."""

    user_id: UUID
    route: str
    key: str
    fingerprint: bytes
    at: datetime
    session: AsyncSession
    ahead: Database | None = None
    """Where the claim is committed ahead of the work, which is done past its session."""

    async def keep(self, answer: Response) -> None:
        """Store the answer with the work; an older one, whose day is over, gives way."""
        if self.ahead is None:
            await self._store(self.session, answer.status_code, bytes(answer.body))
        else:
            async with self.ahead.transaction() as session:
                await self._store(session, answer.status_code, bytes(answer.body))

    async def commit(self) -> None:
        """Claim the key before there is an answer; the transaction ends with that."""
        await self._store(self.session, RUNNING, b"")
        await self.session.commit()

    async def drop(self) -> None:
        """Let go of what was claimed ahead: the request was refused, and may be sent again."""
        if self.ahead is not None:
            async with self.ahead.transaction() as session:
                row = IdempotencyKey
                mine = tuple_(row.user_id, row.route, row.key, row.status, row.created_at)
                claimed = (self.user_id, self.route, self.key, RUNNING, self.at)
                await session.execute(delete(row).where(mine == claimed))

    async def _store(self, session: AsyncSession, status: int, body: bytes) -> None:
        kept = {"fingerprint": self.fingerprint, "status": status, "body": body}
        row = insert(IdempotencyKey).values(
            user_id=self.user_id, route=self.route, key=self.key, created_at=self.at, **kept
        )
        await session.execute(
            row.on_conflict_do_update(
                constraint="pk_idempotency_keys", set_=kept | {"created_at": row.excluded.created_at}
            )
        )


def _a_key(text: str) -> str:
    if not KEY.fullmatch(text):
        raise ValueError("must have 1 to 255 visible ASCII characters and no spaces, such as a UUID")
    return text


Key = Annotated[
    str | None,
    AfterValidator(_a_key),
    Header(
        alias=HEADER,
        json_schema_extra={"pattern": KEY.pattern},
        description="the same key and body: the first answer again, for 24 hours",
    ),
]


async def claim(session: AsyncSession, request: Request, user_id: UUID, key: str, now: datetime) -> None:
    """Claim the key for this request, or raise StillRunning, KeyReused or Replay with the answer given before.

    Invalid where there are two: which of them counts would be anybody's guess.
    """
    if len(request.headers.getlist(HEADER)) > 1:
        raise Invalid(errors=[{"parameter": HEADER, "detail": "must be sent once"}])
    route = _route(request)
    claimed = Claim(user_id, route, key, _fingerprint(await request.body()), now, session)
    name = f"{user_id} {route} {key}"
    if not await session.scalar(select(func.pg_try_advisory_xact_lock(func.hashtextextended(name, 0)))):
        raise StillRunning
    kept = await session.scalar(
        select(IdempotencyKey).where(
            IdempotencyKey.user_id == user_id,
            IdempotencyKey.route == claimed.route,
            IdempotencyKey.key == key,
            IdempotencyKey.created_at > now - KEPT,
        )
    )
    if kept is None:
        request.state.claim = claimed
    elif kept.fingerprint != claimed.fingerprint:
        raise KeyReused
    elif kept.status == RUNNING and kept.created_at > now - ABANDONED:
        raise StillRunning
    elif kept.status == RUNNING:
        request.state.claim = claimed
    else:
        raise Replay(kept.status, kept.body)


async def claim_ahead(database: Database, request: Request, user_id: UUID, key: str, now: datetime) -> None:
    """Claim the key as `claim` does, and commit that: what follows asks somebody else, and takes its time."""
    async with database.transaction() as session:
        await claim(session, request, user_id, key, now)
        await request.state.claim.commit()
    request.state.claim = replace(request.state.claim, ahead=database)


def _route(request: Request) -> str:
    """The method, the path and the query, in one spelling."""
    path = "/".join(map(_spelt, request.scope["path"].rstrip("/").split("/")))
    query = urlencode(sorted(request.query_params.multi_items()), errors="replace")
    return f"{request.method} {path}?{query}"


def _spelt(part: str) -> str:
    """An id may be written in several ways."""
    try:
        return str(UUID(part))
    except ValueError:
        return quote(part, errors="replace")


def _fingerprint(body: bytes) -> bytes:
    """The digest of the parsed JSON, so that spaces, the order of fields and the writing of a number do not count."""
    try:
        parsed = json.loads(body, parse_float=_number) if body.strip() else None
        text = json.dumps(parsed, sort_keys=True)
    except (ValueError, RecursionError):  # it will be refused, and a refusal is not kept
        text = repr(body)
    return hashlib.sha256(text.encode()).digest()


def _number(literal: str) -> float:
    value = float(literal)
    return int(value) if abs(value) < EXACT and value.is_integer() else value


class KeepingRoute(APIRoute):
    """A route whose successful answers are kept where the request has claimed a key."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def keeping(request: Request) -> Response:
            try:
                answer = await handle(request)
            except Replay as replay:
                await catch_up(request)  # the first answer may have come from another process
                return replay.answer
            except BaseException:
                if (claimed := _claimed(request)) is not None:
                    await claimed.drop()
                raise
            if answer.status_code < 300 and (claimed := _claimed(request)) is not None:  # noqa: PLR2004 - a success
                await claimed.keep(answer)
            return answer

        return keeping


def _claimed(request: Request) -> Claim | None:
    return getattr(request.state, "claim", None)
