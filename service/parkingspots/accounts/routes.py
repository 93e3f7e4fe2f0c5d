"""Endpoints of /auth and /users."""

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from parkingspots.accounts import service
from parkingspots.accounts.identity import CurrentSession, CurrentUser
from parkingspots.accounts.problems import (
    AccountDisabled,
    EmailTaken,
    NotSignedIn,
    SpentToken,
    WrongCredentials,
    WrongPassword,
)
from parkingspots.accounts.rules import Role
from parkingspots.accounts.schemas import (
    LoginForm,
    LoginIn,
    PasswordChangeIn,
    ProfileIn,
    PublicUserOut,
    RefreshIn,
    RegisterIn,
    TokensOut,
    UserOut,
)
from parkingspots.kit.dependencies import Clock, CurrentDatabase, CurrentSettings, Reader, Transaction
from parkingspots.kit.problems import NotFound, problems
from parkingspots.kit.wire import Message

FORM = "application/x-www-form-urlencoded"
LOGIN_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": LoginIn.model_json_schema()},
            FORM: {"schema": LoginForm.model_json_schema()},
        },
    }
}

auth = APIRouter(prefix="/auth", tags=["auth"])
users = APIRouter(prefix="/users", tags=["users"])


async def _credentials(request: Request) -> LoginIn:
    """E-mail and password from JSON or from the OAuth2 password form, whichever the content type says."""
    try:
        if request.headers.get("content-type", "").lower().startswith((FORM, "multipart/form-data")):
            async with request.form(max_files=0, max_fields=20) as form:
                sent = LoginForm.model_validate(dict(form))
            return LoginIn(email=sent.username, password=sent.password)
        return LoginIn.model_validate(json.loads(await request.body()))
    except ValidationError as error:
        raise RequestValidationError([each | {"loc": ("body", *each["loc"])} for each in error.errors()]) from None
    except (ValueError, RecursionError):
        raise RequestValidationError([{"type": "json", "loc": ("body",), "msg": "The body is not JSON."}]) from None


@auth.post("/register", status_code=201, responses=problems(EmailTaken))
async def register(wish: RegisterIn, session: Transaction) -> UserOut:
    """Open an account, as a renter unless asked for owner. Nobody registers as admin."""
    return UserOut.model_validate(
        await service.register(session, service.Registration(**wish.model_dump() | {"role": Role(wish.role)}))
    )


@auth.post("/login", responses=problems(WrongCredentials, AccountDisabled), openapi_extra=LOGIN_BODY)
async def login(
    sent: Annotated[LoginIn, Depends(_credentials)], database: CurrentDatabase, settings: CurrentSettings, clock: Clock
) -> TokensOut:
    """Sign in with JSON {email, password} or the OAuth2 form {username, password}."""
    tokens = await service.log_in(database, settings, sent.email, sent.password, clock.now())
    return TokensOut.model_validate(tokens)


@auth.post("/refresh", responses=problems(SpentToken))
async def refresh(sent: RefreshIn, database: CurrentDatabase, settings: CurrentSettings, clock: Clock) -> TokensOut:
    """Get new tokens for a refresh token, which is spent by it. One that comes back ends its session."""
    return TokensOut.model_validate(await service.refresh(database, settings, sent.refresh_token, clock.now()))


@auth.post("/logout", responses=problems(NotSignedIn))
async def logout(
    sent: RefreshIn, user: CurrentUser, session: Transaction, settings: CurrentSettings, clock: Clock
) -> Message:
    """End the session of the refresh token."""
    await service.log_out(session, settings, user, sent.refresh_token, clock.now())
    return Message(message="You are signed out.")


@users.get("/me", responses=problems(NotSignedIn))
async def read_me(user: CurrentUser) -> UserOut:
    """My account."""
    return UserOut.model_validate(user)


@users.put("/me", responses=problems(NotSignedIn, EmailTaken))
async def update_me(changes: ProfileIn, user: CurrentUser, session: Transaction) -> UserOut:
    """Change my account; what is not sent stays as it is."""
    sent = changes.model_dump(exclude_unset=True)
    return UserOut.model_validate(await service.update_profile(session, user.id, sent))


@users.post("/me/change-password", responses=problems(NotSignedIn, WrongPassword))
async def change_password(sent: PasswordChangeIn, who: CurrentSession, session: Transaction, clock: Clock) -> Message:
    """Set a new password. All other sessions end; this one goes on."""
    await service.change_password(session, who, sent.current_password, sent.new_password, clock.now())
    return Message(message="The password is changed. All other sessions have ended.")


@users.get("/{user_id}", responses=problems(NotFound))
async def read_user(user_id: UUID, session: Reader) -> PublicUserOut:
    """What everybody may know about a user."""
    return PublicUserOut.model_validate(await service.public_profile(session, user_id))
