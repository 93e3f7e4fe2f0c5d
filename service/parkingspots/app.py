"""The application: every room's routes, wired once."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager

from fastapi import FastAPI
from fastapi.routing import APIRoute

from parkingspots import __version__, health, own_port
from parkingspots.accounts.routes import auth, users
from parkingspots.bookings.routes import router as bookings
from parkingspots.kit import answers, docs, memory, tracing, vitals
from parkingspots.kit.ahead import ReadAhead
from parkingspots.kit.background import background_tasks, beside
from parkingspots.kit.bodies import BodyLimit
from parkingspots.kit.cache import Cache
from parkingspots.kit.clock import SystemClock, TimeSource
from parkingspots.kit.conditional import Conditional
from parkingspots.kit.database import Database
from parkingspots.kit.heads import AnswersHead
from parkingspots.kit.limits import Limits, RateLimited
from parkingspots.kit.mail import mailer
from parkingspots.kit.openapi import describe
from parkingspots.kit.slashes import AnySlash
from parkingspots.lines import Lines
from parkingspots.payments import desk
from parkingspots.payments.gateway import PaymentGateway
from parkingspots.payments.gateways import gateway
from parkingspots.payments.paying import paying
from parkingspots.payments.routes import router as payments
from parkingspots.privacy.routes import router as privacy
from parkingspots.reads.fastpath import FastPath
from parkingspots.reads.reading import reading
from parkingspots.reads.targets import Targets
from parkingspots.reviews.routes import router as reviews
from parkingspots.settings import Settings
from parkingspots.spots.routes import router as spots
from parkingspots.staff.routes import router as staff

PREFIX = "/api/v1"
DESCRIPTION = """Find, book and rent out parking spots.

- **Amounts** are integer minor units (cents); **times** are RFC 3339 with an offset.
- **Errors** are `application/problem+json` (RFC 9457): `detail` says what to do, `errors` names the wrong fields.
- **Lists** are bare arrays. The `Link` header leads to the next page; `X-Total-Count`, where it is cheap, says how many
  rows there are.
- **Unknown** fields and parameters are ignored, as other releases may know them: check their spelling here.
- **Sending again**: a creating `POST` with an `Idempotency-Key` is carried out once in 24 hours; a repeat with the same
  body gets the first answer again, with `Idempotency-Replayed: true`, and one with another body 422.
- **Reading again**: every answer has a strong `ETag`; `If-None-Match` gives 304. `If-Match` on a `PUT` gives 412 where
  somebody has changed meanwhile what you have read.
- **Names of requests**: an `X-Request-ID` of up to 64 letters, digits and `._:+/=-` comes back in the answer and
  stands in the log; without one, or with another, an answer has a new one, unless it was at hand already.
- **Limits** answer 429 with `Retry-After`, `RateLimit` and `RateLimit-Policy`.
- **Letters** to users come in Greek where `Accept-Language` asks for it first, else in English.
"""
ROOMS = (auth, users, privacy, spots, bookings, payments, reviews, staff)


def create(
    settings: Settings,
    clock: TimeSource | None = None,
    gateway_of: Callable[[Settings], PaymentGateway | None] = gateway,
) -> FastAPI:
    """The application on the database and the cache that `settings` name; they are connected to when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(tracing.traced("parkingspots"))
            app.state.database = await stack.enter_async_context(aclosing(Database(settings)))
            app.state.probe = await stack.enter_async_context(aclosing(Database(settings, pool_size=1)))
            app.state.cache = await stack.enter_async_context(aclosing(Cache(settings)))
            health.install(app, app.state.probe, app.state.cache)
            app.state.limits = await stack.enter_async_context(aclosing(Limits(settings)))
            await stack.enter_async_context(reading(app))
            app.state.mailer = mailer(settings)
            await stack.enter_async_context(paying(app))
            await stack.enter_async_context(background_tasks(settings))
            await stack.enter_async_context(_watched(app))
            await stack.enter_async_context(own_port.metrics_served(app))
            await stack.enter_async_context(beside(memory.give_back_again_and_again()))
            yield

    app = FastAPI(
        title="ParkingSpots API",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{PREFIX}/openapi.json",
        redirect_slashes=False,
        lifespan=lifespan,
        generate_unique_id_function=_operation_id,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # it looks for providers at each request
    )
    app.state.settings, app.state.clock, app.state.gateway_of = settings, clock or SystemClock(), gateway_of
    app.state.targets = Targets(settings, app.state.clock, PREFIX)
    app.state.lines = Lines(settings, PREFIX)
    answers.install(app)
    desk.install(app)
    app.include_router(health.router)
    if settings.metrics_port is None:
        app.include_router(health.metrics)
    for room in ROOMS:
        app.include_router(room, prefix=PREFIX)  # with no router between, for which every route would be built twice
    docs.install(app)
    describe(app)
    _add_middleware(app)
    return app


def _watched(app: FastAPI) -> AbstractAsyncContextManager[None]:
    state = app.state
    return beside(vitals.look_again_and_again(state.database, state.probe, state.cache, state.follower, state.clock))


def _operation_id(route: APIRoute) -> str:
    """The endpoint's name: it stays when a path moves."""
    return route.name


def _add_middleware(app: FastAPI) -> None:
    app.add_middleware(Conditional)
    app.add_middleware(BodyLimit)
    app.add_middleware(
        AnySlash,
        declared=[PREFIX + route.path for room in ROOMS for route in room.routes if isinstance(route, APIRoute)],
    )
    app.add_middleware(FastPath, targets=app.state.targets, line_of=app.state.lines.of)
    app.add_middleware(ReadAhead)
    app.add_middleware(AnswersHead)
    app.add_middleware(RateLimited, free=[f"{PREFIX}/payments/webhook"])
