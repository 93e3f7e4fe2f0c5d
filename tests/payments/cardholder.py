"""Whoever holds a card, and Stripe's own code in their browser."""

from collections.abc import Mapping
from typing import Any

import httpx

GOOD, DECLINED, GUARDED = "4242424242424242", "4000000000000341", "4000002500003155"
"""Numbers of Stripe's test cards; the last wants 3-D Secure."""


class Cardholder:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def pay(self, intent: Mapping[str, Any], number: str = GOOD, *, expect: int = 200) -> None:
        """Type a card's number into the form that the intent, as our API has answered it, belongs to."""
        card = {"number": number, "exp_month": "12", "exp_year": "2039", "cvc": "123"}
        form = {"type": "card"} | {f"card[{name}]": value for name, value in card.items()}
        method = (await self._client.post("/v1/payment_methods", data=form)).raise_for_status().json()["id"]
        path = f"/v1/payment_intents/{intent['payment_intent_id']}"
        (await self._client.post(path, data={"payment_method": method})).raise_for_status()
        answer = await self._client.post(f"{path}/confirm")
        assert answer.status_code == expect, answer.text

    async def authenticate(self, intent: Mapping[str, Any], *, success: bool = True) -> None:
        """Show the card's bank who it is; whether it believes that."""
        form = {"client_secret": intent["client_secret"], "success": str(success).lower()}
        path = f"/v1/payment_intents/{intent['payment_intent_id']}/_authenticate"
        (await self._client.post(path, data=form)).raise_for_status()

    async def give_back(self, intent: Mapping[str, Any], amount: int) -> None:
        """Not theirs to do: somebody in Stripe's own pages does."""
        form = {"payment_intent": intent["payment_intent_id"], "amount": str(amount)}
        (await self._client.post("/v1/refunds", data=form)).raise_for_status()
