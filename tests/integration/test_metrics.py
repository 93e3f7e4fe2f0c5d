"""What the product tells Prometheus of its requests, its database, its bookings and its accounts."""

import asyncio
import string
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from prometheus_client import Counter, Gauge
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.routing import Mount, Route
from structlog.testing import capture_logs

from figures import Told, asked
from parkingspots.bookings.counts import EXPIRED
from parkingspots.kit import vitals
from parkingspots.kit.cache import Cache
from parkingspots.kit.counting import counted
from parkingspots.kit.database import Database
from parkingspots.kit.database_counts import DRIVER, IN_USE, SESSION, TIMEOUTS, UP
from parkingspots.settings import Settings
from product import Api, Clock, Person, running, until

REQUESTS, DURATION = "parkingspots_http_requests_total", "parkingspots_http_request_duration_seconds_count"
SPOT, SEARCH = "/api/v1/parking-spots/{spot_id}", "/api/v1/parking-spots/search"
Grown = Callable[..., float]


@asynccontextmanager
async def growing(api: Api) -> AsyncIterator[Grown]:
    """How much a counter grows in the block, to be asked after it."""
    before, after = await asked(api.client), list[Told]()
    yield lambda name, **labels: after[0].value(name, **labels) - before.value(name, **labels)
    after.append(await asked(api.client))


async def test_a_request_counts_by_its_route_and_its_status_and_not_by_its_path(api: Api, spot: str) -> None:
    async with growing(api) as grown:
        await api.get(f"/parking-spots/{spot}")
        await api.get(f"/parking-spots/{spot}/")
        await api.get("/parking-spots/0198c0de-7a10-7000-8000-000000000001", expect=404)
    assert grown(REQUESTS, method="GET", route=SPOT, status="200") == 2
    assert grown(REQUESTS, method="GET", route=SPOT, status="404") == 1
    assert grown(DURATION, method="GET", route=SPOT) == 3
    assert grown("parkingspots_http_response_size_bytes_count", route=SPOT) == 3


async def test_an_answer_that_is_kept_counts_as_the_route_would(keeping_api: Api, keeping: Settings) -> None:
    del keeping
    async with growing(keeping_api) as grown:
        for _ in range(4):
            assert (await keeping_api.client.get(f"{SEARCH}?city=Nowhere")).status_code == 200
    assert grown(REQUESTS, method="GET", route=SEARCH, status="200") == 4
    assert grown(DURATION, method="GET", route=SEARCH) == 4
    missed, hit = [grown("parkingspots_reads_total", route="search_spots", outcome=name) for name in ("miss", "hit")]
    assert missed >= 1  # more on a machine on which nobody hears of changes for a second
    assert grown("parkingspots_reads_total", route="search_spots") == 4 >= missed + hit


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("HEAD", f"{SEARCH}?city=Nowhere", SEARCH, "200"),
        ("PATCH", SEARCH, SEARCH, "405"),
        ("BREW", SEARCH, SEARCH, "405"),
        ("GET", "/nowhere", "unmatched", "404"),
        ("GET", "/livez", "/livez", "200"),
    ],
)
async def test_every_request_has_a_method_and_a_route_that_are_known(
    api: Api, method: str, path: str, route: str, status: str
) -> None:
    async with growing(api) as grown:
        await api.client.request(method, path)
    assert grown(REQUESTS, method=method if method != "BREW" else "other", route=route, status=status) == 1


PIECES = st.text(string.ascii_letters + string.digits + "-_.~%{}", min_size=1, max_size=12)
PATHS = st.lists(st.sampled_from(["api", "v1", "parking-spots", "bookings", "search", "users"]) | PIECES, max_size=6)


