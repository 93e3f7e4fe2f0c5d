"""Images are links that browsers follow: over TLS, to nothing but a page, and never by the server itself."""

import socket
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from conftest import Record
from product import SPOT, Api, Person

REFUSED = (
    *(
        "http://images.example.com/1.jpg",
        "HTTP://images.example.com/1.jpg",
        "//images.example.com/1.jpg",
        "/1.jpg",
        "1.jpg",
    ),
    *("javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\nscript:alert(1)", " javascript:alert(1)", "vbscript:x"),
    *(
        "data:image/svg+xml;base64,PHN2Zz4=",
        "data:text/html,<script>",
        "blob:https://a.example/1",
        "file:///etc/passwd",
    ),
    *("ftp://a.example/1.jpg", "gopher://a.example", "view-source:https://a.example", "https:images.example.com"),
    *(
        "https://user@a.example/1.jpg",
        "https://user:password@a.example/1.jpg",
        "https://a.example@b.example",
        "https://@a.example",
    ),
    *(
        "https://a.example/\x00",
        "https://a.example/\n1.jpg",
        "https://a.example/\x1b[31m",
        "https://a.example/\u202egpj.1",
    ),
    *(
        "https://a.example\\@b.example/",
        "https://a.example/ 1.jpg",
        "https://a.example/<script>",
        'https://a.example/"onerror=',
    ),
    *("https://", "https:///1.jpg", "https://[::1/", "https://a.example:port/", "https://a.example:99999/", ""),
    f"https://a.example/{'a' * 2_000}",
)
SENTENCES = {
    "must be an https URL without a user name, such as https://images.example.com/1.jpg",
    "must be on one line",
    "must not contain control characters",
    "must have at most 2000 characters",
}
Watch = Callable[[], bool]


async def test_what_is_no_plain_https_url_is_refused_with_a_sentence(api: Api, owner: Person) -> None:
    for url in REFUSED:
        for method, path, body, pointer in (
            ("POST", "/parking-spots/", SPOT | {"images": ["https://a.example/1.jpg", url]}, "/images/1"),
            ("PUT", "/users/me", {"profile_image": url}, "/profile_image"),
        ):
            (error,) = (await api.request(method, path, owner, expect=422, json=body)).json()["errors"]
            assert error["pointer"] == pointer
            assert error["detail"] in SENTENCES, ascii(url)


async def test_an_image_that_was_listed_before_the_rule_is_shown_and_hinders_no_change(
    api: Api, session: AsyncSession, owner: Person, spot: str
) -> None:
    old = ["http://images.example.com/1.jpg"]
    await session.execute(text("UPDATE spots SET images = :images"), {"images": old})
    assert (await api.put(f"/parking-spots/{spot}", owner, hourly_rate=400))["images"] == old
    assert [each["images"] for each in await api.get("/parking-spots/")] == [old]


@pytest.fixture
def listening() -> Iterator[tuple[list[str], Watch]]:
    """URLs of this machine, and whether anybody has come since."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.setblocking(False)
        port = server.getsockname()[1]

        def has_anybody_come() -> bool:
            try:
                server.accept()[0].close()
            except BlockingIOError:
                return False
            return True

        yield (
            [f"https://{host}:{port}/1.jpg" for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]")],
            has_anybody_come,
        )


async def test_the_server_never_follows_one(
    api: Api, owner: Person, renter: Person, record: Record, listening: tuple[list[str], Watch]
) -> None:
    urls, has_anybody_come = listening
    for person in (owner, renter):
        await api.put("/users/me", person, profile_image=urls[0])
        await api.get(f"/users/{person.id}")
        await api.get("/users/me", person)
    seen = await api.list_spot(owner, images=urls)
    await api.put(f"/parking-spots/{seen}", owner, images=urls[::-1])
    for path in ("/parking-spots/", "/parking-spots/search", f"/parking-spots/{seen}"):
        assert urls[0] in (await api.request("GET", path)).text
    review = {"booking_id": await record("completed", -3, -1), "overall_rating": 5}
    await api.post("/reviews/", renter, expect=201, **review)
    assert not has_anybody_come()
    with closing(socket.create_connection(("127.0.0.1", int(urls[0].split(":")[2].split("/")[0])))):
        assert has_anybody_come(), "nobody would have been noticed"
