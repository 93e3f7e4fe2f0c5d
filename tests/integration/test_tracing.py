"""Traces, as a collector is sent them over OTLP: the collector is a stand-in, the way there is the real one."""

import io
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
import structlog

from collector import Collector, Told, collector
from parkingspots.dev.ports import HOST, free_port
from parkingspots.kit import logs, tracing
from parkingspots.settings import Environment, Settings
from product import Api, Clock, running, until

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
FROM_A_CALLER = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
BOOKING = "POST /api/v1/bookings/"
pytestmark = pytest.mark.usefixtures("session")  # which leaves nothing of one test to the next
TRACED = """
import asyncio
from parkingspots.kit import tracing

async def work():
    async with tracing.traced("test"):
        print("worked")

asyncio.run(work())
"""


@pytest.fixture
def collecting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector that the environment names."""
    with collector() as there:
        for name, value in there.environment.items():
            monkeypatch.setenv(name, value)
        yield there


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged, as production logs it."""
    written = io.StringIO()
    production = Settings.model_construct(environment=Environment.PRODUCTION, log_level="info")
    before = structlog.get_config()
    logs.configure(production, written)
    yield written
    structlog.configure(**before)


@asynccontextmanager
async def keeping(settings: Settings, clock: Clock) -> AsyncIterator[Api]:
    """The application with answers kept, and limits counted in Valkey."""
    own = {"cache_search_seconds": 300, "cache_spot_seconds": 600, "rate_limits_enabled": True}
    async with running(settings.model_copy(update=own), clock) as api:
        await until(api.is_keeping)
        yield api


async def test_a_request_is_one_tree_in_its_callers_trace(
    settings: Settings, clock: Clock, collecting: Collector
) -> None:
    async with running(settings, clock) as api:
        spot = await api.list_spot(await api.person("olga"))
        renter = await api.person("rena")
        times = {"start_time": api.at(1), "end_time": api.at(3)}
        body = {"parking_spot_id": spot, **times}
        await api.request("POST", "/bookings/", renter, expect=201, json=body, headers=FROM_A_CALLER)
    booking = collecting.named(BOOKING)
    assert (booking.kind, booking.trace, booking.parent) == ("server", TRACE, CALLER)
    assert booking.attributes == {
        "http.request.method": "POST",
        "http.route": "/api/v1/bookings/",
        "http.response.status_code": 201,
        "url.path": "/api/v1/bookings/",
        "url.scheme": "http",
        "network.protocol.version": "1.1",
    }
    assert not booking.failed
    below = [span for span in collecting.spans() if span.parent == booking.id]
    assert {span.kind for span in below} == {"client"}
    assert {span.trace for span in below} == {TRACE}
    assert all(_is_within(span, booking) for span in below)
    assert collecting.below(booking) == [
        "SELECT users sessions",
        "SELECT spots bookings",
        "BEGIN",
        "SELECT users spots",
        "SELECT bookings spots",
        "INSERT bookings",
        "COMMIT",
    ]
    added = next(span for span in below if span.name == "INSERT bookings")
    assert added.attributes["db.system.name"] == "postgresql"
    assert added.attributes["db.operation.name"] == "INSERT"
    assert added.attributes["db.query.summary"] == "INSERT bookings"
    assert "db.query.text" not in added.attributes
    assert collecting.paths[0] == "/v1/traces"
    assert booking.service["service.name"] == "parkingspots"


def _is_within(span: Told, other: Told) -> bool:
    return other.lasted.start <= span.lasted.start <= span.lasted.stop <= other.lasted.stop


async def test_statements_of_sqlalchemys_are_spans_too(settings: Settings, clock: Clock, collecting: Collector) -> None:
    async with running(settings, clock) as api:
        await api.person("olga")
    registered = collecting.named("POST /api/v1/auth/register")
    names = collecting.below(registered)
    assert "INSERT users" in names
    assert names[-1] == "COMMIT"


