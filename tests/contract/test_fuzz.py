"""The whole OpenAPI document, tried at random on a served process: no 5xx, and no answer that it does not promise."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from pydantic import SecretStr
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from e2e.test_journey import served
from operations import DOCUMENT
from parkingspots.dev.postgres import PostgresServer
from parkingspots.kit import migrating
from parkingspots.settings import Settings
from product import PASSWORD, SPOT

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
SCHEMA.config.phases.coverage.enabled = False  # test_bad_input.py walks every field of its own


@pytest.fixture(scope="module")
def url(postgres_server: PostgresServer, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a process with a database of its own."""
    own = settings.model_copy(update={"database_url": SecretStr(postgres_server.create_database("fuzz"))})
    asyncio.run(migrating.upgrade(own))
    with served(own, tmp_path_factory.mktemp("fuzz") / "server.log") as (url, _):
        yield url
    postgres_server.drop_database("fuzz")


@pytest.fixture
def user(url: str, request: pytest.FixtureRequest) -> Iterator[tuple[dict[str, str], str]]:
    """The headers of somebody signed in, and the id of their spot."""
    account = {"email": f"user-{abs(hash(request.node.name))}@example.com", "password": PASSWORD}
    with httpx.Client(base_url=f"{url}/api/v1") as client:
        client.post("/auth/register", json=account | {"full_name": "User"}).raise_for_status()
        token = client.post("/auth/login", json=account).raise_for_status().json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        yield headers, client.post("/parking-spots", json=SPOT, headers=headers).raise_for_status().json()["id"]


@SCHEMA.parametrize()
@hypothesis_settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_the_document_promises(
    case: schemathesis.Case[Any], url: str, user: tuple[dict[str, str], str]
) -> None:
    headers, spot_id = user
    if "spot_id" in case.path_parameters:
        case.path_parameters["spot_id"] = spot_id
    case.call_and_validate(base_url=url, headers=headers, checks=CHECKS)
