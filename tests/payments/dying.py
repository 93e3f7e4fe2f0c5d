"""The product, whose process is killed at its first call of one of the gateway's methods.

`DIES="before refund"`: before Stripe hears of it. `DIES="after refund"`: Stripe has done it, and nobody else knows.
`uvicorn --factory payments.dying:application` serves so; `python -m payments.dying run` is the minute job so.
"""

import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any, cast
from unittest.mock import patch

from fastapi import FastAPI

from parkingspots.app import create
from parkingspots.payments import command
from parkingspots.payments.gateway import PaymentGateway
from parkingspots.payments.gateways import gateway
from parkingspots.settings import Settings, load
from parkingspots_lifecycle import cli


class Dying:
    """A gateway; all but one of its methods are another's."""

    def __init__(self, used: PaymentGateway, moment: str, deadly: str) -> None:
        self._used, self._moment, self._deadly = used, moment, deadly

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._used, name)
        return self._killing(method) if name == self._deadly else method

    def _killing(self, method: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
        async def call(*args: object) -> None:
            if self._moment == "after":
                await method(*args)
            os.kill(os.getpid(), signal.SIGKILL)

        return call


def dying_gateway(settings: Settings) -> PaymentGateway | None:
    used = gateway(settings)
    assert used is not None
    return cast("PaymentGateway", Dying(used, *os.environ["DIES"].split()))


def application() -> FastAPI:
    return create(load(), gateway_of=dying_gateway)


if __name__ == "__main__":
    with patch.object(command, "gateway", dying_gateway):
        cli.main()
