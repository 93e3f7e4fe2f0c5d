"""What Prometheus is told: by one process of itself, or by any of several workers of all of them together."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, disable_created_metrics, generate_latest
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from parkingspots.kit import tally

disable_created_metrics()  # type: ignore[no-untyped-call]  # a line more for each, which nobody asks for
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Where workers keep what they count; prometheus-client looks for it as it is imported."""
LOCK = "lock"
ADDED_UP = ("counter", "histogram")
THE_DEAD = 0
"""As a process's id in the name of a file: no process has it."""


def exposition(*collectors: Collector) -> bytes:
    """All figures, in Prometheus' text format. `collectors` are those that look elsewhere than in this process."""
    tally.write_down()
    folder = os.environ.get(FOLDER)
    if folder is None:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    with _locked(Path(folder), fcntl.LOCK_SH):
        MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


def bury(folder: Path, process: int) -> None:
    """Add up what a worker that has ended and those before it counted: their files would pile up."""
    with _locked(folder, fcntl.LOCK_EX):
        mark_process_dead(process, str(folder))  # type: ignore[no-untyped-call]
        for kind in ADDED_UP:
            _add(folder / f"{kind}_{process}.db", folder / f"{kind}_{THE_DEAD}.db")


def _add(file: Path, total_file: Path) -> None:
    if not file.exists():
        return
    total = MmapedDict(str(total_file))  # type: ignore[no-untyped-call]
    for key, value, _, _ in MmapedDict.read_all_values_from_file(str(file)):  # type: ignore[no-untyped-call]
        total.write_value(key, total.read_value(key)[0] + value, 0.0)  # type: ignore[no-untyped-call]
    total.close()  # type: ignore[no-untyped-call]
    file.unlink()


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    """Nobody reads while files of the dead are added up, who would see them twice or not at all."""
    with (folder / LOCK).open("a") as file:
        fcntl.flock(file, how)
        yield
