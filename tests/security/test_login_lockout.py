"""Nobody keeps somebody else out by failing for them; tried at a server, from several addresses."""

from collections.abc import Iterator

import pytest
from redis import Redis
from sqlalchemy.ext.asyncio import AsyncSession

from e2e.test_journey import served
from parkingspots.settings import Settings
from product import PASSWORD
from security.wires import Headers, client_at, forwarded

WRONG = "wrong horse"
HOME, OFFICE, ATTACKER = "127.4.0.1", "127.4.0.2", "127.4.0.66"
LOGIN, REGISTER = "/api/v1/auth/login", "/api/v1/auth/register"


@pytest.fixture(scope="module")
def url(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that allows 3 wrong passwords an account and address, and 6 an address, or an account elsewhere."""
    few = {"RATE_LIMIT_LOGINS": "3 per hour", "RATE_LIMIT_LOGINS_OF_ADDRESS": "6 per hour"}
    limited = settings.model_copy(update={"rate_limits_enabled": True})
    with served(limited, tmp_path_factory.mktemp("lockout") / "server.log", **few) as (url, _):
        yield url


@pytest.fixture
def maria(settings: Settings, url: str, session: AsyncSession, request: pytest.FixtureRequest) -> str:
    """The e-mail of somebody who has signed in at home; no other test has counted for it."""
    del session  # empties the tables
    with Redis.from_url(settings.cache_url) as valkey:
        valkey.flushdb()
    email = f"{request.node.name.replace('_', '-')[-40:]}@example.com"
    with client_at(HOME, url) as home:
        assert home.post(REGISTER, email=email, password=PASSWORD, full_name="Maria") == 201
        assert home.post(LOGIN, email=email, password=PASSWORD) == 200
    return email


def tries(url: str, email: str, password: str, *addresses: str, headers: Headers = ()) -> list[int]:
    """The statuses of logins one after the other."""
    statuses = []
    for address in addresses:
        with client_at(address, url) as client:
            statuses.append(client.post(LOGIN, headers, email=email, password=password))
    return statuses


def test_an_attacker_at_one_address_keeps_the_owner_out_nowhere(url: str, maria: str) -> None:
    assert tries(url, maria, WRONG, *[ATTACKER] * 8) == [401] * 3 + [429] * 5
    assert tries(url, maria, PASSWORD, HOME, OFFICE) == [200, 200]
    assert tries(url, maria, PASSWORD, ATTACKER) == [429]


def test_an_attacker_at_many_addresses_keeps_the_owner_out_of_no_place_known_to_the_account(
    url: str, maria: str
) -> None:
    assert tries(url, maria, WRONG, *(f"127.5.0.{number}" for number in range(1, 9))) == [401] * 6 + [429] * 2
    assert tries(url, maria, PASSWORD, "127.5.1.1") == [429]
    assert tries(url, maria, WRONG, HOME) == [401]
    assert tries(url, maria, PASSWORD, HOME) == [200]


def test_an_attacker_who_claims_the_owners_address_keeps_nobody_out_but_themselves(url: str, maria: str) -> None:
    lie = [*forwarded(HOME), ("Forwarded", f"for={HOME}"), ("X-Real-IP", HOME)]
    assert tries(url, maria, WRONG, *["127.6.0.66"] * 5, headers=lie) == [401] * 3 + [429] * 2
    assert tries(url, maria, PASSWORD, HOME) == [200]
    assert tries(url, maria, PASSWORD, "127.6.0.66", headers=lie) == [429]


def test_an_attacker_gets_no_new_tries_by_claiming_an_address_each_time(url: str, maria: str) -> None:
    lies = [tries(url, maria, WRONG, "127.7.0.66", headers=forwarded(f"198.51.100.{number}")) for number in range(5)]
    assert lies == [[401]] * 3 + [[429]] * 2


def test_an_attacker_of_one_account_does_not_keep_another_out(url: str, maria: str) -> None:
    with client_at(HOME, url) as home:
        assert home.post(REGISTER, email="nikos@example.com", password=PASSWORD, full_name="Nikos") == 201
    tries(url, maria, WRONG, *(f"127.5.2.{number}" for number in range(1, 9)))
    assert tries(url, "nikos@example.com", PASSWORD, OFFICE, "127.5.2.1") == [200, 200]
