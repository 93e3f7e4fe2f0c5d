"""Two processes on one database: who comes to both at the same moment is still one."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import jwt
import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from e2e.test_journey import SECRET_KEY, served
from parkingspots.accounts.tokens import Claims, issue
from parkingspots.settings import Settings
from product import PASSWORD, SPOT

ROUNDS = 200
Pair = tuple[httpx.AsyncClient, httpx.AsyncClient]


@pytest.fixture(scope="module")
def urls(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The base URLs of two processes; rate limits are off."""
    logs = tmp_path_factory.mktemp("two")
    with ExitStack() as stack:
        yield [stack.enter_context(served(settings, logs / f"{name}.log"))[0] for name in ("one", "other")]


@pytest.fixture
async def both(urls: list[str], session: AsyncSession) -> AsyncIterator[Pair]:
    """A client of each process, its connections kept."""
    del session  # empties the tables
    async with AsyncExitStack() as stack:
        one, other = [
            await stack.enter_async_context(httpx.AsyncClient(base_url=f"{url}/api/v1", timeout=30)) for url in urls
        ]
        yield one, other


@pytest.fixture
async def tokens(both: Pair, settings: Settings, session: AsyncSession) -> list[str]:
    """Refresh tokens of one user, each of a session of its own: signing in so often would take its time."""
    account = {"email": "renter@example.com", "password": PASSWORD, "full_name": "Rena"}
    user_id = UUID((await both[0].post("/auth/register", json=account)).raise_for_status().json()["id"])
    rows = await session.execute(
        text("""
            INSERT INTO sessions (user_id, token_id, expires_at)
            SELECT :user_id, gen_random_uuid(), now() + interval '1 day' FROM generate_series(1, :rounds)
            RETURNING id, token_id
        """),
        {"user_id": user_id, "rounds": ROUNDS},
    )
    theirs, now = settings.model_copy(update={"secret_key": SecretStr(SECRET_KEY)}), datetime.now(UTC)
    return [issue(theirs, "refresh", Claims(user_id, *row), now) for row in rows]


async def refresh(client: httpx.AsyncClient, token: str, program: str = "mine") -> httpx.Response:
    return await client.post("/auth/refresh", json={"refresh_token": token}, headers={"User-Agent": program})


async def read_me(client: httpx.AsyncClient, access_token: str) -> httpx.Response:
    return await client.get("/users/me", headers={"Authorization": f"Bearer {access_token}"})


def name(token: str) -> str:
    """What a token is known by."""
    return str(jwt.decode(token, options={"verify_signature": False})["jti"])


async def test_one_client_that_refreshes_at_both_at_once_stays_signed_in(both: Pair, tokens: list[str]) -> None:
    token = tokens[0]
    seen = {name(token)}
    for _ in range(ROUNDS):
        one, other = await asyncio.gather(*(refresh(client, token) for client in both))
        assert (one.status_code, other.status_code) == (200, 200)
        assert name(one.json()["refresh_token"]) == name(other.json()["refresh_token"])
        token = other.json()["refresh_token"]
        seen.add(name(token))
    assert len(seen) == ROUNDS + 1
    assert (await refresh(both[0], token)).status_code == 200


async def test_of_two_clients_that_refresh_with_one_token_at_once_one_gets_it_and_both_are_out(
    both: Pair, tokens: list[str]
) -> None:
    here, there = both
    for token in tokens:
        answers = await asyncio.gather(refresh(here, token, "mine"), refresh(there, token, "another"))
        assert sorted(answer.status_code for answer in answers) == [200, 401]
        (won,) = [answer.json() for answer in answers if answer.status_code == 200]
        afterwards = await asyncio.gather(
            read_me(here, won["access_token"]),
            refresh(here, won["refresh_token"], "mine"),
            refresh(there, won["refresh_token"], "another"),
        )
        assert [answer.status_code for answer in afterwards] == [401] * 3


async def test_a_booking_sent_to_both_at_once_with_one_key_is_made_once(both: Pair, session: AsyncSession) -> None:
    here, there = both
    owner, renter = [await signed_in(here, name) for name in ("owner", "rena")]
    spot = (await here.post("/parking-spots/", json=SPOT, headers=owner)).raise_for_status().json()["id"]
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    for number in range(ROUNDS):
        start = tomorrow + timedelta(minutes=30 * number)
        wish = {
            "parking_spot_id": spot,
            "start_time": start.isoformat(),
            "end_time": (start + timedelta(minutes=30)).isoformat(),
        }
        headers = renter | {"Idempotency-Key": f"round-{number}"}
        answers = await asyncio.gather(*(client.post("/bookings/", json=wish, headers=headers) for client in both))
        repeat = await there.post("/bookings/", json=wish, headers=headers)
        made = [answer for answer in (*answers, repeat) if answer.status_code == 201]
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert repeat.headers["idempotency-replayed"] == "true"
        assert len({answer.content for answer in made}) == 1
    assert await session.scalar(text("SELECT count(*) FROM bookings")) == ROUNDS


async def signed_in(client: httpx.AsyncClient, name: str) -> dict[str, str]:
    account = {"email": f"{name}@example.com", "password": PASSWORD}
    await client.post("/auth/register", json=account | {"full_name": name})
    tokens = (await client.post("/auth/login", json=account)).raise_for_status().json()
    return {"Authorization": f"Bearer {tokens['access_token']}"}
