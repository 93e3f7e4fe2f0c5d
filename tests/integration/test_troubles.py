"""What clients are told while the service itself is short of something, and that it recovers by itself."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from operations import OPERATIONS, Operation
from parkingspots import lines
from parkingspots.dev.ports import is_free
from parkingspots.dev.postgres import postgres
from parkingspots.kit import migrating
from parkingspots.kit.database import Database
from parkingspots.settings import Settings
from product import Api, Clock, Person, running, until


@asynccontextmanager
async def holding(database: Database, statement: str) -> AsyncIterator[None]:
    """Somebody else's transaction that has run `statement` and does not end before the block does."""
    async with database.engine.connect() as connection, connection.begin() as transaction:
        await connection.execute(text(statement))
        yield
        await transaction.rollback()


def is_busy(answer: httpx.Response) -> bool:
    """Whether the answer says, as it should, that the service is short of something."""
    if answer.status_code != 503:
        return False
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]
    return True


@pytest.fixture
async def hasty(settings: Settings, api: Api) -> AsyncIterator[Api]:
    """The application with one connection and no patience."""
    impatient: Mapping[str, Any] = {
        "database_pool_size": 1,
        "database_pool_wait_seconds": 0.1,
        "database_lock_timeout_ms": 50,
        "database_statement_timeout_ms": 300,
    }
    async with running(settings.model_copy(update=impatient), api.clock) as impatient_api:
        yield impatient_api


async def test_a_slot_whose_spot_stays_locked_is_503_and_free_afterwards(
    hasty: Api, database: Database, spot: str, renter: Person
) -> None:
    async with holding(database, "SELECT FROM spots FOR UPDATE"):
        answer = await hasty.request("POST", "/bookings/", renter, expect=503, json=_wish(hasty, spot))
        assert is_busy(answer)
    await hasty.request("POST", "/bookings/", renter, expect=201, json=_wish(hasty, spot))


def _wish(api: Api, spot: str) -> dict[str, str]:
    return {"parking_spot_id": spot, "start_time": api.at(1), "end_time": api.at(2)}


async def test_a_statement_that_takes_too_long_is_503(hasty: Api, database: Database) -> None:
    await hasty.get("/parking-spots/")
    async with holding(database, "LOCK TABLE spots"):
        assert is_busy(await hasty.client.get("/api/v1/parking-spots/"))
    assert await hasty.get("/parking-spots/") == []


async def test_whoever_stays_in_a_transaction_is_put_out_of_it_with_its_locks(hasty: Api, spot: str) -> None:
    own: Database = hasty.app.state.database

    async def stay() -> None:
        """Never idle for long, and for ever."""
        async with own.transaction() as session:
            await session.execute(text("SELECT FROM spots FOR UPDATE"))
            while True:
                await session.execute(text("SELECT pg_sleep(0.05)"))

    with pytest.raises(DBAPIError):
        await asyncio.wait_for(stay(), timeout=60)
    async with own.reader() as other:
        assert str(await other.scalar(text("SELECT id FROM spots FOR UPDATE"))) == spot


async def test_a_pool_without_a_free_connection_is_503_and_whoever_has_one_is_served(
    settings: Settings, database: Database, api: Api, spot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "PATIENCE", 0.1)
    narrow = settings.model_copy(update={"database_pool_size": 1, "database_pool_wait_seconds": 0.1})
    async with running(narrow, api.clock) as busy:
        async with holding(database, "LOCK TABLE spots"):
            first = asyncio.create_task(busy.client.get(f"/api/v1/parking-spots/{spot}"))
            await until_somebody_waits(database)
            assert is_busy(await busy.client.get(f"/api/v1/parking-spots/{spot}"))
            assert (await busy.client.get("/livez")).status_code == 200
        assert (await first).status_code == 200
        await busy.get(f"/parking-spots/{spot}")


async def until_somebody_waits(database: Database) -> None:
    async with database.reader() as session:

        async def somebody_waits() -> bool:
            return bool(await session.scalar(text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")))

        await until(somebody_waits)


async def test_requests_that_outnumber_the_connections_wait_for_their_turn(
    settings: Settings, api: Api, spot: str
) -> None:
    async with running(settings.model_copy(update={"database_pool_size": 2}), api.clock) as narrow:
        answers = await asyncio.gather(*(narrow.client.get(f"/api/v1/parking-spots/{spot}") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}


async def test_a_request_that_the_database_ends_is_503_and_the_next_one_is_not(
    hasty: Api, database: Database, spot: str
) -> None:
    await hasty.get(f"/parking-spots/{spot}")
    async with database.reader() as session:
        ended = await session.execute(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE usename = current_user AND pid <> pg_backend_pid()"
            )
        )
        assert ended.scalars().all()
    answers = [await hasty.client.get(f"/api/v1/parking-spots/{spot}") for _ in range(2)]
    assert all(answer.status_code == 200 or is_busy(answer) for answer in answers)
    assert answers[-1].status_code == 200


PORTS_OF_NO_CLIENT = range(20_000, 32_000)
"""Below those that systems give to outgoing connections, so that nobody takes it while the server is down."""
NEEDS_NO_DATABASE = {"read_service": 200, "read_liveness": 200, "read_health": 200, "receive_event": 400}
"""And what it answers; the event is not signed."""


def good_request(operation: Operation, api: Api, who: Person) -> httpx.Request:
    """A request that nothing but the state of the service can refuse, made of the document's own example."""
    good: dict[str, object] = {"refresh_token": who.refresh_token, "start_time": api.at(1), "end_time": api.at(2)}
    body = dict(operation.body()) if operation.takes_body else {}
    if "parking_spot_id" in body or "refresh_token" in body:
        body |= {name: value for name, value in good.items() if name in body}
    return api.client.build_request(operation.method, operation.url(), headers=who.headers, json=body or None)


async def test_while_the_database_is_away_whatever_needs_it_is_503_and_recovers_when_it_is_back(
    settings: Settings, clock: Clock, tmp_path: Path
) -> None:
    port = str(next(port for port in random.sample(PORTS_OF_NO_CLIENT, 100) if is_free(port)))
    with postgres(tmp_path, durable=False) as server:
        url = make_url(server.url).set(port=int(port)).render_as_string(hide_password=False)
    own = settings.model_copy(update={"database_url": SecretStr(url)})

    async with running(own, clock) as api:
        with postgres(tmp_path, durable=False, settings={"port": port}):
            await migrating.upgrade(own)
            owner = await api.person("owner")
            spot = await api.list_spot(owner)

        for operation in OPERATIONS:
            answer = await api.client.send(good_request(operation, api, owner))
            served = answer.status_code == NEEDS_NO_DATABASE.get(operation.id)
            assert served or is_busy(answer), f"{operation.id}: {answer.status_code} {answer.text}"
        assert (await api.client.get("/health")).json()["status"] == "down"

        with postgres(tmp_path, durable=False, settings={"port": port}):
            assert (await api.client.get("/readyz")).status_code == 200
            assert (await api.get(f"/parking-spots/{spot}", owner))["owner_id"] == owner.id
            await api.book(await api.person("renter"), spot, 1, 2)


async def test_a_password_of_the_database_that_does_not_fit_any_more_is_503(settings: Settings, clock: Clock) -> None:
    url = settings.sqlalchemy_url.set(drivername="postgresql", password="another")
    locked_out = settings.model_copy(update={"database_url": SecretStr(url.render_as_string(hide_password=False))})
    async with running(locked_out, clock) as api:
        assert is_busy(await api.client.get("/api/v1/parking-spots/"))
        assert is_busy(await api.client.get("/readyz"))
