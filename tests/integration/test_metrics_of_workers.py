"""What several workers tell Prometheus, whichever of them is asked, and what is left of those that have ended."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx

from e2e.test_journey import served
from figures import told
from parkingspots.dev import processes
from parkingspots.kit.exposition import bury
from parkingspots.settings import Settings
from product import PATIENCE

COUNTS = """
from pathlib import Path
from prometheus_client import Counter, Gauge, Histogram

Counter("seen", "", ("of",)).labels("one").inc(3)
Histogram("took", "", buckets=(1, 2)).observe(1.5)
Gauge("busy", "", multiprocess_mode="livesum").set(1)
from os import getpid
print(getpid())
"""
TELLS = "from parkingspots.kit.exposition import exposition; print(exposition().decode())"
REQUESTS = "parkingspots_http_requests_total"


def _run(program: str, folder: Path) -> str:
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True
    ).stdout


def test_what_the_dead_have_counted_goes_on_counting_in_one_file_of_each_kind(tmp_path: Path) -> None:
    dead = [int(_run(COUNTS, tmp_path)) for _ in range(3)]
    before = told(_run(TELLS, tmp_path))
    for process in dead:
        bury(tmp_path, process)
        bury(tmp_path, process)  # again: nothing is counted twice
    after = told(_run(TELLS, tmp_path))
    for name, labels in (("seen_total", {"of": "one"}), ("took_bucket", {"le": "2.0"}), ("took_sum", {})):
        assert after.value(name, **labels) == before.value(name, **labels) > 0
    assert (before.value("busy"), after.value("busy")) == (3, 0)
    assert {path.name for path in tmp_path.glob("*.db")} == {"counter_0.db", "histogram_0.db"}


def test_any_worker_tells_of_them_all_and_a_killed_one_takes_nothing_with_it(
    settings: Settings, tmp_path: Path
) -> None:
    folders = tmp_path / "folders"
    folders.mkdir()
    with served(settings, tmp_path / "log", "--workers", "2", TMPDIR=str(folders)) as (url, master):
        (folder,) = folders.iterdir()
        for _ in range(40):
            assert httpx.get(f"{url}/livez").status_code == 200
        assert processes.until(lambda: _livez(url) == 40, PATIENCE)  # each writes down once a second what it counted
        assert {_livez(url) for _ in range(10)} == {40}
        os.kill(_workers(master.pid)[0], signal.SIGKILL)
        assert processes.until((folder / "counter_0.db").exists, PATIENCE)
        assert processes.until(lambda: len(_workers(master.pid)) == 2, PATIENCE)
        assert _livez(url) == 40
    assert not list(folders.iterdir())


def _livez(url: str) -> float:
    return told(httpx.get(f"{url}/metrics").text).value(REQUESTS, route="/livez")


def _workers(master: int) -> list[int]:
    children = Path(f"/proc/{master}/task/{master}/children").read_text()
    return [int(child) for child in children.split()]
