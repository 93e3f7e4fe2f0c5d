"""Bodies that are read before it is their requests' turn."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import httpx
import pytest
from prometheus_client import REGISTRY
from starlette.types import Message, Receive, Scope, Send

from parkingspots.kit import ahead, turns
from parkingspots.kit.ahead import LARGE_AT_ONCE, SMALL, ReadAhead
from parkingspots.kit.bodies import LARGEST
from product import until

URL = "http://parkingspots.test/"
PIECE = b"x" * SMALL
TURNED_AWAY = "parkingspots_http_requests_shed_total", {"class": "bodies"}


class Product:
    """Reads a body to its end and says how much that was."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        size = 0
        message: Message = {"more_body": True}
        while message.get("more_body"):
            message = await receive()
            size += len(message.get("body", b""))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"%d" % size})


class Slow:
    """Bodies whose last piece does not come before it may."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.may_end = asyncio.Event()
        self.waiting = 0

    async def body(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece
        self.waiting += 1
        await self.may_end.wait()
        yield b"."

    async def are_waiting(self, number: int) -> None:
        async def all_are() -> bool:
            return self.waiting == number

        await until(all_are)


@pytest.fixture
def product() -> Product:
    return Product()


@pytest.fixture
async def client(product: Product) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(ReadAhead(product))) as asked:
        yield asked


@pytest.mark.parametrize("pieces", [[b"a"], [b"a"] * 3, [PIECE] * 3, [PIECE] * (LARGEST // SMALL + 2)])
async def test_a_body_is_handed_on_as_it_came(client: httpx.AsyncClient, pieces: Sequence[bytes]) -> None:
    slow = Slow(*pieces)
    slow.may_end.set()
    answer = await client.post(URL, content=slow.body())
    assert int(answer.text) == sum(map(len, pieces)) + 1


async def test_nobody_is_asked_before_a_body_is_whole(client: httpx.AsyncClient, product: Product) -> None:
    slow = Slow(b"a")
    asking = asyncio.create_task(client.post(URL, content=slow.body()))
    await slow.are_waiting(1)
    assert product.asked == 0
    slow.may_end.set()
    assert (await asking).status_code == 200


async def test_a_body_that_is_announced_as_too_large_is_not_waited_for(
    client: httpx.AsyncClient, product: Product
) -> None:
    slow = Slow()
    headers = {"Content-Length": str(LARGEST + 1)}
    asking = asyncio.create_task(client.post(URL, content=slow.body(), headers=headers))
    await slow.are_waiting(1)
    assert product.asked == 1
    slow.may_end.set()
    await asking


async def test_there_is_room_for_so_much_that_has_not_come_whole(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "REST", 0)
    monkeypatch.setattr(ahead, "MOST_HELD", 3 * len(PIECE) + 100)
    slow, more = Slow(PIECE), Slow(PIECE)
    asking = [asyncio.create_task(client.post(URL, content=slow.body())) for _ in range(3)]
    await slow.are_waiting(3)
    assert (await client.post(URL, content=more.body())).status_code == 503
    assert (await client.post(URL, content=b"small")).status_code == 200
    slow.may_end.set()
    assert [each.status_code for each in await asyncio.gather(*asking)] == [200] * 3
    more.may_end.set()
    assert (await client.post(URL, content=more.body())).status_code == 200


async def test_large_bodies_that_come_slowly_keep_out_their_like_alone(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "REST", 0)
    slow = Slow(PIECE, b"and more")
    asking = [asyncio.create_task(client.post(URL, content=slow.body())) for _ in range(LARGE_AT_ONCE)]
    await slow.are_waiting(LARGE_AT_ONCE)
    before = REGISTRY.get_sample_value(*TURNED_AWAY) or 0.0
    refused = await client.post(URL, content=PIECE + b"and more")
    assert refused.status_code == 503
    assert REGISTRY.get_sample_value(*TURNED_AWAY) == before + 1
    assert "retry-after" in refused.headers
    assert (await client.post(URL, content=b"small")).status_code == 200
    slow.may_end.set()
    assert [each.status_code for each in await asyncio.gather(*asking)] == [200] * LARGE_AT_ONCE
    assert (await client.post(URL, content=PIECE + b"and more")).status_code == 200