async def test_random_paths_and_methods_make_no_new_labels(api: Api) -> None:
    loop = asyncio.get_running_loop()

    @given(method=st.sampled_from(["GET", "POST", "PUT"]) | st.text(string.ascii_uppercase, min_size=1), path=PATHS)
    @hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    def fire(method: str, path: list[str]) -> None:
        asyncio.run_coroutine_threadsafe(api.client.request(method, "/" + "/".join(path)), loop).result()

    await asyncio.to_thread(fire)
    pages = {route.path for route in api.app.routes if isinstance(route, Route | Mount)}
    every = set(api.app.openapi()["paths"]) | pages | {"/metrics", "unmatched"} | KEPT_ROUTES
    told = await asked(api.client)
    assert told.values_of("route") <= every
    assert told.values_of("method") <= {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"}


KEPT_ROUTES = {
    "list_spots",
    "search_spots",
    "read_spot",
    "list_slots",
    "list_reviews_of_spot",
    "summarise_reviews_of_spot",
}


async def test_a_request_has_an_id_that_comes_back(api: Api) -> None:
    own = await api.client.get("/livez", headers={"X-Request-ID": "0198c0de-7a10"})
    assert own.headers["x-request-id"] == "0198c0de-7a10"
    first, second = [(await api.client.get("/livez")).headers["x-request-id"] for _ in range(2)]
    assert first != second
    odd = await api.client.get("/livez", headers={"X-Request-ID": "a b\tc" * 40})
    assert odd.headers["x-request-id"] not in {"a b\tc" * 40, first, second}


async def test_an_answer_that_is_kept_has_the_id_of_its_own_request(keeping_api: Api) -> None:
    ids = [
        (await keeping_api.client.get(f"{SEARCH}?city=Nowhere", headers={"X-Request-ID": name})).headers["x-request-id"]
        for name in ("one", "two", "three")
    ]
    assert ids == ["one", "two", "three"]


async def test_a_booking_and_what_stands_in_its_way_are_counted(api: Api, renter: Person, spot: str) -> None:
    async with growing(api) as grown:
        booking = await api.book(renter, spot, 2, 3)
        await api.book(renter, spot, 2.5, 3.5, expect=409)
        await api.post(f"/bookings/{booking['id']}/cancel", renter)
        await api.post(f"/bookings/{booking['id']}/cancel", renter, expect=409)
    assert grown("parkingspots_bookings_transitions_total", to=booking["status"]) == 1
    assert grown("parkingspots_bookings_transitions_total", to="cancelled") == 1
    assert grown("parkingspots_bookings_conflicts_total", found="lookup") == 1


@pytest.mark.parametrize("path", ["/auth/login", "/payments/webhook"])
@pytest.mark.parametrize("sent", [b"", b"{"])
async def test_a_request_that_is_cut_off_is_no_error_of_the_servers(paid_api: Api, path: str, sent: bytes) -> None:
    """Anybody could make alerts of them."""
    received = [{"type": "http.request", "body": sent, "more_body": True}, {"type": "http.disconnect"}]
    answered: list[Any] = []

    async def receive() -> Any:
        return received.pop(0)

    async def send(message: Any) -> None:
        answered.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": f"/api/v1{path}",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json"), (b"content-length", b"50")],
        "client": ("127.0.0.1", 1),
    }
    with capture_logs() as told:
        await paid_api.app(scope, receive, send)
    assert [message["status"] for message in answered if "status" in message] == [400]
    assert told == []


async def test_attempts_to_sign_in_are_counted_by_what_came_of_them(api: Api) -> None:
    async with growing(api) as grown:
        await api.person("maria")
        await api.post("/auth/login", email="maria@example.com", password="wrong horse", expect=401)
    assert grown("parkingspots_registrations_total") == 1
    assert grown("parkingspots_logins_total", outcome="succeeded") == 1
    assert grown("parkingspots_logins_total", outcome="failed") == 1


async def test_what_is_refused_for_its_number_is_counted_by_the_limit(settings: Settings, clock: Clock) -> None:
    few = settings.model_copy(update={"rate_limits_enabled": True, "rate_limit_requests": "2 per minute"})
    async with running(few, clock) as api:
        await api.app.state.cache.client.flushdb()
        async with growing(api) as grown:
            statuses = [(await api.client.get("/api/v1/nowhere")).status_code for _ in range(3)]
    assert statuses == [404, 404, 429]
    assert grown("parkingspots_rate_limited_total", policy="requests") == 1


