"""What is asked of Stripe is as its own description of its API has it, at the version that the adapter names.

stripe-mock looks at each request; it knows no money, so what it answers is an example.
"""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr

from parkingspots.payments.gateway import PaymentGateway, RefusedError
from parkingspots.payments.stripe_gateway import API_VERSION, StripeGateway
from parkingspots.settings import Settings
from payments.asked import Asked, Shape
from payments.books import Books

KEY = "sk_test_123"
ID = UUID("0198c0de-7a10-7000-8000-000000000004")
CALLS: Mapping[str, Callable[[StripeGateway], Awaitable[object]]] = {
    "create_intent": lambda stripe: stripe.create_intent(ID, 770, "EUR", "a-key"),
    "intent": lambda stripe: stripe.intent("pi_1"),
    "cancel_intent": lambda stripe: stripe.cancel_intent("pi_1"),
    "refund": lambda stripe: stripe.refund("pi_1", 385, "EUR", ID, "a-key"),
    "refunds_of": lambda stripe: stripe.refunds_of("pi_1"),
    "given_back": lambda stripe: stripe.given_back("re_1"),
    "create_account": lambda stripe: stripe.create_account(ID, "olga@example.com", "GR", "individual", "a-key"),
    "account": lambda stripe: stripe.account("acct_1"),
    "onboarding_url": lambda stripe: stripe.onboarding_url("acct_1"),
    "transfer": lambda stripe: stripe.transfer("acct_1", 700, "EUR", ID, "ch_1", "a-key"),
    "find_transfer": lambda stripe: stripe.find_transfer(ID),
    "transferred": lambda stripe: stripe.transferred(ID),
    "reverse": lambda stripe: stripe.reverse("tr_1", 350, "EUR", ID, "a-key"),
    "find_reversal": lambda stripe: stripe.find_reversal("tr_1", ID),
    "dispute": lambda stripe: stripe.dispute("dp_1"),
    "disputes_of": lambda stripe: stripe.disputes_of("pi_1"),
}
BUSINESS_TYPES = ["individual", "company", "non_profit", "government_entity"]


@pytest.fixture
async def gateway(settings: Settings, stripe_mock_url: str) -> AsyncIterator[StripeGateway]:
    own = {"stripe_secret_key": SecretStr(KEY), "stripe_api_base": stripe_mock_url}
    async with aclosing(StripeGateway(settings.model_copy(update=own))) as gateway:
        yield gateway


@pytest.fixture
async def mock(stripe_mock_url: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {KEY}", "Stripe-Version": API_VERSION}
    async with httpx.AsyncClient(base_url=stripe_mock_url, headers=headers) as client:
        yield client


def test_every_method_of_the_port_is_asked_below() -> None:
    asks = {name for name, _ in inspect.getmembers(PaymentGateway, inspect.iscoroutinefunction)}
    assert asks - {"aclose"} == set(CALLS)


@pytest.mark.parametrize("name", CALLS)
async def test_stripes_description_of_its_api_knows_what_is_asked(gateway: StripeGateway, name: str) -> None:
    await CALLS[name](gateway)


@pytest.mark.parametrize("business_type", BUSINESS_TYPES)
async def test_it_knows_each_kind_of_business(gateway: StripeGateway, business_type: str) -> None:
    assert await gateway.create_account(ID, "olga@example.com", "GR", business_type, "a-key")


async def test_what_it_does_not_know_is_refused(gateway: StripeGateway) -> None:
    with pytest.raises(RefusedError, match="business_type"):
        await gateway.create_account(ID, "olga@example.com", "GR", "circus", "a-key")


@pytest.mark.parametrize(
    "form", [{"amount": "770"}, {"amount": "much", "currency": "eur"}, {"amount": "770", "currency": "eur", "tip": "1"}]
)
async def test_a_form_that_lacks_something_or_says_too_much_is_refused(
    mock: httpx.AsyncClient, form: dict[str, str]
) -> None:
    assert (await mock.post("/v1/payment_intents", data={"amount": "770", "currency": "eur"})).status_code == 200
    assert (await mock.post("/v1/payment_intents", data=form)).status_code == 400


async def test_another_version_of_the_api_is_refused(mock: httpx.AsyncClient) -> None:
    assert (await mock.get("/v1/payment_intents/pi_1")).status_code == 200
    answer = await mock.get("/v1/payment_intents/pi_1", headers={"Stripe-Version": "2019-12-03"})
    assert answer.status_code == 400


ACCOUNT = {"type": "express", "email": "olga@example.com", "country": "GR"}
TRANSFER = {"amount": "700", "currency": "eur", "destination": "acct_1", "transfer_group": "x"}


def asked(form: Mapping[str, str]) -> Asked:
    return Asked("POST", "", {"source_transaction": "ch_1", **form}, b"", {})


@pytest.fixture
def books() -> Books:
    """With one of each."""
    books = Books()
    books.open_account(asked(ACCOUNT))["capabilities"]["transfers"] = "active"
    transfer = books.transfer(asked(TRANSFER), {"id": "ch_1", "amount": 770})
    books.reverse(transfer["id"], asked({"amount": "350"}))
    books.open_dispute({"id": "pi_1", "amount": 770, "currency": "eur", "latest_charge": {"id": "ch_1"}})
    return books


SHAPES: Mapping[str, Callable[[Books], Shape]] = {
    "/v1/accounts/acct_1": lambda books: books.account("acct_1"),
    "/v1/transfers/tr_2": lambda books: books.transfers["tr_2"],
    "/v1/transfers": lambda books: books.transfers_of("x"),
    "/v1/transfers/tr_2/reversals": lambda books: books.reversals_of("tr_2"),
    "/v1/disputes/dp_pi_1": lambda books: books.dispute("dp_pi_1"),
    "/v1/disputes": lambda books: books.disputes_of("pi_1"),
}


@pytest.mark.parametrize("path", SHAPES)
async def test_what_the_stand_in_answers_has_the_shape_of_stripes_own(
    mock: httpx.AsyncClient, books: Books, path: str
) -> None:
    require_like(SHAPES[path](books), (await mock.get(path)).raise_for_status().json())


async def test_so_has_what_it_answers_to_an_owner_who_is_new(mock: httpx.AsyncClient, books: Books) -> None:
    form = {"account": "acct_1", "type": "account_onboarding", "refresh_url": "https://a", "return_url": "https://b"}
    require_like(books.link(asked(form)), (await mock.post("/v1/account_links", data=form)).raise_for_status().json())


def require_like(fake: Any, real: Any, where: str = "") -> None:
    """Each thing that the fake says the real one says too, and in the same words."""
    if isinstance(fake, dict):
        assert fake.keys() <= real.keys() or where.endswith("metadata"), where
        for name, value in fake.items():
            require_like(value, real.get(name), f"{where}.{name}")
    elif isinstance(fake, list) and fake and real:
        require_like(fake[0], real[0], f"{where}[0]")
    elif real is not None:
        assert type(fake) is type(real), where
