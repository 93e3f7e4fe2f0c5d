"""`parkingspots create-admin`: the first admin, who has nobody to ask; and every further one, from a terminal."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import typer
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts import service
from parkingspots.accounts.rules import Role
from parkingspots.accounts.schemas import Email, Name, Password
from parkingspots.accounts.service import Registration
from parkingspots.kit.clock import SystemClock
from parkingspots.kit.database import Database
from parkingspots.kit.problems import Problem
from parkingspots.kit.schema import objection
from parkingspots.plainly import sentence
from parkingspots.settings import Settings

MISUSED = 2
"""The exit code of a question of usage."""


class Refused(Exception):  # noqa: N818 - what the user is told
    """Nothing was changed; the message is one line that says why and what to do."""

    def __init__(self, sentence: str, code: int = 1) -> None:
        self.code = code
        super().__init__(sentence)


def run(settings: Settings, email: str, name: str, *, password_stdin: bool) -> str:
    """Make the account with that e-mail an admin, or open one that is, and say which in a sentence; raises Refused.

    Asks for a password only where the account is new or its e-mail was never verified, and between two transactions,
    so that Ctrl-C ends it.
    """
    email, name = _checked("e-mail", Email, email), _checked("name", Name, name)
    try:
        done = asyncio.run(_promote(settings, email))
        if done is None:
            password = _checked("password", Password, _read_line() if password_stdin else _ask())
            done = asyncio.run(_create(settings, Registration(email, password, name, None, Role.ADMIN)))
    except Problem as problem:
        raise Refused(problem.detail) from None
    return done


def _checked(what: str, kind: Any, sent: str) -> str:  # noqa: ANN401 - an annotated type
    """`sent` by the rules of the API."""
    try:
        return str(TypeAdapter(kind).validate_python(sent))
    except ValidationError as error:
        reason = sentence(error.errors(include_input=False)[0])
        raise Refused(f"The {what} cannot be used: it {reason}.") from None


def _ask() -> str:
    if not sys.stdin.isatty():
        raise Refused("Nobody can be asked for a password here: use --password-stdin and send it in one line.", MISUSED)
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def _read_line() -> str:
    try:
        return sys.stdin.buffer.readline().decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise Refused("The password cannot be used: it is not UTF-8 text.") from None


@asynccontextmanager
async def _transaction(settings: Settings) -> AsyncIterator[AsyncSession]:
    """One on a database whose schema this release can work with."""
    async with aclosing(Database(settings, pool_size=1)) as database, database.transaction() as session:
        if reason := await objection(session):
            raise Refused(reason)
        yield session


async def _promote(settings: Settings, email: str) -> str | None:
    async with _transaction(settings) as session:
        promoted = await service.promote(session, email)
    if promoted is None:
        return None
    user, is_new = promoted
    if not is_new:
        return f"{user.email} is an admin already. Nothing was changed."
    return f"{user.email} is an admin now. The account was there before: its password is unchanged."


async def _create(settings: Settings, wish: Registration) -> str:
    async with _transaction(settings) as session:
        user, is_new = await service.create_admin(session, wish, SystemClock().now())
    if is_new:
        return f"{user.email} is an admin now. The account is new."
    return (
        f"{user.email} is an admin now. The account was there before, but nobody had verified its e-mail:"
        " it has the new password, and all its sessions have ended."
    )