async def test_an_answer_that_is_kept_is_a_span_of_its_route(
    settings: Settings, clock: Clock, collecting: Collector
) -> None:
    async with keeping(settings, clock) as api:
        spot = await api.list_spot(await api.person("olga"))
        for _ in range(4):
            await api.get(f"/parking-spots/{spot}")
    first, *later = [span for span in collecting.spans() if span.name == "GET /api/v1/parking-spots/{spot_id}"]
    assert len(later) == 3
    assert {"MGET reads", "SELECT spots"} <= {" ".join(name.split()[:2]) for name in collecting.below(first)}
    assert collecting.below(later[-1]) == []
    assert later[-1].attributes["http.response.status_code"] == 200


async def test_a_problem_and_the_lines_of_its_request_name_the_trace(
    settings: Settings, clock: Clock, collecting: Collector, lines: io.StringIO
) -> None:
    async with running(settings, clock) as api:

        @api.app.get("/broken")
        async def broken() -> None:
            raise RuntimeError("of maria@example.com")

        absent = await api.request("GET", "/nowhere", expect=404, headers=FROM_A_CALLER)
        with pytest.raises(RuntimeError):
            await api.client.get("/broken", headers=FROM_A_CALLER)
    assert absent.json()["trace_id"] == TRACE
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    (unexpected,) = [line for line in told if line["event"] == "unexpected error"]
    assert unexpected["trace_id"] == TRACE
    failed = collecting.named("GET /broken")
    assert failed.failed
    assert failed.id == unexpected["span_id"]
    assert failed.attributes["error.type"] == "RuntimeError"
    assert failed.attributes["http.response.status_code"] == 500
    missed = collecting.named("GET")
    assert not missed.failed
    assert "http.route" not in missed.attributes


async def test_no_span_holds_what_a_person_has_said(settings: Settings, clock: Clock, collecting: Collector) -> None:
    async with keeping(settings, clock) as api:
        olga = await api.person("olga")
        await api.list_spot(olga)
        await api.get("/parking-spots/search", latitude=37.9755, longitude=23.7348, q="Syntagma")
        await api.post("/auth/login", expect=401, email="olga@example.com", password="wrong horse")
        await api.post("/auth/register", expect=409, email="olga@example.com", password="x" * 12, full_name="O")
        await api.request("GET", "/users/olga@example.com", olga, expect=422)
    sent = b"".join(collecting.bodies)
    assert b"GET /api/v1/parking-spots/search" in sent
    for private in ("olga", "example.com", "37.97", "Syntagma", "horse", "Ermou", "127.0.0.1:", olga.access_token):
        assert private.encode() not in sent, private


async def test_what_a_process_does_by_itself_and_its_probes_are_no_traces(
    settings: Settings, clock: Clock, collecting: Collector
) -> None:
    async with keeping(settings, clock) as api:
        for path in ("/livez", "/readyz", "/health"):
            await api.client.get(path)
        await api.client.get("/")
    assert [span.name for span in collecting.spans() if not span.parent] == ["GET /"]


async def test_one_request_in_a_trace_that_nobody_samples_is_sent_nowhere(
    settings: Settings, clock: Clock, collecting: Collector
) -> None:
    async with running(settings, clock) as api:
        headers = {"traceparent": f"00-{TRACE}-{CALLER}-00"}
        answer = await api.request("GET", "/nowhere", expect=404, headers=headers)
        await api.client.get("/")
    assert answer.json()["trace_id"] == TRACE
    assert [span.name for span in collecting.spans()] == ["GET /"]


async def test_a_collector_that_is_away_costs_a_line_and_no_answer(
    settings: Settings, clock: Clock, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{HOST}:{free_port()}")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.05")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "8")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "8")

    async def is_told() -> bool:
        assert (await api.client.get("/")).status_code == 200
        return "cannot be delivered" in lines.getvalue()

    async with running(settings, clock) as api:
        await until(is_told)
        for _ in range(200):
            assert (await api.client.get("/")).status_code == 200
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [line["event"].split(":")[0] for line in told if line["level"] == "warning"] == [
        "traces cannot be delivered"
    ]
    assert not [line for line in told if line["logger"].startswith(("opentelemetry", "urllib3"))]


