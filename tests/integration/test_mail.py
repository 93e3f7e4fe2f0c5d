"""Letters leave by SMTP, wait for a server that is away, and are never lost in silence."""

import asyncio
import email
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import httpx
import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword
from fastapi import FastAPI
from pydantic import SecretStr
from structlog.testing import capture_logs

from parkingspots.app import create
from parkingspots.dev.ports import HOST, free_port
from parkingspots.kit import mail
from parkingspots.kit.mail import FileMailer, Letter, NoMailer, SmtpMailer, mailer
from parkingspots.settings import Environment, Settings
from product import PASSWORD, Api

SENDER = "ParkingSpots <no-reply@parkingspots.example>"
LETTER = Letter("maria@example.com", "Καλημέρα", "Γεια, Μαρία!\n\nhttps://example.com/" + "x" * 100 + "?a=b\n")


class Postbox:
    """An SMTP server's handler that keeps what comes, after it has answered with `refusals`."""

    def __init__(self, *refusals: str) -> None:
        self.refusals = list(refusals)
        self.envelopes: list[Envelope] = []
        self.attempts = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: object, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        self.attempts += 1
        if self.refusals:
            return self.refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: object, envelope: Envelope) -> str:  # noqa: N802
        self.envelopes.append(envelope)
        return "250 OK"

    def messages(self) -> list[EmailMessage]:
        contents = [each.content for each in self.envelopes]
        return [email.message_from_bytes(each, policy=policy.default) for each in contents if isinstance(each, bytes)]

    def only(self) -> EmailMessage:
        """The message that came, and no other."""
        (message,) = self.messages()
        return message


@asynccontextmanager
async def serving(postbox: Postbox, **options: Any) -> AsyncIterator[str]:
    """Where an SMTP server takes letters: host and port."""
    make = lambda: SMTP(postbox, hostname="mail.example", **options)  # noqa: E731 - one for each connection
    server = await asyncio.get_running_loop().create_server(make, HOST, 0)
    async with server:
        yield f"{HOST}:{server.sockets[0].getsockname()[1]}"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "PAUSES", (0.0, 0.0))


async def test_a_letter_arrives_with_all_that_a_letter_needs() -> None:
    postbox = Postbox()
    async with serving(postbox) as where:
        assert await SmtpMailer(f"smtp://{where}", SENDER).send(LETTER)
    message = postbox.only()
    assert (postbox.envelopes[0].mail_from, postbox.envelopes[0].rcpt_tos) == (
        "no-reply@parkingspots.example",
        ["maria@example.com"],
    )
    assert (message["From"], message["To"], message["Subject"]) == (SENDER, LETTER.to, LETTER.subject)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@parkingspots.example>")
    assert parsedate_to_datetime(message["Date"]).tzinfo is not None
    assert message.get_content().replace("\r\n", "\n") == LETTER.text


async def test_no_two_letters_have_one_id() -> None:
    postbox = Postbox()
    async with serving(postbox) as where:
        sender = SmtpMailer(f"smtp://{where}", SENDER)
        await sender.send(LETTER)
        await sender.send(LETTER)
    assert len({message["Message-ID"] for message in postbox.messages()}) == 2


async def test_it_logs_in_with_the_credentials_of_the_url() -> None:
    seen: list[tuple[bytes, bytes]] = []

    def authenticated(_server: SMTP, _session: object, _envelope: object, _how: str, sent: object) -> AuthResult:
        assert isinstance(sent, LoginPassword)
        seen.append((sent.login, sent.password))
        return AuthResult(success=sent.password == b"p@ss/w:rd", handled=False)

    postbox = Postbox()
    options = {"authenticator": authenticated, "auth_require_tls": False, "auth_exclude_mechanism": ["LOGIN"]}
    async with serving(postbox, **options) as where:
        await SmtpMailer(f"smtp://post%40office:p%40ss%2Fw%3Ard@{where}", SENDER).send(LETTER)
        assert seen == [(b"post@office", b"p@ss/w:rd")]
        with capture_logs() as logs:
            await SmtpMailer(f"smtp://post:wrong@{where}", SENDER).send(LETTER)
    assert postbox.only()["To"] == LETTER.to
    assert [entry["event"] for entry in logs] == ["letter not sent"]
    assert len(seen) == 2, "a wrong password is not tried again"
    assert "wrong" not in str(logs)


async def test_a_server_that_is_busy_is_asked_again() -> None:
    postbox = Postbox("451 Try again later", "450 Greylisted")
    async with serving(postbox) as where:
        with capture_logs() as logs:
            await SmtpMailer(f"smtp://{where}", SENDER).send(LETTER)
    assert postbox.attempts == 3
    assert postbox.only()["To"] == LETTER.to
    assert not logs


