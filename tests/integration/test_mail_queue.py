"""Letters take their turn, have their time, and hold up nothing: not a busy process, not one that ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from parkingspots.dev.ports import HOST
from parkingspots.kit import mail
from parkingspots.kit.mail import Letter, SmtpMailer
from product import until

LETTER = Letter("maria@example.com", "Hello", "…\n")


class Doorman:
    """A server that lets everybody in and says nothing, not even good-bye."""

    def __init__(self) -> None:
        self.inside = self.most_inside = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.inside += 1
        self.most_inside = max(self.inside, self.most_inside)
        await reader.read()
        self.inside -= 1
        writer.close()

    async def has(self, guests: int) -> None:
        async def is_full() -> bool:
            return self.inside == guests

        await until(is_full)


@asynccontextmanager
async def silent(doorman: Doorman) -> AsyncIterator[SmtpMailer]:
    async with await asyncio.start_server(doorman, HOST, 0) as server:
        yield SmtpMailer(f"smtp://{HOST}:{server.sockets[0].getsockname()[1]}", "no-reply@parkingspots.example")


async def test_all_attempts_together_have_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "SECONDS_IN_ALL", 0.1)
    doorman = Doorman()
    async with silent(doorman) as mailer:
        with capture_logs() as logs:
            await asyncio.wait_for(mailer.send(LETTER), mail.SECONDS / 2)
        await doorman.has(0)
    assert [(entry["event"], entry["error"]) for entry in logs] == [("letter not sent", "TimeoutError")]


async def test_few_letters_go_at_a_time_some_wait_and_the_rest_is_dropped_aloud(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mail, "CONVERSATIONS", 2)
    monkeypatch.setattr(mail, "MOST_WAITING", 3)
    monkeypatch.setattr(mail, "SECONDS_IN_ALL", 5)  # a cancellation that meets the end of connecting is lost in 3.11
    doorman = Doorman()
    async with silent(doorman) as mailer:
        with capture_logs() as logs:
            sending = [asyncio.create_task(mailer.send(LETTER)) for _ in range(5)]
            await doorman.has(2)
            await mailer.send(LETTER)
            assert [entry["error"] for entry in logs] == ["too many letters are waiting"]
            for each in sending:
                each.cancel()
            await asyncio.gather(*sending, return_exceptions=True)
    assert doorman.most_inside == 2
    assert [entry["error"] for entry in logs[1:]] == ["the process ends"] * 5


async def test_a_letter_that_is_cut_off_is_logged_once_and_waits_for_nobody() -> None:
    doorman = Doorman()
    async with silent(doorman) as mailer:
        with capture_logs() as logs:
            sending = asyncio.create_task(mailer.send(LETTER))
            await doorman.has(1)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(sending, mail.SECONDS / 2)
    assert [(entry["event"], entry["error"]) for entry in logs] == [("letter not sent", "the process ends")]
