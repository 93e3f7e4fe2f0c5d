"""The contract with clients is kept, and docs/api.md says so."""

import pytest

from conftest import ROOT
from contract.api_page import page, title
from contract.endpoints import CONTRACT, PAGES
from operations import OPERATIONS
from product import Api

TITLES = {title(operation) for operation in OPERATIONS}


def test_the_page_is_the_one_that_would_be_written() -> None:
    assert (ROOT / "docs" / "api.md").read_text() == page(), "Run `make openapi`."


@pytest.mark.parametrize("endpoint", CONTRACT)
def test_an_endpoint_of_the_contract_exists(endpoint: str) -> None:
    assert endpoint in TITLES


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_of_the_contract_exists(api: Api, path: str) -> None:
    assert (await api.client.get(path)).status_code == 200
