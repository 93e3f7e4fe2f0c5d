"""A real Prometheus, in a process of its own."""

import math
import os
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from monitoring.boards import RULES
from parkingspots.dev import processes
from parkingspots.dev.ports import HOST, free_port

NONE = "prometheus is not there to watch the product: apt-get install prometheus"
PATIENCE = 60.0  # seconds
EVERY = "1s"


def program() -> str:
    """A developer may do without; nobody else."""
    found = shutil.which("prometheus")
    if found is None and os.environ.get("CI"):
        pytest.fail(NONE)
    if found is None:
        pytest.skip(NONE)
    return found


class Prometheus:
    def __init__(self, url: str) -> None:
        self.url = url

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/-/ready").status_code == 200
        except httpx.TransportError:
            return False

    async def ask(self, query: str) -> list[tuple[Mapping[str, str], float]]:
        """The series of an instant query, each with its labels and value."""
        async with httpx.AsyncClient(base_url=self.url, timeout=PATIENCE, verify=False) as client:
            answer = await client.post("/api/v1/query", data={"query": query})
        assert answer.status_code == 200, f"{query}: {answer.text}"
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return [(each["metric"], float(each["value"][1])) for each in found]

    async def knows(self, query: str) -> bool:
        """Whether it finds any figure; NaN is none."""
        return any(not math.isnan(value) for _, value in await self.ask(query))


def often(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """A file of rules that are looked at every second."""
    return {"groups": [{**group, "interval": EVERY} for group in document["groups"]]}


@contextmanager
def watching(
    folder: Path,
    jobs: Sequence[Mapping[str, Any]],
    changed: Callable[[Mapping[str, Any]], Mapping[str, Any]] = often,
) -> Iterator[Prometheus]:
    """One that scrapes every second as the jobs of `scrape_configs` say, with the chart's rules `changed`."""
    rules = folder / "rules"
    rules.mkdir()
    for path in RULES:
        document = changed(yaml.safe_load(path.read_text()))
        (rules / path.name).write_text(yaml.safe_dump(document))
    configuration = {
        "global": {"scrape_interval": EVERY, "scrape_timeout": EVERY, "evaluation_interval": EVERY},
        "rule_files": [f"{rules}/*.yaml"],
        "scrape_configs": list(jobs),
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    address = f"{HOST}:{free_port()}"
    command = [
        program(),
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address={address}",
    ]
    log = folder / "prometheus.log"
    with log.open("wb") as output:
        process = processes.start(command, output=output)
    asked = Prometheus(f"http://{address}")
    try:
        assert processes.until(lambda: asked.is_ready() or processes.ended(process), PATIENCE), log.read_text()
        assert asked.is_ready(), log.read_text()
        yield asked
    finally:
        processes.stop(process, [(signal.SIGTERM, PATIENCE)])
