"""A database for each test that breaks one, and the settings that lead there."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import asyncpg
import pytest
from pydantic import SecretStr

from parkingspots.dev.postgres import PostgresServer
from parkingspots.kit import migrating
from parkingspots.settings import Settings

TEMPLATE, NAME = "doctor_template", "doctor"
Change = Callable[[str], Awaitable[None]]


def with_database(settings: Settings, url: str) -> Settings:
    return settings.model_copy(update={"database_url": SecretStr(url)})


@pytest.fixture(scope="session")
def template(postgres_server: PostgresServer, settings: Settings) -> Iterator[str]:
    """The name of a database with this release's schema, that nobody is connected to."""
    url = postgres_server.create_database(TEMPLATE)
    asyncio.run(migrating.upgrade(with_database(settings, url)))
    yield TEMPLATE
    postgres_server.drop_database(TEMPLATE)


@pytest.fixture
def own(settings: Settings, postgres_server: PostgresServer, template: str) -> Iterator[Settings]:
    """Settings that lead to a database which is the test's own, with this release's schema."""
    yield with_database(settings, postgres_server.create_database(NAME, template))
    postgres_server.drop_database(NAME)


@pytest.fixture
def empty_one(settings: Settings, postgres_server: PostgresServer) -> Iterator[Settings]:
    """Settings that lead to a database which is the test's own, without a schema."""
    yield with_database(settings, postgres_server.create_database(NAME))
    postgres_server.drop_database(NAME)


@pytest.fixture
def change(own: Settings) -> Change:
    """Changes the test's own database by the product's role."""
    return _changing(own.database_url.get_secret_value())


@pytest.fixture
def change_as_superuser(own: Settings, postgres_server: PostgresServer) -> Change:
    assert own.sqlalchemy_url.database == NAME
    return _changing(f"{postgres_server.admin_url.rsplit('/', 1)[0]}/{NAME}")


def _changing(url: str) -> Change:
    async def change(statement: str) -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    return change
