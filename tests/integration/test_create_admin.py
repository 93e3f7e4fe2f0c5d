"""`parkingspots create-admin`: the first admin, who has nobody to ask."""

import asyncio
import os
import subprocess
import sys
from contextlib import suppress
from select import select
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from commands import Command, Run, complaint, run_in_this_process
from parkingspots.dev.ports import HOST, free_port
from parkingspots.dev.postgres import PostgresServer
from parkingspots.settings import Settings
from product import PASSWORD, PATIENCE, Api, Person
from signed_in import is_signed_in, may_refresh

BOSS = "boss@example.com"
PIPED = ("--password-stdin",)

command = pytest.fixture(run_in_this_process)


@pytest.fixture
def create_admin(command: Command, settings: Settings) -> Command:
    """Run it on the tests' database, with `stdin` for the password; a coroutine function."""

    async def run(*arguments: str, stdin: str = PASSWORD + "\n") -> Run:
        url = settings.database_url.get_secret_value()
        return await asyncio.to_thread(
            command, "create-admin", *arguments, stdin=stdin.encode("utf-8", "surrogateescape"), DATABASE_URL=url
        )

    return run  # type: ignore[return-value] # its run is awaited


async def acts(session: AsyncSession) -> list[dict[str, Any]]:
    """What the audit log holds."""
    rows = (await session.execute(text("SELECT * FROM audit_log ORDER BY id"))).mappings()
    return [dict(row) for row in rows]


async def test_a_new_account_is_a_verified_admins(api: Api, create_admin: Any, session: AsyncSession) -> None:
    done = await create_admin(BOSS, *PIPED)
    assert (done.code, done.output) == (0, "boss@example.com is an admin now. The account is new.\n")
    me = await api.get("/users/me", await api.sign_in("", BOSS))
    assert (me["role"], me["is_verified"], me["full_name"]) == ("admin", True, "Administrator")
    (act,) = await acts(session)
    assert (act["action"], act["subject"], str(act["subject_id"])) == ("create-admin", "user", me["id"])
    assert act["actor_id"] is act["reason"] is None
    assert PASSWORD not in done.output + str(act)


async def test_the_name_may_be_given(api: Api, create_admin: Any) -> None:
    await create_admin(BOSS, "--name", "Μαρία", *PIPED)
    assert (await api.get("/users/me", await api.sign_in("", BOSS)))["full_name"] == "Μαρία"


@pytest.fixture
async def verified(renter: Person, session: AsyncSession) -> Person:
    """Somebody who has opened the letter that verifies the e-mail."""
    await session.execute(text("UPDATE users SET is_verified = true WHERE id = :id"), {"id": renter.id})
    return renter


async def test_a_verified_account_that_is_there_becomes_an_admins_and_keeps_its_password(
    api: Api, create_admin: Any, verified: Person, session: AsyncSession
) -> None:
    done = await create_admin(verified.email.upper(), *PIPED, stdin="another password\n")
    assert done.code == 0
    assert "its password is unchanged" in done.output
    assert (await api.get("/users/me", verified))["role"] == "admin", "at once"
    await api.sign_in(verified.id, verified.email)
    assert [(act["action"], str(act["subject_id"])) for act in await acts(session)] == [("promote", verified.id)]


async def test_an_account_that_nobody_verified_is_taken_from_whoever_registered_it(
    api: Api, create_admin: Any, renter: Person, session: AsyncSession
) -> None:
    await api.post("/auth/forgot-password", email=renter.email)
    done = await create_admin(renter.email, *PIPED, stdin="another password\n")
    assert done.code == 0
    assert "nobody had verified its e-mail: it has the new password" in done.output
    assert not await is_signed_in(api, renter)
    assert not await may_refresh(api, renter)
    await api.post("/auth/login", expect=401, email=renter.email, password=PASSWORD)
    me = await api.get("/users/me", await api.sign_in(renter.id, renter.email, "another password"))
    assert (me["id"], me["role"], me["is_verified"]) == (renter.id, "admin", True)
    assert await session.scalar(text("SELECT count(*) FROM one_time_tokens WHERE used_at IS NULL")) == 0
    assert [(act["action"], str(act["subject_id"])) for act in await acts(session)] == [("take-over", renter.id)]


async def test_an_account_that_nobody_verified_needs_a_password(
    api: Api, create_admin: Any, renter: Person, session: AsyncSession
) -> None:
    assert "--password-stdin" in complaint(await create_admin(renter.email), 2)
    assert "The password cannot be used" in complaint(await create_admin(renter.email, *PIPED, stdin="short\n"))
    assert (await api.get("/users/me", renter))["role"] == "renter"
    assert not await acts(session)


