"""What every test may use: a PostgreSQL and a Valkey of its own process, the application on them, and people."""

import asyncio
import faulthandler
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hypothesis
import pytest
from fastapi import FastAPI
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from memory_gateway import MemoryGateway
from parkingspots.accounts import passwords
from parkingspots.app import create
from parkingspots.dev.ports import free_port
from parkingspots.dev.postgres import PostgresServer, postgres
from parkingspots.dev.valkey import ValkeyServer, valkey
from parkingspots.kit import follower, migrating
from parkingspots.kit.database import Database
from parkingspots.settings import Settings
from product import Api, Person, asked, running, until

hypothesis.settings.register_profile("parkingspots", deadline=None)  # a busy machine is slow, not wrong
hypothesis.settings.load_profile("parkingspots")

LONGEST_END = 600.0
"""Seconds for what a test has to put away. pytest-timeout lets go of a test as soon as it has failed."""
STANDS_STILL = 60.0
"""Seconds for which a busy machine may stand still before a test takes it for an error."""
STDERR = pytest.StashKey[int]()
WEBHOOK_SECRET = "whsec_of_the_tests_000000"
Record = Callable[..., Awaitable[str]]
TABLES = (
    "job_runs",
    "job_counts",
    *("ledger_checks", "stripe_events", "connected_accounts", "payouts", "refunds", "disputes", "payments"),
    "refunds_due",
    *("idempotency_keys", "one_time_tokens", "review_votes", "reviews"),
    *("bookings", "availability_slots", "spot_stats", "spots", "sessions", "users", "changes"),
)
"""In an order in which they can be emptied."""


def pytest_configure(config: pytest.Config) -> None:
    assert sys.__stderr__ is not None
    config.stash[STDERR] = os.dup(sys.__stderr__.fileno())  # as it is before anybody captures it


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """One that hangs at its end tells where, and its process ends: the other tests go on in another."""
    faulthandler.dump_traceback_later(LONGEST_END, exit=True, file=item.config.stash[STDERR])
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


