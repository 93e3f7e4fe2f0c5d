"""Access and refresh tokens: JWT (RFC 7519) signed with HS256, a session's id in each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal
from uuid import UUID, uuid4

import jwt

from parkingspots.settings import Settings

ALGORITHM = "HS256"
ISSUER = AUDIENCE = "parkingspots"
LONGEST = 2_000
"""Characters; ours have some 400."""
MOST_REMEMBERED = 4096
"""Tokens whose signatures need not be checked again."""
Use = Literal["access", "refresh"]


@dataclass(frozen=True)
class Claims:
    """What a token says: whose it is, of which session, and its own id."""

    user_id: UUID
    session_id: UUID
    token_id: UUID


def issue(settings: Settings, use: Use, claims: Claims, now: datetime) -> str:
    """A signed token for `use`, good from `now` for as long as the settings say."""
    payload = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(claims.user_id),
        "sid": str(claims.session_id),
        "jti": str(claims.token_id),
        "use": use,
        "iat": now,
        "exp": now + lifetime(settings, use),
    }
    return jwt.encode(payload, settings.secret_key.get_secret_value(), ALGORITHM)


def read(settings: Settings, use: Use, token: str, now: datetime) -> Claims | None:
    """The claims of a genuine, unexpired token for `use`, signed with the present or the previous key; else None."""
    if len(token) > LONGEST:
        return None
    keys = [key for key in (settings.secret_key, settings.secret_key_previous) if key is not None]
    for key in keys:
        payload = _decoded(token, key.get_secret_value())
        if payload is not None:
            return _claims(payload, use, now)
    return None


def claimed(token: str) -> UUID | None:
    """Whose the token says that it is, unverified: enough to tell that it is not somebody's."""
    try:
        payload = jwt.decode(token, options={"verify_signature": False})
        return UUID(str(payload.get("sub")))
    except (jwt.InvalidTokenError, ValueError):
        return None


def lifetime(settings: Settings, use: Use) -> timedelta:
    if use == "access":
        return timedelta(minutes=settings.access_token_minutes)
    return timedelta(days=settings.refresh_token_days)


def new_id() -> UUID:
    return uuid4()


@lru_cache(maxsize=MOST_REMEMBERED)
def _decoded(token: str, key: str) -> Mapping[str, object] | None:
    """What the token says where `key` has signed it: the same every time, whatever becomes of its session."""
    options: jwt.types.Options = {
        "require": ["sub", "sid", "jti", "use", "exp"],
        "verify_exp": False,  # by the injected clock, below
        "verify_iat": False,
    }
    try:
        return jwt.decode(token, key, algorithms=[ALGORITHM], audience=AUDIENCE, issuer=ISSUER, options=options)
    except (jwt.InvalidTokenError, ValueError):
        return None


def _claims(payload: Mapping[str, object], use: Use, now: datetime) -> Claims | None:
    expires = payload["exp"]
    if payload["use"] != use or not isinstance(expires, int) or expires <= now.timestamp():
        return None
    try:
        return Claims(*(UUID(str(payload[name])) for name in ("sub", "sid", "jti")))
    except ValueError:
        return None
