"""The whole OpenAPI document, tried at random on a served process: no 5xx, and no answer that it does not promise."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from contract import fuzz
from contract.fuzz_town import PEOPLE, Town, settle
from e2e.test_journey import served
from parkingspots.dev.postgres import PostgresServer
from parkingspots.kit import migrating
from parkingspots.settings import Settings

BOUNDED = ("--phases", "fuzzing,stateful", "--max-examples", "3", "--generation-deterministic")
ONLY = {"admin": ("--include-tag", "staff")}
"""What somebody is alone in being let in to; `make fuzz` tries the rest too."""


@pytest.fixture(scope="module")
def town(
    postgres_server: PostgresServer, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    """A process with a database of its own, and people who have things there."""
    database_url = postgres_server.create_database("fuzz")
    own = settings.model_copy(update={"database_url": SecretStr(database_url)})
    asyncio.run(migrating.upgrade(own))
    with served(own, tmp_path_factory.mktemp("fuzz") / "server.log") as (url, _):
        yield settle(url, database_url)
    postgres_server.drop_database("fuzz")


@pytest.mark.parametrize("who", PEOPLE)
def test_every_answer_is_one_that_the_document_promises(town: Town, who: str, tmp_path: Path) -> None:
    command = fuzz.command(town, who, tmp_path, *BOUNDED, *ONLY.get(who, ()))
    run = subprocess.run(command, cwd=tmp_path, env=fuzz.environment(), capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