class SetClock:
    """A clock that stands where a test sets it."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Monday noon in winter, in the future, so that the database's own clock finds nothing due."""
        self.moment = datetime(2040, 1, 2, 10, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def pass_by(self, **time: float) -> None:
        self.moment += timedelta(**time)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with postgres(tmp_path_factory.mktemp("postgres"), durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    with valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture(scope="session")
def settings(postgres_server: PostgresServer, valkey_server: ValkeyServer) -> Settings:
    """The settings of the session's database, brought there by the real migrations."""
    settings = Settings(
        _env_file=None,
        database_url=postgres_server.url,
        redis_url=valkey_server.url,
        rate_limits_enabled=False,  # all tests come from one address
        cache_search_seconds=0,  # they write past the log, and turn the clock
        cache_spot_seconds=0,
        stripe_webhook_secret=WEBHOOK_SECRET,
    )
    asyncio.run(migrating.upgrade(settings))
    return settings


@pytest.fixture(scope="session")
async def database(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings)
    yield database
    await database.aclose()


@pytest.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    """A session in autocommit, to look at what the product has written or to set up what it cannot."""
    async with database.reader() as session:
        yield session
    async with database.reader() as session:
        await empty(session)


async def empty(session: AsyncSession) -> None:
    """Leave nothing of one test to the next; deleting beats TRUNCATE on tables of a few rows."""
    for table in ("audit_log", "ledger_entries"):
        if await session.scalar(text(f"SELECT EXISTS (SELECT FROM {table})")):
            for change in (f"ALTER TABLE {table} DISABLE TRIGGER append_only", f"DELETE FROM {table}"):
                await session.execute(text(change))
            await session.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER append_only"))
    for table in TABLES:
        await session.execute(text(f"DELETE FROM {table}"))


@pytest.fixture(scope="session")
def only_clock() -> SetClock:
    """The one that the session's application reads."""
    return SetClock()


@pytest.fixture
def clock(only_clock: SetClock) -> SetClock:
    """The application's clock, where every test finds it first."""
    only_clock.reset()
    return only_clock


@pytest.fixture(scope="session")
def money_of_all() -> MemoryGateway:
    """Moves the money of the session's application, where a test pays although bookings are confirmed without."""
    return MemoryGateway()


@pytest.fixture(scope="session")
async def app(settings: Settings, only_clock: SetClock, money_of_all: MemoryGateway) -> AsyncIterator[FastAPI]:
    app = create(settings, only_clock, lambda _: money_of_all)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def api(app: FastAPI, session: AsyncSession, clock: SetClock) -> AsyncIterator[Api]:  # noqa: ARG001 - empties the tables
    """The application, asked over its HTTP interface in this process."""
    async with asked(app, clock) as api:
        yield api


@pytest.fixture
async def unpaid_api(settings: Settings, session: AsyncSession, clock: SetClock) -> AsyncIterator[Api]:  # noqa: ARG001
    """The application where a booking waits for its payment."""
    async with running(settings.model_copy(update={"skip_payment_processing": False}), clock) as api:
        yield api


@pytest.fixture
def money() -> MemoryGateway:
    """Moves the money of `paid_api`."""
    return MemoryGateway()


@pytest.fixture
async def paid_api(
    settings: Settings,
    session: AsyncSession,  # noqa: ARG001 - empties the tables
    clock: SetClock,
    money: MemoryGateway,
) -> AsyncIterator[Api]:
    """The application where a booking is paid before it is confirmed."""
    own = {"skip_payment_processing": False}
    async with running(settings.model_copy(update=own), clock, money) as api:
        yield api


@pytest.fixture(scope="session")
def keeping(settings: Settings) -> Settings:
    """Settings under which answers are kept."""
    return settings.model_copy(update={"cache_search_seconds": 300, "cache_spot_seconds": 600})


@pytest.fixture
async def keeping_api(
    keeping: Settings, api: Api, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Api]:
    """The application where answers are kept, on the same database as `api`, where they are not."""
    del api  # empties the tables
    for bound in ("TRUSTED_FOR", "PATIENCE"):  # a machine that stands still for a second keeps what it has
        monkeypatch.setattr(follower, bound, STANDS_STILL)
    async with running(keeping, clock) as keeping_api:
        await keeping_api.app.state.cache.client.flushdb()  # the log is emptied too
        await until(keeping_api.is_keeping)
        yield keeping_api


@pytest.fixture
def unused_tcp_port() -> int:
    """One that no connection of another test gets meanwhile, as pytest-asyncio's might."""
    return free_port()


@pytest.fixture
async def owner(api: Api) -> Person:
    return await api.person("owner")


@pytest.fixture
async def other_owner(api: Api) -> Person:
    return await api.person("other-owner")


@pytest.fixture
async def renter(api: Api) -> Person:
    return await api.person("renter")


@pytest.fixture
async def other_renter(api: Api) -> Person:
    return await api.person("other-renter")


@pytest.fixture
async def admin(api: Api, session: AsyncSession) -> Person:
    person = await api.person("admin")
    await session.execute(text("UPDATE users SET role = 'admin' WHERE id = :id"), {"id": person.id})
    return person


@pytest.fixture
async def spot(api: Api, owner: Person) -> str:
    """The id of a spot that never closes, at 3.50 an hour."""
    return await api.list_spot(owner)


@pytest.fixture
def record(session: AsyncSession, clock: SetClock, spot: str, owner: Person, renter: Person) -> Record:
    """Write a booking of `renter` straight into the table, for what HTTP cannot set up; its id.

    `start`, `end` and `expires` are hours from `now`, by default the clock's.
    """

    async def recording(
        status: str,
        start: float = 1,
        end: float = 3,
        *,
        now: datetime | None = None,
        expires: float = 1,
        payment_status: str = "completed",
    ) -> str:
        begin = now or clock.now()
        row = {
            "spot_id": spot,
            "user_id": renter.id,
            "owner_id": owner.id,
            "status": status,
            "payment_status": payment_status,
            "start_time": begin + timedelta(hours=start),
            "end_time": begin + timedelta(hours=end),
            "expires_at": begin + timedelta(hours=expires) if status == "pending" else None,
        }
        names = ", ".join(row)
        insert = f"""INSERT INTO bookings ({names}, total_amount, service_fee, owner_payout, currency)
            VALUES ({", ".join(f":{name}" for name in row)}, 770, 70, 700, 'EUR') RETURNING id"""
        return str(await session.scalar(text(insert), row))

    return recording


@pytest.fixture(autouse=True, scope="session")
def password_hasher() -> Iterator[PasswordHash]:
    """The product's own; in its place people sign in with a quick one, or most of a test's time would go there."""
    quick = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),))
    own = passwords.HASHER
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "HASHER", quick)
        yield own


@pytest.fixture(autouse=True, scope="session")
def _no_environment_of_the_developer() -> Iterator[None]:
    """No variable of whoever runs the tests changes what they find."""
    with pytest.MonkeyPatch.context() as patch:
        of_traces = [name for name in os.environ if name.startswith("OTEL_")]
        for name in [*map(str.upper, Settings.model_fields), *of_traces]:
            patch.delenv(name, raising=False)
        yield


ROOT = Path(__file__).parents[1]
