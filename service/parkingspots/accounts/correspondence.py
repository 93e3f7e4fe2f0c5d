"""Letters to users, written behind the answer: nobody waits for them, and no time tells who has an account."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import BackgroundTasks, Depends, Request
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts import credentials, texts
from parkingspots.accounts.credentials import LIFETIMES, Sent
from parkingspots.accounts.rules import Purpose
from parkingspots.accounts.texts import Language
from parkingspots.kit.database import Database, described
from parkingspots.kit.dependencies import Clock, CurrentDatabase, CurrentMailer, CurrentSettings
from parkingspots.kit.mail import Letter, Mailer

PAGES = {Purpose.RESET: "reset-password", Purpose.VERIFICATION: "verify-email"}
"""Of the web client: where a letter's link leads."""

log = structlog.get_logger(__name__)
Draw = Callable[[AsyncSession, datetime], Awaitable[Sent | None]]


@dataclass(frozen=True)
class Correspondence:
    """What a request has to write, in the language of whoever sends it. A request that fails writes nothing."""

    tasks: BackgroundTasks
    database: Database
    mailer: Mailer
    web_url: str
    language: Language
    now: datetime

    def reset(self, email: str) -> None:
        """A token to reset the password, where the e-mail is an active account's."""
        self.tasks.add_task(
            self._send_token, Purpose.RESET, lambda session, now: credentials.reset_token(session, email, now)
        )

    def verification(self, user_id: UUID) -> None:
        """A token to verify the user's e-mail."""
        self.tasks.add_task(
            self._send_token,
            Purpose.VERIFICATION,
            lambda session, now: credentials.verification_token(session, user_id, now),
        )

    def password_changed(self, email: str) -> None:
        """A notice, for the case that it was somebody else."""
        self.tasks.add_task(self._send_notice, "password_changed", email)

    def email_changed(self, old: str) -> None:
        """A notice to the e-mail that the account had, for the case that it was somebody else."""
        self.tasks.add_task(self._send_notice, "email_changed", old)

    async def _send_notice(self, name: str, to: str) -> None:
        with _logged(name):
            await self.mailer.send(texts.letter(name, self.language, to, link=self.web_url))

    async def _send_token(self, purpose: Purpose, draw: Draw) -> None:
        with _logged(purpose):
            async with self.database.transaction() as session:
                sent = await draw(session, self.now)
            if sent is not None:
                await self.mailer.send(self._letter(purpose, sent))

    def _letter(self, purpose: Purpose, sent: Sent) -> Letter:
        link = f"{self.web_url}/{PAGES[purpose]}?token={sent.token}"
        minutes = LIFETIMES[purpose] // timedelta(minutes=1)
        return texts.letter(purpose, self.language, sent.email, link=link, token=sent.token, minutes=minutes)


@contextmanager
def _logged(letter: str) -> Iterator[None]:
    """The answer is out already: what goes wrong is told to the log, in words that hold no address."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        log.warning("letter not written", letter=letter, error=described(error))
    except Exception as error:  # noqa: BLE001 - one letter does not keep the next from being written
        log.warning("letter not written", letter=letter, error=type(error).__name__)


async def _correspondence(
    request: Request,
    tasks: BackgroundTasks,
    database: CurrentDatabase,
    mailer: CurrentMailer,
    settings: CurrentSettings,
    clock: Clock,
) -> Correspondence:
    language = texts.preferred(request.headers.get("accept-language", ""))
    return Correspondence(tasks, database, mailer, settings.web_url, language, clock.now())


Letters = Annotated[Correspondence, Depends(_correspondence)]