async def test_a_second_run_changes_nothing(api: Api, create_admin: Any, session: AsyncSession) -> None:
    await create_admin(BOSS, *PIPED)
    again = await create_admin(BOSS, *PIPED, stdin="another password\n")
    assert (again.code, again.output) == (0, "boss@example.com is an admin already. Nothing was changed.\n")
    await api.sign_in("", BOSS)
    assert len(await acts(session)) == 1


async def test_a_verified_account_needs_no_password(create_admin: Any, verified: Person) -> None:
    assert (await create_admin(verified.email, stdin="")).code == 0


async def test_a_disabled_account_is_not_promoted(
    api: Api, create_admin: Any, renter: Person, session: AsyncSession
) -> None:
    await session.execute(text("UPDATE users SET is_active = false"))
    assert "disabled" in complaint(await create_admin(renter.email))
    assert await session.scalar(text("SELECT role FROM users")) == "renter"
    del api


async def test_without_a_terminal_the_password_has_to_be_sent(create_admin: Any, session: AsyncSession) -> None:
    assert "--password-stdin" in complaint(await create_admin(BOSS), 2)
    assert await session.scalar(text("SELECT count(*) FROM users")) == 0


@pytest.mark.parametrize(
    ("arguments", "stdin", "what"),
    [
        (("nobody",), PASSWORD, "e-mail"),
        (("nobody@",), PASSWORD, "e-mail"),
        ((BOSS, "--name", " "), PASSWORD, "name"),
        ((BOSS,), "seven77\n", "password"),
        ((BOSS,), "\n", "password"),
        ((BOSS,), "", "password"),
        ((BOSS,), "x" * 257, "password"),
        ((BOSS,), "eight\x00888", "password"),
        ((BOSS,), "not utf-8 \udcff", "password"),
    ],
)
async def test_what_cannot_be_registered_cannot_be_an_admin_either(
    create_admin: Any, session: AsyncSession, arguments: tuple[str, ...], stdin: str, what: str
) -> None:
    refusal = await create_admin(*arguments, *PIPED, stdin=stdin)
    assert complaint(refusal).startswith(f"The {what} cannot be used: ")
    assert not stdin.strip() or stdin.strip() not in refusal.errors
    assert await session.scalar(text("SELECT count(*) FROM users")) == 0


async def test_a_password_that_is_too_short_is_told_as_the_api_does(create_admin: Any) -> None:
    refusal = await create_admin(BOSS, *PIPED, stdin="seven77")
    assert complaint(refusal) == "The password cannot be used: it must have at least 8 characters."


@pytest.mark.parametrize("line", ["correct horse", "correct horse\r\n", "correct horse\nand another line\n"])
async def test_a_password_is_one_line_without_its_end(api: Api, create_admin: Any, line: str) -> None:
    await create_admin(BOSS, *PIPED, stdin=line)
    await api.sign_in("", BOSS, "correct horse")


def test_a_database_that_is_away_is_told_in_one_line(command: Command) -> None:
    nowhere = f"postgresql://app:hidden@{HOST}:{free_port()}/spots"
    said = complaint(command("create-admin", BOSS, *PIPED, stdin=b"correct horse", DATABASE_URL=nowhere))
    assert "cannot be reached" in said
    assert "hidden" not in said


def test_a_missing_schema_is_told_in_one_line(command: Command, postgres_server: PostgresServer) -> None:
    url = postgres_server.create_database("no_schema")
    try:
        said = complaint(command("create-admin", BOSS, *PIPED, stdin=b"correct horse", DATABASE_URL=url))
    finally:
        postgres_server.drop_database("no_schema")
    assert "run `parkingspots migrate upgrade`" in said


async def test_at_a_terminal_the_password_is_asked_for_twice_and_not_shown(api: Api, settings: Settings) -> None:
    url = settings.database_url.get_secret_value()
    code, screen = await asyncio.to_thread(at_a_terminal, url, {"Password: ": PASSWORD, "confirmation: ": PASSWORD})
    assert code == 0, screen
    assert "The account is new." in screen
    assert PASSWORD not in screen
    await api.sign_in("", BOSS)


def at_a_terminal(database_url: str, answers: dict[str, str]) -> tuple[int, str]:
    """The exit code and the screen of the command, whose questions are answered when they come."""
    terminal, inside = os.openpty()
    environment = os.environ | {"DATABASE_URL": database_url}
    command = [sys.executable, "-m", "parkingspots", "create-admin", BOSS]
    process = subprocess.Popen(
        command, env=environment, stdin=inside, stdout=inside, stderr=inside, start_new_session=True
    )
    os.close(inside)
    screen = ""
    with suppress(OSError):  # the terminal is gone when its last program has ended
        while select([terminal], [], [], PATIENCE)[0]:
            screen += os.read(terminal, 4096).decode()
            for question in [question for question in answers if question in screen]:
                os.write(terminal, f"{answers.pop(question)}\n".encode())
    os.close(terminal)
    try:
        return process.wait(PATIENCE), screen
    finally:
        process.kill()
