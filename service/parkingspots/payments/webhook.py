"""The door at which Stripe knocks: nothing passes whose signature does not fit."""

from typing import Annotated

from fastapi import Depends, Request

from parkingspots.kit.dependencies import CurrentSettings
from parkingspots.payments.problems import BadSignature, NoWebhook

HEADER = "stripe-signature"
TOLERANCE = 300
"""Seconds that a signature may be old."""


async def _verified(request: Request, settings: CurrentSettings) -> bytes:
    if not settings.webhook_secrets:
        raise NoWebhook
    body, header = await request.body(), request.headers.get(HEADER, "")
    if not any(_fits(body, header, secret) for secret in settings.webhook_secrets):
        raise BadSignature
    return body


def _fits(body: bytes, header: str, secret: str) -> bool:
    import stripe  # here: see gateways.py

    try:
        stripe.WebhookSignature.verify_header(body.decode(), header, secret, TOLERANCE)
    except (stripe.SignatureVerificationError, ValueError, TypeError):  # TypeError: a signature that is not ASCII
        return False
    return True


VerifiedBody = Annotated[bytes, Depends(_verified)]
