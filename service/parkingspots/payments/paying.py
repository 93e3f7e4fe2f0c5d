"""Handling money while the application runs."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from fastapi import FastAPI

from parkingspots.kit.background import beside
from parkingspots.kit.errands import Errand
from parkingspots.payments import watching, work
from parkingspots.payments.till import Till


@asynccontextmanager
async def paying(app: FastAPI) -> AsyncIterator[None]:
    """Sets the state's `till` and `errand`; None where payments are skipped."""
    state = app.state
    gateway = state.gateway_of(state.settings)
    state.till = state.errand = None
    if gateway is None:
        yield
        return
    async with aclosing(gateway):
        state.till = Till(state.database, gateway, state.settings, state.mailer)
        async with (
            beside(watching.look_again_and_again(state.database)),
            aclosing(Errand(lambda: work.run(state.till, state.clock.now()))) as errand,
        ):
            state.errand = errand
            yield
