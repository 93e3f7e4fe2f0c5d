"""A stand-in for Stripe: a fake, as far as localstripe falls short, and localstripe for all else.

Stripe itself is not asked in tests. localstripe takes cards, but it knows nothing of what is in `books.py`, gives back
more than was paid, and does a thing again for the same idempotency key. What is done here instead follows Stripe's
documentation.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from itertools import count
from time import time
from typing import Any

import httpx
import stripe
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from payments.asked import Asked, Refusal, Shape
from payments.books import Books
from payments.listening import listening
from product import until

KEY = "sk_test_of_the_tests"


class StandIn:
    """`trouble` is the answer to everything, while there is one; `is_slow` keeps answers back, not what they tell."""

    def __init__(self, localstripe: str) -> None:
        self.url = ""
        self.books = Books()
        self.asked: list[str] = []
        self.trouble: Response | None = None
        self.is_slow = False
        self.webhook: tuple[str, str] | None = None
        headers = {"Authorization": f"Bearer {KEY}"}
        self._localstripe = httpx.AsyncClient(base_url=localstripe, headers=headers, timeout=30)
        self._answers: dict[str, tuple[str, bytes, Response]] = {}
        self._busy: set[str] = set()
        self._one_at_a_time = asyncio.Lock()
        self._events = count(1)

    async def aclose(self) -> None:
        await self._localstripe.aclose()

    # What owners, banks and time do.

    async def activate(self, account_id: str) -> None:
        """The owner has answered all of Stripe's questions."""
        account = self.books.account(account_id)
        account["details_submitted"] = account["charges_enabled"] = account["payouts_enabled"] = True
        account["capabilities"]["transfers"] = "active"
        await self._tell("account.updated", account)

    async def dispute(self, intent_id: str) -> Shape:
        """The cardholder complains to the bank."""
        dispute = self.books.open_dispute(await self.intent(intent_id))
        await self._tell("charge.dispute.created", dispute)
        return dispute

    async def decide(self, dispute: Shape, status: str) -> None:
        """The bank has decided: "won" is for the platform, "lost" for the cardholder."""
        dispute["status"] = status
        await self._tell("charge.dispute.closed", dispute)

    def forget_keys(self) -> None:
        """A day goes by."""
        self._answers.clear()

    def be_well(self) -> None:
        self.trouble, self.is_slow = None, False

    # What can be seen from outside.

    async def intent(self, intent_id: str) -> Shape:
        return await self._read(f"/v1/payment_intents/{intent_id}")

    async def intents_of(self, booking_id: str) -> list[Shape]:
        found = await self._read("/v1/payment_intents?limit=1000")
        return [each for each in found["data"] if each["metadata"].get("booking_id") == booking_id]

    async def given_back(self, intent_id: str) -> list[int]:
        """The amount of each refund."""
        found = await self._read(f"/v1/refunds?payment_intent={intent_id}&limit=100")
        return [refund["amount"] for refund in found["data"]]

    async def tell(self, url: str, secret: str) -> None:
        """Let localstripe, and this, send events there from now on."""
        self.webhook = url, secret
        await self._hook({"url": url, "secret": secret})

    async def tell_nobody(self) -> None:
        self.webhook = None
        await self._hook({"url": self.url, "secret": "none", "events": []})

    async def _hook(self, hook: Shape) -> None:
        (await self._localstripe.post("/_config/webhooks/product", json=hook)).raise_for_status()

    async def _read(self, target: str) -> Shape:
        found: Shape = (await self._localstripe.get(target)).raise_for_status().json()
        return found

    async def _tell(self, kind: str, subject: Shape) -> None:
        if self.webhook is None:
            return
        (url, secret), data = self.webhook, {"object": subject}
        event = {"id": f"evt_{next(self._events)}", "object": "event", "type": kind, "created": int(time())}
        body = json.dumps(event | {"data": data})
        signature = stripe.WebhookSignature.generate_signature_header(body, secret)
        async with httpx.AsyncClient(verify=False) as client:  # no certificates are read for a test's own address
            headers = {"Stripe-Signature": signature, "Content-Type": "application/json"}
            (await client.post(url, content=body, headers=headers)).raise_for_status()

    # The API.

    async def answer(self, request: Request) -> Response:
        asked = await Asked.by(request)
        self.asked.append(f"{asked.method} {asked.target}")
        if self.trouble is not None:
            return self.trouble
        try:
            answer = await self._once(asked)
        except Refusal as refusal:
            answer = refusal.answer
        if self.is_slow:
            await until(self._is_fast_again)
        return answer

    async def _is_fast_again(self) -> bool:
        return not self.is_slow

    async def _once(self, asked: Asked) -> Response:
        """What the same key was answered before, if anything."""
        key = asked.headers.get("idempotency-key")
        if asked.method != "POST" or key is None:
            return await self._done(asked)
        if key in self._busy:
            raise Refusal("Another request uses this key.", "idempotency_key_in_use", 409, "idempotency_error")
        if key not in self._answers:
            self._busy.add(key)
            try:
                self._answers[key] = asked.target, asked.body, await self._done(asked)
            finally:
                self._busy.remove(key)
        target, body, answer = self._answers[key]
        if (target, body) != (asked.target, asked.body):
            raise Refusal("This key came with another request.", "idempotency_error", 400, "idempotency_error")
        return answer

    async def _done(self, asked: Asked) -> Response:
        try:
            said = await self._of_books(asked)
        except Refusal as refusal:
            return refusal.answer
        return await self._passed_on(asked) if said is None else JSONResponse(said)

    async def _of_books(self, asked: Asked) -> Any:  # noqa: C901, PLR0911 - a table
        """None where localstripe is to answer."""
        books = self.books
        async with self._one_at_a_time:
            match asked.method, asked.target.partition("?")[0].removeprefix("/v1/").split("/"):
                case "POST", ["accounts"]:
                    return books.open_account(asked)
                case "GET", ["accounts", name]:
                    return books.account(name)
                case "POST", ["account_links"]:
                    return books.link(asked)
                case "POST", ["transfers"]:
                    return books.transfer(asked, await self._read(f"/v1/charges/{asked.said['source_transaction']}"))
                case "GET", ["transfers"]:
                    return books.transfers_of(asked.said["transfer_group"])
                case "POST", ["transfers", name, "reversals"]:
                    return books.reverse(name, asked)
                case "GET", ["transfers", name, "reversals"]:
                    return books.reversals_of(name)
                case "GET", ["disputes", name]:
                    return books.dispute(name)
                case "GET", ["disputes"]:
                    return books.disputes_of(asked.said["payment_intent"])
                case "POST", ["refunds"]:
                    return await self._refund(asked)
        return None

    async def _refund(self, asked: Asked) -> Shape:
        charge = (await self.intent(asked.said["payment_intent"]))["latest_charge"]
        if charge is None or asked.amount > charge["amount"] - charge["amount_refunded"]:
            raise Refusal("The refund is greater than what is left of the charge.", "charge_already_refunded")
        refund: Shape = json.loads(bytes((await self._passed_on(asked)).body))
        return refund

    async def _passed_on(self, asked: Asked) -> Response:
        headers = {name: value for name, value in asked.headers.items() if name in {"authorization", "content-type"}}
        answer = await self._localstripe.request(asked.method, asked.target, content=asked.body, headers=headers)
        return Response(answer.content, answer.status_code, media_type=answer.headers["content-type"])


@asynccontextmanager
async def standing_in(localstripe: str) -> AsyncIterator[StandIn]:
    """A stand-in that answers at its `url`."""
    async with aclosing(StandIn(localstripe)) as stand_in:
        app = Starlette(routes=[Route("/{path:path}", stand_in.answer, methods=["GET", "POST", "DELETE"])])
        async with listening(app) as stand_in.url:
            yield stand_in