async def test_a_collector_that_refuses_is_told_of_once_and_so_is_its_return(
    settings: Settings,
    clock: Clock,
    collecting: Collector,
    lines: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
    collecting.status = 400

    async def told(what: str) -> bool:
        await api.client.get("/")
        return what in lines.getvalue()

    async with running(settings, clock) as api:
        await until(lambda: told("cannot be delivered"))
        collecting.status = 200
        await until(lambda: told("delivered again"))
    assert lines.getvalue().count("cannot be delivered") == 1
    assert "code: 400" in lines.getvalue()


async def test_where_the_extra_is_not_installed_one_line_says_so(
    settings: Settings,
    clock: Clock,
    collecting: Collector,
    lines: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk", None)
    async with running(settings, clock) as api:
        assert "trace_id" not in await api.get("/nowhere", expect=404)
    assert lines.getvalue().count("Nothing is traced: install parkingspots[tracing]") == 1
    assert collecting.bodies == []


@pytest.mark.usefixtures("collecting")
def test_a_limit_that_the_kit_refuses_as_it_is_imported_is_told_and_the_work_is_done() -> None:
    """In a process of its own, which imports it anew."""
    ended = subprocess.run(
        [sys.executable, "-c", TRACED],
        env=os.environ | {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "-5"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "an OTEL_ variable cannot be used" in ended.stdout
    assert ended.stdout.splitlines()[-1] == "worked"


@pytest.mark.usefixtures("collecting")
@pytest.mark.parametrize(
    "variable",
    [("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "many"), ("OTEL_BSP_MAX_QUEUE_SIZE", "-1")],
    ids=lambda variable: variable[0],
)
async def test_a_variable_that_cannot_be_used_is_told_and_requests_are_answered(
    settings: Settings,
    clock: Clock,
    lines: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    variable: tuple[str, str],
) -> None:
    monkeypatch.setenv(*variable)
    async with running(settings, clock) as api:
        assert (await api.client.get("/")).status_code == 200
    assert "an OTEL_ variable cannot be used" in lines.getvalue()


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        ("Authorization: Bearer s3cr3t-token", "OTEL_EXPORTER_OTLP_HEADERS cannot be read: write name=value"),
        ("a=b,authorization=Bearer%20s3cr3t-token%0Amore", "OTEL_EXPORTER_OTLP_HEADERS has a value of several"),
    ],
    ids=["a colon", "two lines"],
)
async def test_headers_that_cannot_be_used_are_told_and_not_shown(
    settings: Settings,
    clock: Clock,
    collecting: Collector,
    lines: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    headers: str,
    sentence: str,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", headers)
    async with running(settings, clock) as api:
        assert (await api.client.get("/")).status_code == 200
    (told,) = [line for each in lines.getvalue().splitlines() if (line := json.loads(each))["level"] == "warning"]
    assert told["event"] == "Nothing is traced: an OTEL_ variable cannot be used."
    assert told["error"].startswith(sentence)
    assert "s3cr3t" not in lines.getvalue()
    assert collecting.bodies == []


async def test_the_environment_names_the_service_and_what_it_runs_on(
    settings: Settings, clock: Clock, collecting: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "parking-athens")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "k8s.pod.name=ps-api-1,service.version=9.9.9")
    async with running(settings, clock) as api:
        await api.client.get("/")
    service = collecting.named("GET /").service
    named = (service["service.name"], service["service.version"], service["k8s.pod.name"])
    assert named == ("parking-athens", "9.9.9", "ps-api-1")


def test_nothing_is_left_when_the_last_application_has_ended() -> None:
    assert tracing.current() is None
