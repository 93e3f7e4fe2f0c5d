"""The SMTP server is visited as letters would, and none is left there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult
from pydantic import SecretStr

from doctor.examined import examined, says
from parkingspots.dev.ports import HOST, free_port
from parkingspots.doctor.finding import State
from parkingspots.settings import Settings


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[str]:
    make = lambda: SMTP(object(), hostname="mail.example", **options)  # noqa: E731 - one for each connection
    server = await asyncio.get_running_loop().create_server(make, HOST, 0)
    async with server:
        yield f"{HOST}:{server.sockets[0].getsockname()[1]}"


def mailing(url: str) -> Settings:
    return Settings(_env_file=None).model_copy(update={"smtp_url": SecretStr(url)})


async def test_a_server_that_takes_letters_is_well() -> None:
    async with serving() as where:
        assert says((await examined(mailing(f"smtp://{where}"), "mail"))["mail", "server"], State.OK, HOST)


async def test_a_server_that_is_away_fails() -> None:
    found = await examined(mailing(f"smtp://{HOST}:{free_port()}"), "mail")
    assert says(found["mail", "server"], State.FAIL, "takes no letters", mend="SMTP_URL")


async def test_a_password_that_the_server_does_not_take_fails_and_is_not_shown() -> None:
    refused = {"authenticator": lambda *_: AuthResult(success=False, handled=False), "auth_require_tls": False}
    async with serving(**refused) as where:
        found = await examined(mailing(f"smtp://post:planted-password@{where}"), "mail")
    assert says(found["mail", "server"], State.FAIL, "535")
    assert "planted-password" not in str(found)
