"""The API server is away for half a minute, as its own upgrade takes: no restart, nothing lost, few words."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cluster.kube import Namespace, namespace, run, until
from cluster.releases import Releases, rights, seconds
from kube.api import kubeconfig

AWAY = 30.0  # seconds


class Door:
    """A way to the API server that can be shut."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        await self.open()
        try:
            yield
        finally:
            await self.shut()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._through, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await self._server.wait_closed()

    async def _through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._target)
        self._open |= {writer, back}
        with suppress(ConnectionError):
            await asyncio.gather(_pour(reader, back), _pour(there, writer))
        self._open -= {writer, back}


async def _pour(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    target.close()


@pytest.fixture
def place(_definition: None) -> Iterator[Namespace]:
    with namespace("ps-operator-away") as place:
        rights(place)
        yield place


@asynccontextmanager
async def operator(place: Namespace, folder: Path, door: Door) -> AsyncIterator[asyncio.subprocess.Process]:
    """The operator as a process of this machine, with the account's token; what it says goes to the file `said`."""
    token = place.kubectl("create", "token", "operator").strip()
    config = json.loads(kubeconfig(folder, f"https://127.0.0.1:{door.port}", token).read_text())
    config["clusters"][0]["cluster"]["insecure-skip-tls-verify"] = True
    (folder / "kubeconfig").write_text(json.dumps(config))
    ports = {"LIVENESS_PORT": "18080", "METRICS_PORT": "19090"}
    environment = os.environ | ports | {"POD_NAMESPACE": place.name, "KUBECONFIG": str(folder / "kubeconfig")}
    with (folder / "said").open("wb") as output:
        command = (sys.executable, "-m", "parkingspots_operator")
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=output, stderr=output)
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


async def test_it_waits_and_goes_on(place: Namespace, tmp_path: Path) -> None:
    server = json.loads(run("kubectl", "config", "view", "--minify", "--output", "json"))["clusters"][0]["cluster"]
    address = urlsplit(server["server"])
    door, releases = Door(str(address.hostname), address.port or 443), Releases(place, "ps")
    async with door.opened(), operator(place, tmp_path, door) as process:
        await asyncio.to_thread(releases.apply, "one", "import time; time.sleep(5)")
        await asyncio.to_thread(releases.until, "Migrating")
        await door.shut()
        began = seconds()
        await asyncio.to_thread(until, lambda: seconds() - began > AWAY, AWAY + 5, "half a minute")
        await door.open()
        await asyncio.to_thread(releases.until, "Ready", within=45)
        assert process.returncode is None
    assert len(releases.jobs("migration")) == 1
    lines = (tmp_path / "said").read_text().splitlines()
    assert not [line for line in lines if "Traceback" in line]
    assert len(lines) < 60
    assert len([line for line in lines if "cannot be used" in line]) <= 1
