"""Endpoints of /auth and /users."""

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from parkingspots.accounts import credentials, service, sessions
from parkingspots.accounts.correspondence import Letters
from parkingspots.accounts.identity import CurrentClient, CurrentSession, CurrentUser
from parkingspots.accounts.models import User
from parkingspots.accounts.problems import (
    AccountDisabled,
    EmailTaken,
    NotSignedIn,
    SessionNotFound,
    SpentToken,
    StaleToken,
    WrongCredentials,
    WrongPassword,
)
from parkingspots.accounts.rules import Role, one_spelling
from parkingspots.accounts.schemas import (
    ForgottenPasswordIn,
    LoginForm,
    LoginIn,
    PasswordChangeIn,
    PasswordResetIn,
    ProfileIn,
    PublicUserOut,
    RefreshIn,
    RegisterIn,
    SessionOut,
    TokensOut,
    UserOut,
    VerificationIn,
)
from parkingspots.kit import pages, paging
from parkingspots.kit.addresses import ClientAddress
from parkingspots.kit.conditional import IfMatch
from parkingspots.kit.dependencies import Clock, CurrentDatabase, CurrentSettings, Reader, Transaction
from parkingspots.kit.limits import CurrentLimits
from parkingspots.kit.paging import Page
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

SESSIONS_A_PAGE = 100
SessionPage = Annotated[Page, pages.by(paging.by_id, SESSIONS_A_PAGE)]

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
async def register(
    wish: RegisterIn, session: Transaction, limits: CurrentLimits, address: ClientAddress, letters: Letters
) -> UserOut:
    """Open an account, as a renter unless asked for owner. Nobody registers as admin. A letter verifies the e-mail."""
    await limits.count(limits.registrations, address)
    wanted = service.Registration(**wish.model_dump() | {"role": Role(wish.role)})
    user = await service.register(session, wanted)
    letters.verification(user.id)
    return UserOut.model_validate(user)


@auth.post("/login", responses=problems(WrongCredentials, AccountDisabled), openapi_extra=LOGIN_BODY)
async def login(
    sent: Annotated[LoginIn, Depends(_credentials)],
    client: CurrentClient,
    database: CurrentDatabase,
    settings: CurrentSettings,
    limits: CurrentLimits,
    clock: Clock,
) -> TokensOut:
    """Sign in with JSON {email, password} or the OAuth2 form {username, password}."""
    tokens = await sessions.log_in(database, settings, limits, sent.email, sent.password, client, clock.now())
    return TokensOut.model_validate(tokens)


@auth.post("/refresh", responses=problems(SpentToken))
async def refresh(
    sent: RefreshIn, client: CurrentClient, database: CurrentDatabase, settings: CurrentSettings, clock: Clock
) -> TokensOut:
    """Get new tokens for a refresh token, which is spent by it. One that comes back ends its session.

    A client that sends it again within ten seconds gets the newest token again.
    """
    tokens = await sessions.refresh(database, settings, sent.refresh_token, client, clock.now())
    return TokensOut.model_validate(tokens)


@auth.post("/logout", responses=problems(NotSignedIn))
async def logout(
    sent: RefreshIn, user: CurrentUser, session: Transaction, settings: CurrentSettings, clock: Clock
) -> Message:
    """End the session of the refresh token."""
    await sessions.log_out(session, settings, user, sent.refresh_token, clock.now())
    return Message(message="You are signed out.")


@auth.post("/forgot-password")
async def forgot_password(
    sent: ForgottenPasswordIn,
    database: CurrentDatabase,
    limits: CurrentLimits,
    address: ClientAddress,
    letters: Letters,
) -> Message:
    """Ask for a letter with a token to reset the password. The answer does not tell whether there is an account."""
    await service.require_database(database)
    await limits.count(limits.logins_of_address, "letters", address)  # first: its refusals use up nobody's own
    await limits.count(limits.resets, "reset", one_spelling(sent.email))
    letters.reset(sent.email)
    return Message(message="If there is an account with this e-mail, a letter is on its way to it.")


