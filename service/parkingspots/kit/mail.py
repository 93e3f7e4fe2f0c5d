"""Letters to users: by SMTP where SMTP_URL says how, into files for a developer, else nowhere, which is said."""

import asyncio
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from pathlib import Path
from typing import Annotated, Any, Protocol, cast
from urllib.parse import unquote, urlsplit

import aiosmtplib
import structlog
from email_validator import validate_email
from fastapi import Depends, Request

from parkingspots.settings import Environment, Settings

FOLDER = Path(".run", "mail")
"""Of a developer's letters, in the folder in which the product was started."""
SECONDS = 10  # for each step of a conversation with the SMTP server
PAUSES = (0.5, 2.0)
"""Seconds before each further attempt, while the server is away or says that it is for now only."""
FOR_NOW = range(400, 500)
"""SMTP's transient replies (RFC 5321, 4.2.1)."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Letter:
    to: str
    subject: str
    text: str


class Mailer(Protocol):
    async def send(self, letter: Letter) -> None:
        """Send `letter`, or log that it could not be: whoever waits for a letter can ask for another."""
        ...


def mailer(settings: Settings) -> Mailer:
    """The one that `settings` name."""
    if settings.smtp_url is not None:
        return SmtpMailer(settings.smtp_url.get_secret_value(), settings.mail_from)
    if settings.environment is Environment.DEVELOPMENT:
        return FileMailer(FOLDER.absolute(), settings.mail_from)
    return NoMailer()


class SmtpMailer:
    """smtp:// goes over to TLS where the server offers it; smtps:// speaks TLS from the start."""

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        self._sender = sender
        self._server: dict[str, Any] = {
            "hostname": parts.hostname,
            "port": parts.port,
            "username": unquote(parts.username) if parts.username else None,
            "password": unquote(parts.password) if parts.password else None,
            "use_tls": parts.scheme == "smtps",
            "timeout": SECONDS,
        }

    async def send(self, letter: Letter) -> None:
        message = _message(letter, self._sender)
        message.set_content(letter.text)
        for pause in (*PAUSES, None):
            try:
                await aiosmtplib.send(message, **self._server)
            except (aiosmtplib.SMTPException, OSError) as error:
                if pause is None or not _is_transient(error):
                    log.warning("letter not sent", subject=letter.subject, error=_reply(error))
                    return
                await asyncio.sleep(pause)
            else:
                return


class FileMailer:
    """Shows each letter to the developer in the log and as a file in `folder`."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = sender

    async def send(self, letter: Letter) -> None:
        message = _message(letter, self._sender)
        message.set_content(letter.text, cte="8bit")  # to be read as it is
        log.info("letter", to=letter.to, subject=letter.subject, text=letter.text)
        try:
            await asyncio.to_thread(self._write, message.as_bytes(policy=policy.SMTPUTF8))
        except OSError as error:
            log.warning("letter not kept", folder=str(self._folder), error=str(error))

    def _write(self, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}.eml"
        opened = os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(opened, "wb") as file:
            file.write(content)


class NoMailer:
    """Sends nothing, and says so each time."""

    async def send(self, letter: Letter) -> None:
        log.warning("letter not sent: SMTP_URL is not set", subject=letter.subject)


def _message(letter: Letter, sender: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = _mailbox(letter.to)
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = make_msgid(domain=parseaddr(sender)[1].rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office reply comes back
    return message


def _mailbox(email: str) -> str:
    """In ASCII where that can be (the domain always), so that servers without SMTPUTF8 take it."""
    return validate_email(email, check_deliverability=False).ascii_email or email


def _is_transient(error: aiosmtplib.SMTPException | OSError) -> bool:
    """Whether another attempt may go better: the server was away, or refused for now only."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return all(each.code in FOR_NOW for each in error.recipients)
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return error.code in FOR_NOW
    return isinstance(error, OSError)


def _reply(error: aiosmtplib.SMTPException | OSError) -> str:
    """What the server said, without the address that it said it about."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return "; ".join(f"{each.code} {each.message}" for each in error.recipients)
    return str(error) or type(error).__name__


async def _mailer(request: Request) -> Mailer:
    return cast("Mailer", request.app.state.mailer)


CurrentMailer = Annotated[Mailer, Depends(_mailer)]
