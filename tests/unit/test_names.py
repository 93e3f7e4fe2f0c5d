"""A name that nobody answers for is asked for once, by one thread."""

import asyncio
import socket
from threading import Event

import pytest

from parkingspots.kit import names


async def test_many_who_want_a_name_of_a_silent_server_ask_once_and_find_it_when_it_speaks_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    speaks, asked = Event(), []

    def silent(host: str, port: None) -> None:
        asked.append((host, port))
        speaks.wait()

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await names.look_up("valkey.test")
    assert asked == [("valkey.test", None)]
    ending = names._asking["valkey.test"]
    speaks.set()
    await asyncio.wrap_future(ending)
    await names.look_up("valkey.test")


async def test_a_name_that_is_not_there_is_told_as_such_and_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"), None])

    def failing_once(*_: object) -> None:
        if (error := next(answers)) is not None:
            raise error

    monkeypatch.setattr(socket, "getaddrinfo", failing_once)
    with pytest.raises(socket.gaierror):
        await names.look_up("valkey.test")
    await names.look_up("valkey.test")