@auth.post("/reset-password", responses=problems(StaleToken))
async def reset_password(sent: PasswordResetIn, database: CurrentDatabase, letters: Letters, clock: Clock) -> Message:
    """Choose a new password with the token from the letter. All sessions end."""
    letters.password_changed(await credentials.reset_password(database, sent.token, sent.new_password, clock.now()))
    return Message(message="The password is changed and all sessions have ended. Sign in with the new password.")


@auth.post("/verify-email", responses=problems(StaleToken))
async def verify_email(sent: VerificationIn, session: Transaction, clock: Clock) -> Message:
    """Verify an e-mail with the token from the letter that was sent to it."""
    await credentials.verify_email(session, sent.token, clock.now())
    return Message(message="The e-mail is verified.")


@users.get("/me", responses=problems(NotSignedIn))
async def read_me(user: CurrentUser) -> UserOut:
    """My account."""
    return UserOut.model_validate(user)


@users.put("/me", responses=problems(NotSignedIn, EmailTaken))
async def update_me(
    changes: ProfileIn,
    user: CurrentUser,
    session: Transaction,
    limits: CurrentLimits,
    letters: Letters,
    clock: Clock,
    if_match: IfMatch,
) -> UserOut:
    """Change my account; what is not sent stays as it is. A letter verifies another e-mail, one tells the old one."""

    def unchanged(user: User) -> None:
        if_match.require(UserOut.model_validate(user))

    if changes.email not in {None, user.email}:
        await limits.count(limits.resets, "verification", str(user.id))
        letters.verification(user.id)
        letters.email_changed(user.email)
    sent = changes.model_dump(exclude_unset=True)
    return UserOut.model_validate(await service.update_profile(session, user.id, sent, unchanged, clock.now()))


@users.post("/me/verify-email", responses=problems(NotSignedIn))
async def send_verification(user: CurrentUser, limits: CurrentLimits, letters: Letters) -> Message:
    """Ask for another letter with a token to verify my e-mail."""
    if user.is_verified:
        return Message(message="Your e-mail is verified already.")
    await limits.count(limits.resets, "verification", str(user.id))
    letters.verification(user.id)
    return Message(message="A letter is on its way to you.")


@users.post("/me/change-password", responses=problems(NotSignedIn, WrongPassword))
async def change_password(
    sent: PasswordChangeIn,
    who: CurrentSession,
    client: CurrentClient,
    database: CurrentDatabase,
    limits: CurrentLimits,
    letters: Letters,
    clock: Clock,
) -> Message:
    """Set a new password. All other sessions end; this one goes on."""
    current, new = sent.current_password, sent.new_password
    await credentials.change_password(database, limits, who, client, current, new, clock.now())
    letters.password_changed(who.user.email)
    return Message(message="The password is changed. All other sessions have ended.")


@users.get("/me/sessions", responses=problems(NotSignedIn))
async def list_my_sessions(
    who: CurrentSession, session: Reader, request: Request, response: Response, page: SessionPage, clock: Clock
) -> list[SessionOut]:
    """Where I am signed in, newest first."""
    found, total = await sessions.of_user(session, who.user, clock.now(), page)
    families, cursor = paging.cut(page, found, lambda family: (family.id,))
    pages.link(request, response, cursor)
    pages.count(response, total)
    return [SessionOut.of(family, who.session_id) for family in families]


@users.delete("/me/sessions/{session_id}", responses=problems(NotSignedIn, SessionNotFound))
async def end_session(session_id: UUID, user: CurrentUser, session: Transaction, clock: Clock) -> Message:
    """Sign out one of my clients; its access tokens end with it."""
    await sessions.end(session, user, session_id, clock.now())
    return Message(message="The session has ended.")


@users.delete("/me/sessions", responses=problems(NotSignedIn))
async def end_other_sessions(who: CurrentSession, session: Transaction, clock: Clock) -> Message:
    """Sign out all of my clients but this one."""
    await sessions.end_others(session, who, clock.now())
    return Message(message="All other sessions have ended.")


@users.get("/{user_id}", responses=problems(NotFound))
async def read_user(user_id: UUID, session: Reader) -> PublicUserOut:
    """What everybody may know about a user."""
    return PublicUserOut.model_validate(await service.public_profile(session, user_id))