async def test_three_attempts_are_enough() -> None:
    postbox = Postbox(*["451 4.3.0 Try again later"] * 9)
    async with serving(postbox) as where:
        with capture_logs() as logs:
            await SmtpMailer(f"smtp://{where}", SENDER).send(LETTER)
    assert postbox.attempts == 3
    assert [(entry["event"], entry["error"]) for entry in logs] == [("letter not sent", "451 4.3.0")]


async def test_a_refusal_for_good_is_taken_for_one() -> None:
    postbox = Postbox(f"550 5.1.1 <{LETTER.to}>: Recipient address rejected: User unknown")
    async with serving(postbox) as where:
        with capture_logs() as logs:
            await SmtpMailer(f"smtp://{where}", SENDER).send(LETTER)
    assert postbox.attempts == 1
    assert not postbox.envelopes
    assert LETTER.text not in str(logs)
    assert LETTER.to not in str(logs)
    assert logs[0]["error"] == "550 5.1.1"


async def test_a_server_that_is_away_is_logged_and_no_error() -> None:
    with capture_logs() as logs:
        assert not await SmtpMailer(f"smtp://user:hidden@{HOST}:{free_port()}", SENDER).send(LETTER)
    assert [entry["event"] for entry in logs] == ["letter not sent"]
    assert "hidden" not in str(logs)


async def test_a_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = 0

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal attempts
        attempts += 1
        await reader.read()
        writer.close()

    monkeypatch.setattr(mail, "SECONDS", 0.1)
    async with await asyncio.start_server(silent, HOST, 0) as server:
        with capture_logs() as logs:
            await SmtpMailer(f"smtp://{HOST}:{server.sockets[0].getsockname()[1]}", SENDER).send(LETTER)
    assert attempts == 3
    assert [entry["event"] for entry in logs] == ["letter not sent"]


async def test_a_letter_never_goes_in_clear_where_the_server_offers_tls() -> None:
    postbox = Postbox()
    without_certificate = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    async with serving(postbox, tls_context=without_certificate) as where:
        with capture_logs() as logs:
            await SmtpMailer(f"smtp://{where}", SENDER).send(LETTER)
    assert not postbox.envelopes
    assert [entry["event"] for entry in logs] == ["letter not sent"]


async def test_smtps_speaks_tls_from_the_first_byte() -> None:
    heard: list[bytes] = []

    async def listening(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readexactly(2))
        writer.close()

    async with await asyncio.start_server(listening, HOST, 0) as server:
        await SmtpMailer(f"smtps://{HOST}:{server.sockets[0].getsockname()[1]}", SENDER).send(LETTER)
    assert heard == [b"\x16\x03"] * 3  # a TLS handshake, of version 3


async def test_an_email_in_greek_goes_to_servers_that_take_it_and_its_domain_to_all() -> None:
    modern, old = Postbox(), Postbox()
    async with serving(modern, enable_SMTPUTF8=True) as where:
        await SmtpMailer(f"smtp://{where}", SENDER).send(Letter("μαρία@παράδειγμα.gr", "Hello", "…\n"))
    assert modern.envelopes[0].rcpt_tos == ["μαρία@παράδειγμα.gr"]
    async with serving(old) as where:
        await SmtpMailer(f"smtp://{where}", SENDER).send(Letter("maria@παράδειγμα.gr", "Hello", "…\n"))
        with capture_logs() as logs:
            await SmtpMailer(f"smtp://{where}", SENDER).send(Letter("μαρία@παράδειγμα.gr", "Hello", "…\n"))
    assert old.envelopes[0].rcpt_tos == ["maria@xn--hxajbheg2az3al.gr"]
    assert len(old.envelopes) == 1
    assert "SMTPUTF8" in logs[0]["error"]


@pytest.mark.parametrize(
    "letter",
    [
        Letter("maria@example.com\r\nBcc: all@example.com", "Hello", ""),
        Letter("maria@example.com, all@example.com", "Hello", ""),
        Letter("maria@example.com", "Hello\nBcc: all@example.com", ""),
    ],
)
async def test_nothing_adds_a_header_or_a_recipient(letter: Letter) -> None:
    postbox = Postbox()
    async with serving(postbox) as where:
        with capture_logs() as logs:
            await SmtpMailer(f"smtp://{where}", SENDER).send(letter)
    assert not postbox.attempts
    assert [(entry["event"], entry["error"]) for entry in logs] == [("letter not sent", ANY)]
    assert "example.com" not in logs[0]["error"]


async def test_an_encoded_word_in_an_address_is_no_other_address(monkeypatch: pytest.MonkeyPatch) -> None:
    sly = "=?utf-8?q?all=40example.org=2C?=@example.com"
    heard: list[str] = []

    async def listening(server: SMTP, sent: str) -> None:
        heard.append(sent)
        await server.push("550 No")

    monkeypatch.setattr(SMTP, "smtp_RCPT", listening)
    async with serving(Postbox()) as where:
        await SmtpMailer(f"smtp://{where}", SENDER).send(Letter(sly, "Hello", ""))
    assert heard == [f"TO:<{sly}>"]