async def test_the_functions_of_repositories_are_timed_by_their_names(api: Api, owner: Person) -> None:
    async with growing(api) as grown:
        await api.get("/bookings/", owner)
    assert grown("parkingspots_database_statement_duration_seconds_count", function="bookings.listed") == 1
    assert grown("parkingspots_database_pool_wait_seconds_count", pool="session") > 0


async def test_a_pool_that_is_used_up_shows_its_use_and_who_waited_in_vain(settings: Settings) -> None:
    narrow = settings.model_copy(update={"database_pool_size": 1, "database_pool_wait_seconds": 1})
    database = Database(narrow)
    before = _by_pool(TIMEOUTS)
    async with database.reader() as held, database.raw():
        await held.execute(text("SELECT 1"))
        database.show_use()
        assert _by_pool(IN_USE) == {SESSION: 1, DRIVER: 1}
        with pytest.raises(Exception, match="QueuePool limit of size 1"):
            async with database.reader() as another:
                await another.execute(text("SELECT 1"))
        with pytest.raises(Exception, match="no connection"):
            async with database.raw():
                pass
    assert {pool: count - before[pool] for pool, count in _by_pool(TIMEOUTS).items()} == {SESSION: 1, DRIVER: 1}
    await database.aclose()


def _by_pool(figure: Counter | Gauge) -> dict[str, float]:
    return {pool: figure.labels(pool)._value.get() for pool in (SESSION, DRIVER)}


async def test_a_database_that_goes_away_is_down_and_one_that_is_there_is_up(settings: Settings, api: Api) -> None:
    nowhere = settings.model_copy(update={"database_url": SecretStr("postgresql://u:p@127.0.0.1:9/nowhere")})
    lost = Database(nowhere, pool_size=1)
    for database, expected in ((lost, 0.0), (api.app.state.probe, 1.0)):
        await vitals.ask(database, api.app.state.cache, api.clock)
        assert UP._value.get() == expected
    await lost.aclose()


async def test_what_a_transaction_counts_is_undone_with_it(database: Database) -> None:
    before = EXPIRED._value.get()
    with suppress(LookupError):
        async with database.transaction() as session:
            await _count(session)
            raise LookupError
    assert EXPIRED._value.get() == before
    async with database.transaction() as session:
        async with session.begin_nested():
            await _count(session)
        assert EXPIRED._value.get() == before
    assert EXPIRED._value.get() == before + 1


async def test_a_savepoint_that_is_undone_takes_its_own_counts_with_it_and_no_others(database: Database) -> None:
    before = EXPIRED._value.get()
    async with database.transaction() as session:
        await _count(session)
        with suppress(LookupError):
            async with session.begin_nested():
                await _count(session)
                raise LookupError
    assert EXPIRED._value.get() == before + 1


class _Broken:
    """Stands for a client whose connection breaks in a way that its driver has no name for."""

    async def is_there(self) -> bool:
        raise RuntimeError("the handler is closed")


async def test_what_a_driver_has_no_name_for_is_down_and_does_not_end_the_looking(api: Api) -> None:
    await vitals.ask(api.app.state.probe, cast("Cache", _Broken()), api.clock)
    assert (UP._value.get(), vitals.CACHE_UP._value.get()) == (1.0, 0.0)


async def _count(session: AsyncSession) -> None:
    await session.execute(text("SELECT 1"))
    counted(session, EXPIRED)


async def test_a_process_says_what_it_is_and_how_late_its_loop_is(api: Api) -> None:
    async def is_told() -> bool:
        told = await asked(api.client)
        return told.value("parkingspots_event_loop_lag_seconds_count") > 0 and told.value("parkingspots_cache_up") == 1

    await until(is_told)
    told = await asked(api.client)
    assert told.value("parkingspots_build_info") == 1
    assert told.value("parkingspots_database_up") == 1
