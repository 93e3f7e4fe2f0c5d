"""A client that says nothing, or takes nothing, holds neither a connection nor anybody's turn for long."""

import asyncio
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn
from starlette.types import Message, Receive, Scope, Send

from parkingspots.kit import patience
from parkingspots.kit.connection import MOST_AHEAD
from parkingspots.kit.listening import everywhere
from parkingspots.kit.patience import PatientConnection
from product import until

HEAD = b"POST /slow HTTP/1.1\r\nHost: parkingspots.test\r\nContent-Length: 10\r\n"
GET = b"GET / HTTP/1.1\r\nHost: parkingspots.test\r\n\r\n"
LARGE = 32 << 20
"""Bytes; more than all buffers between a server and its client take."""
LOOKS = 4


class Product:
    """Reads what comes, waits until it may answer, and answers with `size` bytes."""

    def __init__(self) -> None:
        self.size = 2
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.reads = True
        self.asked = self.gone = self.ended = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        self.asked += 1
        message: Message = {"more_body": self.reads}
        while message.get("more_body"):
            message = await receive()
            if message["type"] == "http.disconnect":
                self.gone += 1
                return
        await self.may_answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % self.size)]})
        for _ in range(2):
            await send({"type": "http.response.body", "body": b"x" * (self.size // 2), "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        self.ended += 1


class Served:
    def __init__(self, product: Product, server: uvicorn.Server, port: int, looks: list[None]) -> None:
        self.product, self.server, self.port, self._looks = product, server, port, looks

    @asynccontextmanager
    async def client(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()

    async def is_idle(self) -> bool:
        return not self.server.server_state.connections

    async def has_looked(self) -> None:
        """Often enough to have given up whoever keeps it waiting."""
        before = len(self._looks)

        async def looked() -> bool:
            return len(self._looks) >= before + LOOKS

        await until(looked)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """One for each look of a server that is in a hurry."""
    seen: list[None] = []
    look = PatientConnection._look

    def looking(connection: PatientConnection) -> None:
        seen.append(None)
        look(connection)

    monkeypatch.setattr(patience, "PATIENCE", 0.05)
    monkeypatch.setattr(PatientConnection, "_look", looking)
    return seen


@pytest.fixture
def rest() -> float:
    """Seconds that a client may rest between two requests."""
    return 75


@pytest.fixture
async def served(looks: list[None], rest: float) -> AsyncIterator[Served]:
    product, listening = Product(), everywhere(0)
    server = uvicorn.Server(
        uvicorn.Config(
            product,
            http=PatientConnection,
            ws="none",
            log_config=None,
            lifespan="off",
            timeout_keep_alive=rest,  # type: ignore[arg-type]  # a fraction of a second
            timeout_graceful_shutdown=1,
        )
    )
    serving = asyncio.create_task(server.serve([listening]))
    yield Served(product, server, listening.getsockname()[1], looks)
    product.may_answer.set()
    server.should_exit = True
    await serving


async def test_who_says_nothing_is_left(served: Served) -> None:
    async with served.client() as (reader, _):
        assert await reader.read() == b""
    await until(served.is_idle)


@pytest.mark.parametrize("begun", [b"G", HEAD], ids=["a letter", "a head without its end"])
async def test_who_does_not_finish_a_head_is_told_and_left(served: Served, begun: bytes) -> None:
    async with served.client() as (reader, writer):
        writer.write(begun)
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
    assert not served.product.asked


async def test_a_letter_now_and_then_makes_no_head(served: Served) -> None:
    async with served.client() as (reader, writer):
        end = asyncio.create_task(reader.read())
        writer.write(HEAD)
        while not end.done():
            writer.write(b"a: b\r\n")
            await asyncio.sleep(0.01)
        with suppress(ConnectionResetError):  # there may be letters left that nobody reads
            assert end.result().startswith(b"HTTP/1.1 408 ")
    assert not served.product.asked


async def test_who_does_not_finish_a_body_is_told_and_the_product_hears_that_nobody_is_there(served: Served) -> None:
    async with served.client() as (reader, writer):
        writer.write(HEAD + b"\r\nhalf")
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in answer
    assert b"Send it again" in answer
    assert served.product.gone == 1


async def test_who_takes_nothing_of_an_answer_is_cut_off(served: Served) -> None:
    served.product.size = LARGE
    async with served.client() as (_, writer):
        writer.write(GET)  # its own buffer takes some, and nobody empties that
        await until(served.is_idle)


async def test_who_waits_for_an_answer_is_not_hurried(served: Served) -> None:
    served.product.may_answer.clear()
    async with served.client() as (reader, writer):
        writer.write(GET)
        await served.has_looked()
        served.product.may_answer.set()
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")


async def test_who_rests_between_two_requests_keeps_the_connection(served: Served) -> None:
    async with served.client() as (reader, writer):
        for _ in range(2):
            writer.write(GET)
            assert (await reader.readuntil(b"\r\n\r\nxx")).startswith(b"HTTP/1.1 200 ")
            await served.has_looked()


async def test_who_was_answered_before_all_had_come_keeps_the_connection(served: Served) -> None:
    served.product.reads = False
    async with served.client() as (reader, writer):
        for _ in range(2):
            writer.write(HEAD + b"\r\n")
            assert (await reader.readuntil(b"\r\n\r\nxx")).startswith(b"HTTP/1.1 200 ")
            writer.write(b"ten bytes.")
            await served.has_looked()


@pytest.mark.parametrize("rest", [0.05])
async def test_who_sends_an_empty_line_rests_no_longer_than_others(served: Served) -> None:
    async with served.client() as (reader, writer):
        writer.write(GET)
        await reader.readuntil(b"\r\n\r\nxx")
        writer.write(b"\r\n")
        assert await reader.read() == b""


async def test_who_is_given_up_and_does_not_take_the_last_word_is_cut_off(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served.client() as (_, writer):
        monkeypatch.setattr(PatientConnection, "_refuse", lambda *_: None)  # as if it were still on its way
        writer.write(HEAD)
        await served.has_looked()
        (connection,) = served.server.server_state.connections
        assert isinstance(connection, PatientConnection)
        monkeypatch.setattr(connection.transport, "is_closing", lambda: True, raising=False)
        await until(served.is_idle)


async def test_only_so_many_requests_wait_behind_another_and_those_are_answered(served: Served) -> None:
    served.product.may_answer.clear()
    async with served.client() as (reader, writer):
        writer.write(GET * (MOST_AHEAD * 20))
        await served.has_looked()
        (connection,) = served.server.server_state.connections
        assert isinstance(connection, PatientConnection)
        assert len(connection.pipeline) == MOST_AHEAD
        served.product.may_answer.set()
        answers = await reader.read()
    assert answers.count(b"HTTP/1.1 200 ") == served.product.ended == 1 + MOST_AHEAD


async def test_one_client_too_many_is_told_to_come_back_and_the_others_stay(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "MOST", 1)
    async with served.client() as (reader, writer), served.client() as (other, _):
        answer = await other.read()
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1" in answer
        writer.write(GET)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")


async def test_who_rests_makes_room_for_who_comes(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "MOST", 1)
    async with served.client() as (resting, writer):
        writer.write(GET)
        assert (await resting.readuntil(b"\r\n\r\nxx")).startswith(b"HTTP/1.1 200 ")
        async with served.client() as (reader, other):
            other.write(GET)
            assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        assert await resting.read() == b""


def test_a_system_that_allows_no_more_files_is_served_with_those_that_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (patience.RESERVE + 5, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    patience.allow_many_files()
    assert patience._most() == 5
