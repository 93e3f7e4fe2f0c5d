"""The process says itself when it is better started anew."""

import asyncio
import socket

import aiohttp
import pytest

from kube.api import StandIn
from kube.cluster import Cluster
from kube.process import made_of, until
from parkingspots_operator.kubernetes import Kubernetes
from parkingspots_operator.serving import complaints, serving
from parkingspots_operator.watched import Watched


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def body(name: str, version: int) -> dict[str, object]:
    return {"metadata": {"uid": name, "resourceVersion": str(version)}}


class TestStreams:
    def test_one_that_tells_of_all_that_is_there_is_alive(self) -> None:
        clock = Clock()
        watched = Watched(clock)
        watched.told("ADDED", body("a", 1))
        watched.compare("jobs", [body("a", 1)])
        clock.seconds = 1000
        assert watched.silent() == []

    def test_one_that_stays_behind_is_dead(self) -> None:
        clock = Clock()
        watched = Watched(clock)
        watched.told(None, body("a", 1))
        for seconds in (0, 60, 121):
            clock.seconds = seconds
            watched.compare("jobs", [body("a", 2)])
            assert watched.silent() == (["jobs"] if seconds > 120 else [])

    def test_one_that_catches_up_is_alive_again(self) -> None:
        clock = Clock()
        watched = Watched(clock)
        watched.compare("jobs", [body("a", 2)])
        clock.seconds = 121
        watched.told("MODIFIED", body("a", 2))
        watched.compare("jobs", [body("a", 2)])
        assert watched.silent() == []

    def test_one_that_was_behind_when_the_api_server_went_away_has_its_time_when_it_is_back(self) -> None:
        clock = Clock()
        watched = Watched(clock)
        watched.compare("jobs", [body("a", 1)])
        clock.seconds = 10
        watched.interrupted()
        clock.seconds = 600
        assert watched.silent() == []
        watched.compare("jobs", [body("a", 1)])
        clock.seconds = 721
        assert watched.silent() == ["jobs"]

    def test_what_was_deleted_is_forgotten(self) -> None:
        watched = Watched()
        watched.told("ADDED", body("a", 1))
        watched.told("DELETED", body("a", 2))
        assert watched._versions == {}


async def test_a_round_that_never_ends_is_a_complaint(cluster: Cluster) -> None:
    del cluster
    async with Kubernetes("ps") as api:
        operator, clock = made_of(api), Clock()
        operator.rounds.clock, operator.rounds._last = clock, 0.0
        assert complaints(operator.rounds, operator.watched) == []
        clock.seconds = 181
        assert complaints(operator.rounds, operator.watched) == ["no round has ended for 180 s"]


async def test_an_api_server_that_is_away_is_no_complaint(cluster: Cluster) -> None:
    await cluster.api.go_away()
    async with Kubernetes("ps") as api:
        operator = made_of(api)
        await operator.look(3)
        assert complaints(operator.rounds, operator.watched) == []


@pytest.mark.parametrize("path", ["/", "/metrics"])
async def test_probes_see_nothing_else(cluster: Cluster, path: str) -> None:
    status, _ = await asked(cluster.api, path)
    assert status == 404


async def test_a_complaint_is_a_503_that_says_why(cluster: Cluster) -> None:
    await cluster.install()
    status, text = await asked(cluster.api, "/healthz", seconds=121)
    assert (status, text) == (503, '{"complaints": ["the stream of releases tells nothing"]}')


async def test_an_outage_that_begins_before_a_stream_has_told_of_all_is_no_complaint(cluster: Cluster) -> None:
    await cluster.install()
    async with Kubernetes("ps") as api:
        operator, clock = made_of(api), Clock()
        operator.watched._clock = clock
        await operator.look()
        await cluster.api.go_away()
        await operator.look()
        clock.seconds = 600
        assert complaints(operator.rounds, operator.watched) == []


async def asked(api: StandIn, path: str, seconds: float = 0) -> tuple[int, str]:
    """What the liveness port answers of an operator without streams, so long after its first look."""
    del api
    async with Kubernetes("ps") as kubernetes:
        operator, clock = made_of(kubernetes), Clock()
        operator.watched._clock = clock
        await operator.look()
        clock.seconds = seconds
        port, other = (_free() for _ in range(2))
        async with (
            serving(operator.rounds, operator.watched, operator.metrics, port, other),
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{port}{path}") as response,
        ):
            return response.status, await response.text()


def _free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


async def test_rounds_go_on_for_ever_and_begin_at_once_when_something_changes(cluster: Cluster) -> None:
    await cluster.install()
    async with Kubernetes("ps") as api:
        operator = made_of(api)
        working = asyncio.create_task(operator.rounds.run())
        await until(lambda: cluster.phase() == "Migrating")
        await cluster.finish(cluster.unfinished()[0])
        operator.rounds.mark()
        await until(lambda: cluster.phase() == "RollingOut")
        working.cancel()
