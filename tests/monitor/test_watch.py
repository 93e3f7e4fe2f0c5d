"""Targets are looked at again and again, and nothing that they do ends it."""

import socket
from typing import Any

import pytest

from monitor.conftest import MakeWatch, showing
from monitor.pages import Process
from parkingspots.dev.ports import HOST, free_port
from parkingspots.monitor import scraper as scraping
from parkingspots.monitor.targets import NoTarget, Urls
from parkingspots.monitor.watch import Watch

NAME = "pods.test"


def troubles(watch: Watch) -> list[str | None]:
    return [pod.trouble for pod in watch.pods]


async def test_a_target_that_dies_is_said_to_and_is_there_again_when_it_returns(watching: MakeWatch) -> None:
    async with showing(Process(1_000.0)) as (url, shown), showing(Process()) as (other, _):
        watch = watching(url, other)
        await watch.look()
        shown.status = 502
        await watch.look()
        assert troubles(watch) == ["it answers 502", None]
        assert watch.answering == 1
        shown.status = 404
        await watch.look()
        assert troubles(watch) == ["it answers 404, its figures may be on METRICS_PORT", None]
        shown.status, shown.process = 200, Process(1_050.0)
        shown.process.ask(times=12)
        await watch.look()
        assert troubles(watch) == [None, None]
        assert watch.pods[0].figures.requests_per_second is not None
        assert watch.pods[0].figures.requests_per_second > 0


async def test_where_nobody_listens_is_said(watching: MakeWatch) -> None:
    watch = watching(f"http://{HOST}:{free_port()}")
    await watch.look()
    assert troubles(watch) == ["nobody listens"]


async def test_one_that_is_silent_is_not_waited_for(watching: MakeWatch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scraping, "PATIENCE", 0.1)
    async with showing(Process()) as (url, shown), showing(Process()) as (other, _):
        shown.silent = True
        watch = watching(url, other)
        await watch.look()
        assert troubles(watch) == ["silent for 0.1 s", None]
        shown.silent = False


async def test_a_page_of_something_else_is_said_to_be(watching: MakeWatch) -> None:
    async with showing(Process()) as (url, shown):
        shown.process.page = lambda: "up 1\n"  # type: ignore[method-assign]
        watch = watching(url)
        await watch.look()
        assert troubles(watch) == ["there are no figures of ParkingSpots"]


@pytest.mark.parametrize(
    "line",
    [
        'parkingspots_build_info{version="1", =thon="3"} 1.0',
        'parkingspots_build_info{version="1} 1.0',
        f"parkingspots_build_info 1{'0' * 400}",
        "parkingspots_build_info one",
    ],
    ids=["a label without a name", "a label without an end", "a number beyond all", "no number"],
)
async def test_a_page_that_cannot_be_read_is_said_to_be(watching: MakeWatch, line: str) -> None:
    async with showing(Process()) as (url, shown), showing(Process()) as (other, _):
        shown.process.page = lambda: f"{line}\n"  # type: ignore[method-assign]
        watch = watching(url, other)
        await watch.look()
        assert troubles(watch) == ["its page cannot be read", None]


@pytest.fixture
def addresses(monkeypatch: pytest.MonkeyPatch) -> list[tuple[socket.AddressFamily, str]]:
    """What NAME resolves to, for a test to fill; nothing: it does not."""
    listed: list[tuple[socket.AddressFamily, str]] = []
    own = socket.getaddrinfo

    def look_up(host: Any, *rest: Any, **more: Any) -> Any:
        if host not in {NAME, NAME.encode()}:
            return own(host, *rest, **more)
        if not listed:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(family, socket.SOCK_STREAM, 6, "", (address, rest[0])) for family, address in listed]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return listed


async def test_a_name_with_several_addresses_is_a_pod_an_address(
    watching: MakeWatch, addresses: list[tuple[socket.AddressFamily, str]]
) -> None:
    async with showing(Process()) as (url, shown):
        port = url.rpartition(":")[2]
        addresses += [(socket.AF_INET, "127.0.0.2"), (socket.AF_INET, HOST)]
        watch = watching(f"{NAME}:{port}")
        await watch.look()
        assert [pod.name for pod in watch.pods] == [f"{HOST}:{port}", f"127.0.0.2:{port}"]
        assert troubles(watch) == [None, "nobody listens"]
        assert shown.hosts == [f"{NAME}:{port}"]
        addresses.pop(0)
        await watch.look()
        assert [pod.name for pod in watch.pods] == [f"{NAME}:{port}"]


async def test_a_pod_with_addresses_of_both_families_is_one(addresses: list[tuple[socket.AddressFamily, str]]) -> None:
    addresses += [
        (socket.AF_INET6, "fd00::11"),
        (socket.AF_INET, "10.0.0.11"),
        (socket.AF_INET6, "fd00::12"),
        (socket.AF_INET, "10.0.0.12"),
    ]
    assert [target.name for target in await Urls([NAME]).targets()] == ["10.0.0.11", "10.0.0.12"]


async def test_a_name_that_is_lost_keeps_its_addresses(addresses: list[tuple[socket.AddressFamily, str]]) -> None:
    urls = Urls([f"http://{NAME}:9090/metrics"])
    assert [target.trouble for target in await urls.targets()] == ["its name has no address"]
    addresses += [(socket.AF_INET6, "fd00::11"), (socket.AF_INET6, "fd00::12")]
    found = await urls.targets()
    assert [target.url for target in found] == [f"http://[fd00::{number}]:9090/metrics" for number in (11, 12)]
    addresses.clear()
    assert await urls.targets() == found


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("127.0.0.1:8000", "http://127.0.0.1:8000/metrics"),
        ("https://127.0.0.1/", "https://127.0.0.1/metrics"),
        ("http://127.0.0.1:8000/inside/metrics", "http://127.0.0.1:8000/inside/metrics"),
        ("[::1]:8000", "http://[::1]:8000/metrics"),
    ],
)
async def test_a_url_may_be_short(text: str, url: str) -> None:
    assert [target.url for target in await Urls([text, url]).targets()] == [url]


@pytest.mark.parametrize("text", ["ftp://127.0.0.1", "http://", "a b:x"])
def test_what_is_no_url_is_refused(text: str) -> None:
    with pytest.raises(NoTarget, match="is no URL"):
        Urls([text])
