"""Owners' accounts at Stripe: one for each, however it is opened, and needed before an owner leaves."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from conftest import SetClock
from memory_gateway import MemoryGateway
from minutes import let_time_pass
from paying import opened_account
from paying_out import ACCOUNT, DUE, payment_for_three_hours
from product import Api, Person

payment = pytest.fixture(payment_for_three_hours)


async def test_an_owner_has_one_account_however_often_they_ask(
    paid_api: Api, money: MemoryGateway, owner: Person, renter: Person, spot: str
) -> None:
    del spot
    answers = [await paid_api.post("/payments/connect/create-account", owner, **ACCOUNT) for _ in range(2)]
    assert answers[0]["account_id"] == answers[1]["account_id"]
    assert len(money.accounts) == 1
    await paid_api.post("/payments/connect/create-account", renter, expect=409, **ACCOUNT)


async def test_a_country_that_was_mistyped_is_corrected_by_asking_again(
    paid_api: Api, money: MemoryGateway, session: AsyncSession, owner: Person, spot: str
) -> None:
    del spot
    money.refuses_accounts = True
    await paid_api.post("/payments/connect/create-account", owner, expect=409, **ACCOUNT | {"country": "XX"})
    money.refuses_accounts = False
    await paid_api.post("/payments/connect/create-account", owner, **ACCOUNT)
    assert await session.scalar(text("SELECT country FROM connected_accounts")) == "GR"


async def test_who_is_owed_money_that_can_go_nowhere_does_not_leave(
    paid_api: Api, money: MemoryGateway, session: AsyncSession, clock: SetClock, owner: Person, payment: Any
) -> None:
    del payment
    await let_time_pass(paid_api, session, clock, DUE)
    owner = await paid_api.sign_in(owner.id, owner.email)
    refused = await paid_api.delete("/users/me", owner, expect=409)
    assert "Open your account for payouts" in refused["detail"]
    await opened_account(paid_api, money, owner)
    await paid_api.delete("/users/me", owner)
    assert money.paid_out() == 700


async def test_two_who_open_the_account_at_once_have_one(
    paid_api: Api, money: MemoryGateway, monkeypatch: pytest.MonkeyPatch, owner: Person, spot: str
) -> None:
    del spot
    create_account, path = money.create_account, "/payments/connect/create-account"

    answers = []

    async def meanwhile(*asked: Any) -> str:
        monkeypatch.setattr(money, "create_account", create_account)
        answers.append(await paid_api.post(path, owner, **ACCOUNT | {"country": "CY"}))
        return await create_account(*asked)

    monkeypatch.setattr(money, "create_account", meanwhile)
    answers.append(await paid_api.post(path, owner, **ACCOUNT))
    assert answers[0]["account_id"] == answers[1]["account_id"]
