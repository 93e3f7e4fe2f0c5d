"""Stripe, as far as it can be had on one machine, and the product that is paid there."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from e2e.test_journey import served
from parkingspots.settings import Settings
from payments.cardholder import Cardholder
from payments.emulators import localstripe, stripe_mock
from payments.product_at_stripe import asked_at, paying
from payments.standin import KEY, StandIn, standing_in
from product import Api, Person, until

WEBHOOK = "/api/v1/payments/webhook"
WEBHOOK_SECRET = "whsec_of_the_stand_in_0000"
TAKES_PAYOUTS = text("SELECT takes_payouts FROM connected_accounts WHERE account_id = :id")


@pytest.fixture(scope="session")
def localstripe_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with localstripe(tmp_path_factory.mktemp("localstripe")) as url:
        yield url


@pytest.fixture(scope="session")
def stripe_mock_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with stripe_mock(tmp_path_factory.mktemp("stripe-mock")) as url:
        yield url


@pytest.fixture(scope="session")
async def only_stripe(localstripe_url: str) -> AsyncIterator[StandIn]:
    async with standing_in(localstripe_url) as stand_in:
        yield stand_in


@pytest.fixture
async def stripe(only_stripe: StandIn) -> AsyncIterator[StandIn]:
    yield only_stripe
    only_stripe.be_well()
    await only_stripe.tell_nobody()


@pytest.fixture
async def card(localstripe_url: str) -> AsyncIterator[Cardholder]:
    """Asks localstripe itself, as a browser asks Stripe and not us."""
    async with httpx.AsyncClient(base_url=localstripe_url, headers={"Authorization": f"Bearer {KEY}"}) as client:
        yield Cardholder(client)


@pytest.fixture(scope="session")
def paid_settings(settings: Settings, only_stripe: StandIn) -> Settings:
    own = {
        "skip_payment_processing": False,
        "stripe_secret_key": SecretStr(KEY),
        "stripe_webhook_secret": SecretStr(WEBHOOK_SECRET),
        "stripe_api_base": only_stripe.url,
    }
    return settings.model_copy(update=own)


@pytest.fixture(scope="session")
def process_url(paid_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a process that serves as in real life."""
    log = tmp_path_factory.mktemp("paid") / "server.log"
    with served(paid_settings, log, **paying(paid_settings)) as (url, _):
        yield url


@pytest.fixture
async def process(process_url: str, session: AsyncSession) -> AsyncIterator[Api]:
    """The HTTP interface of that process."""
    del session  # empties the tables
    async with asked_at(process_url) as api:
        yield api


@pytest.fixture
async def olga(process: Api) -> Person:
    """An owner."""
    return await process.person("olga", role="owner")


@pytest.fixture
async def rena(process: Api) -> Person:
    """A renter."""
    return await process.person("rena")


@pytest.fixture
async def courtyard(process: Api, olga: Person) -> str:
    """Her spot's id."""
    return await process.list_spot(olga)


@pytest.fixture
async def account(process: Api, process_url: str, stripe: StandIn, session: AsyncSession, olga: Person) -> str:
    """The id of her account at Stripe, which takes payouts; the product was told so."""
    await stripe.tell(f"{process_url}{WEBHOOK}", WEBHOOK_SECRET)
    opened = await process.post("/payments/connect/create-account", olga, country="GR", business_type="individual")
    account_id = str(opened["account_id"])

    async def is_known() -> bool:
        """To the product."""
        return bool(await session.scalar(TAKES_PAYOUTS, {"id": account_id}))

    await stripe.activate(account_id)
    await until(is_known)
    return account_id