async def test_nobody_registers_an_encoded_word(api: Api) -> None:
    account = {"email": "=?utf-8?q?all?=@example.com", "password": PASSWORD, "full_name": "Sly"}
    await api.request("POST", "/auth/register", expect=422, json=account)


async def test_a_password_is_not_sent_in_clear_but_to_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "_is_loopback", lambda _host: False)
    postbox = Postbox()
    async with serving(postbox, auth_require_tls=False) as where:
        with capture_logs() as logs:
            await SmtpMailer(f"smtp://post:hidden@{where}", SENDER).send(LETTER)
            assert not postbox.attempts
            await SmtpMailer(f"smtp://{where}", SENDER).send(LETTER)
    assert ["use smtps://" in entry["error"] for entry in logs] == [True]
    assert postbox.only()["To"] == LETTER.to, "without a password there is nothing to hide"


@pytest.mark.parametrize(
    ("host", "is_here"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("192.0.2.1", False), ("localhost.example.com", False)],
)
def test_this_machine_is_known_by_its_names(host: str, is_here: bool) -> None:
    assert mail._is_loopback(host) is is_here


async def test_the_product_sends_by_the_server_of_its_settings(settings: Settings, api: Api) -> None:
    del api  # empties the tables
    postbox = Postbox()
    async with serving(postbox) as where:
        app = create(settings.model_copy(update={"smtp_url": SecretStr(f"smtp://{where}"), "mail_from": SENDER}))
        async with app.router.lifespan_context(app), asking(app) as client:
            account = {"email": "maria@example.com", "password": PASSWORD, "full_name": "Maria"}
            assert (await client.post("/api/v1/auth/register", json=account)).status_code == 201
    assert (postbox.only()["To"], postbox.only()["Subject"]) == ("maria@example.com", "Verify your e-mail")


@asynccontextmanager
async def asking(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://parkingspots.test") as client:
        yield client


async def test_a_developer_finds_the_letter_in_a_file_and_in_the_log(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "mail"
    developer = FileMailer(folder, SENDER)
    with capture_logs() as logs:
        await developer.send(LETTER)
        await developer.send(LETTER)
    first, second = sorted(folder.iterdir())
    assert (folder.stat().st_mode & 0o777, first.stat().st_mode & 0o777) == (0o700, 0o600)
    assert first.suffix == second.suffix == ".eml"
    assert all(line in first.read_text() for line in LETTER.text.splitlines()), "it can be read as it is"
    message = email.message_from_bytes(first.read_bytes(), policy=policy.default)
    assert (message["To"], message["Subject"]) == (LETTER.to, LETTER.subject)
    assert [(each["to"], each["subject"], each["text"]) for each in logs] == [
        (LETTER.to, LETTER.subject, LETTER.text)
    ] * 2


async def test_a_developers_letters_lie_under_the_folder_in_which_the_product_was_started(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    await mailer(settings).send(LETTER)
    assert len(list((tmp_path / ".run" / "mail").iterdir())) == 1


@pytest.mark.parametrize("letter", [LETTER, Letter("maria@example.com\nBcc: all@example.com", "Hello", "")])
async def test_a_folder_or_a_letter_that_cannot_be_written_is_logged_and_no_error(
    tmp_path: Path, letter: Letter
) -> None:
    (tmp_path / "mail").write_text("a file")
    with capture_logs() as logs:
        await FileMailer(tmp_path / "mail", SENDER).send(letter)
    assert [entry["event"] for entry in logs] == ["letter", "letter not kept"]


async def test_without_a_server_each_letter_is_missed_aloud() -> None:
    with capture_logs() as logs:
        await NoMailer().send(LETTER)
    assert [(entry["log_level"], entry["event"]) for entry in logs] == [
        ("warning", "letter not sent: SMTP_URL is not set")
    ]
    assert LETTER.text not in str(logs)
    assert LETTER.to not in str(logs)


def test_who_sends_is_a_matter_of_settings(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    by_smtp = settings.model_copy(update={"smtp_url": SecretStr("smtp://mail.example.com:587")})
    kinds = {
        environment: [
            type(mailer(each.model_copy(update={"environment": environment}))) for each in (settings, by_smtp)
        ]
        for environment in Environment
    }
    assert kinds == {
        Environment.DEVELOPMENT: [FileMailer, SmtpMailer],
        Environment.EVALUATION: [NoMailer, SmtpMailer],
        Environment.PRODUCTION: [NoMailer, SmtpMailer],
    }
