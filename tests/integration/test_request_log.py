"""The line that a request may leave in the log."""

import json
from io import StringIO

import pytest

from parkingspots.kit import logs
from parkingspots.kit.request_log import RequestLog
from parkingspots.settings import Environment, Settings
from product import Clock, running

TOLD = ("one", "GET", "/api/v1/parking-spots/{spot_id}", 200, 512, 0.0123)


@pytest.fixture
def production(settings: Settings) -> Settings:
    return settings.model_copy(update={"environment": Environment.EVALUATION})


def lines(settings: Settings, *requests: tuple[str | None, str, str, int, int, float]) -> list[dict[str, object]]:
    """What is told of those requests."""
    stream = StringIO()
    logs.configure(settings, stream)
    log = RequestLog(settings)
    for request in requests:
        log.tell(*request)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_says_which_route_how_long_and_what_came_of_it(production: Settings) -> None:
    (line,) = lines(production.model_copy(update={"request_log_share": 1.0}), TOLD)
    assert line.pop("timestamp")
    assert line == {
        "event": "request",
        "logger": "parkingspots.requests",
        "level": "info",
        "request_id": "one",
        "method": "GET",
        "route": "/api/v1/parking-spots/{spot_id}",
        "status": 200,
        "bytes": 512,
        "milliseconds": 12.3,
    }


def test_requests_that_failed_or_were_slow_are_told_whatever_the_share(production: Settings) -> None:
    none = production.model_copy(update={"request_log_share": 0.0})
    failed, slow = ("two", "GET", "/", 503, 1, 0.001), ("three", "GET", "/", 200, 1, 1.5)
    told = lines(none, TOLD, failed, slow)
    assert [(line["request_id"], line["level"]) for line in told] == [("two", "warning"), ("three", "warning")]


def test_a_share_of_the_others_is_told(production: Settings) -> None:
    told = lines(production.model_copy(update={"request_log_share": 0.5}), *[TOLD] * 400)
    assert 100 < len(told) < 300


async def test_nothing_that_a_client_wrote_is_in_the_line(
    production: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, secret = StringIO(), "maria@example.com"
    monkeypatch.setattr("sys.stdout", stream)
    every = production.model_copy(update={"request_log_share": 1.0})
    logs.configure(every)
    async with running(every, clock) as api:
        await api.client.get(f"/api/v1/{secret}?q={secret}", headers={"X-Request-ID": f"a {secret}", "Cookie": secret})
        await api.client.post("/api/v1/auth/login", json={"email": secret, "password": secret})
    assert stream.getvalue().count('"event": "request"') == 2
    assert secret not in stream.getvalue()


def test_a_request_without_an_id_has_none_in_its_line(production: Settings) -> None:
    (line,) = lines(production.model_copy(update={"request_log_share": 1.0}), (None, *TOLD[1:]))
    assert "request_id" not in line
