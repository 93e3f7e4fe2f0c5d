"""Letters to users: by SMTP where SMTP_URL says how, into files for a developer, else nowhere, which is said."""

import asyncio
import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib
import structlog
from prometheus_client import Counter

from parkingspots.kit import job_counts
from parkingspots.kit.known import from_zero
from parkingspots.settings import Environment, Settings

FOLDER = Path(".run", "mail")
"""Of a developer's letters, in the folder in which the product was started."""
SECONDS = 10  # for each step of a conversation with the SMTP server
SECONDS_IN_ALL = 20  # for all attempts to send a letter
CONVERSATIONS = 8
"""With the SMTP server at a time, of one process."""
MOST_WAITING = 500
"""Letters that wait for their turn; further ones are dropped."""
PAUSES = (0.5, 2.0)
"""Seconds before each further attempt, while the server is away or says that it is for now only."""
FOR_NOW = range(400, 500)
"""SMTP's transient replies (RFC 5321, 4.2.1)."""
STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")
"""The enhanced status that a reply's text may begin with (RFC 3463)."""

MAIL = Counter("parkingspots_mail", "Letters: sent, failed, or skipped where SMTP_URL is not set.", ("outcome",))
from_zero(MAIL, ("sent", "failed", "skipped"))
job_counts.keep(MAIL)

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Letter:
    to: str
    subject: str
    text: str


class Mailer(Protocol):
    async def send(self, letter: Letter) -> bool:
        """Send `letter`, or log that it could not be: whoever waits for one can ask for another. Never raises.

        Whether it is on its way, as far as can be.
        """
        ...


def mailer(settings: Settings) -> Mailer:
    """The one that `settings` name."""
    if settings.smtp_url is not None:
        return SmtpMailer(settings.smtp_url.get_secret_value(), settings.mail_from)
    if settings.environment is Environment.DEVELOPMENT:
        return FileMailer(FOLDER.absolute(), settings.mail_from)
    return NoMailer()


class SmtpMailer:
    """smtp:// goes over to TLS where the server offers it; smtps:// speaks TLS from the start.

    A password goes in clear to this machine only: any other server has to offer TLS where there is one.
    """

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        use_tls = parts.scheme == "smtps"
        self._sender = sender
        self._needs_tls = bool(parts.username) and not use_tls and not _is_loopback(parts.hostname or "")
        self._server: dict[str, Any] = {
            "hostname": parts.hostname,
            "port": parts.port,
            "username": unquote(parts.username) if parts.username else None,
            "password": unquote(parts.password) if parts.password else None,
            "use_tls": use_tls,
            "start_tls": self._needs_tls or None,  # None: where it is offered
            "timeout": SECONDS,
        }
        self._turns = asyncio.Semaphore(CONVERSATIONS)
        self._letters = 0

    async def send(self, letter: Letter) -> bool:
        if self._letters >= CONVERSATIONS + MOST_WAITING:
            _missed(letter, "too many letters are waiting")
            return False
        self._letters += 1
        try:
            async with self._turns, asyncio.timeout(SECONDS_IN_ALL):
                await self._deliver(letter)
        except asyncio.CancelledError:
            _missed(letter, "the process ends")
            raise
        except Exception as error:  # noqa: BLE001 - the answer is out already
            _missed(letter, self._reason(error))
            return False
        else:
            MAIL.labels("sent").inc()
            return True
        finally:
            self._letters -= 1

    async def _deliver(self, letter: Letter) -> None:
        message = _message(letter, self._sender)
        message.set_content(letter.text)
        for pause in PAUSES:
            try:
                await self._converse(message, _mailbox(letter.to))
            except (aiosmtplib.SMTPException, OSError) as error:
                if not _is_transient(error):
                    raise
                await asyncio.sleep(pause)
            else:
                return
        await self._converse(message, _mailbox(letter.to))

    async def _converse(self, message: EmailMessage, recipient: str) -> None:
        """`recipient` by itself: a header may be read as more addresses than one."""
        client = aiosmtplib.SMTP(**self._server)
        try:
            await client.connect()
            await client.send_message(message, sender=parseaddr(self._sender)[1], recipients=[recipient])
            with suppress(aiosmtplib.SMTPException):  # the letter is taken
                await client.quit()
        finally:
            client.close()  # where it was cancelled too, which `async with` would answer by waiting for another reply

    def _reason(self, error: Exception) -> str:
        if self._needs_tls and "STARTTLS" in str(error):
            return "the server offers no TLS, and the password is not sent in clear: use smtps://, or a URL without one"
        return _described(error)


class FileMailer:
    """Shows each letter to the developer in the log and as a file in `folder`."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = sender

    async def send(self, letter: Letter) -> bool:
        log.info("letter", to=letter.to, subject=letter.subject, text=letter.text)
        try:
            await asyncio.to_thread(self._write, self._content(letter))
        except Exception as error:  # noqa: BLE001 - the answer is out already
            log.warning("letter not kept", folder=str(self._folder), error=_described(error))
        MAIL.labels("sent").inc()
        return True  # it was shown

    def _content(self, letter: Letter) -> bytes:
        message = _message(letter, self._sender)
        message.set_content(letter.text, cte="8bit")  # to be read as it is
        return message.as_bytes(policy=policy.SMTPUTF8)

    def _write(self, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}.eml"
        opened = os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(opened, "wb") as file:
            file.write(content)


class NoMailer:
    """Sends nothing, and says so each time."""

    async def send(self, letter: Letter) -> bool:
        MAIL.labels("skipped").inc()
        log.warning("letter not sent: SMTP_URL is not set", subject=letter.subject)
        return True  # trying again would change nothing


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
    from email_validator import validate_email  # here: most processes write no letter for long

    return validate_email(email, check_deliverability=False).ascii_email or email


def _is_transient(error: aiosmtplib.SMTPException | OSError) -> bool:
    """Whether another attempt may go better: the server was away, or refused for now only."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return all(each.code in FOR_NOW for each in error.recipients)
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return error.code in FOR_NOW
    return isinstance(error, OSError)


def _described(error: Exception) -> str:
    """Without the address: servers and libraries repeat it, so of what they say only the codes are told."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return "; ".join(_codes(each) for each in error.recipients)
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return _codes(error)
    if isinstance(error, aiosmtplib.SMTPException | OSError):
        return str(error) or type(error).__name__
    return type(error).__name__


def _codes(reply: aiosmtplib.SMTPResponseException) -> str:
    status = STATUS.match(reply.message)
    return f"{reply.code} {status[0]}" if status else str(reply.code)


def _missed(letter: Letter, reason: str) -> None:
    MAIL.labels("failed").inc()
    log.warning("letter not sent", subject=letter.subject, error=reason)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
