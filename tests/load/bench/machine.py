"""Two cores: one for the server under test, the other for everything else."""

import os
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep

from parkingspots.dev.failure import Failure

FILES = 6_000
"""Open files that 2,500 connections take, with room to spare."""


@dataclass(frozen=True)
class Cores:
    server: int
    client: int

    @property
    def on_server(self) -> tuple[str, ...]:
        """What to put before a command so that it runs on the server's core."""
        return ("taskset", "-c", str(self.server))

    def step_aside(self) -> None:
        """This process, and whatever it starts from now on, leaves the server's core."""
        os.sched_setaffinity(0, {self.client})


@dataclass
class Shares:
    """What parts of the two cores were used; filled in when the block ends."""

    server: float = 0.0
    client: float = 0.0
    children: float = 0.0
    """By the programs that were started and ended in the block."""


def the_cores() -> Cores:
    """Two that this process may use. Raises Failure where the bench cannot run."""
    for program in ("wrk", "taskset"):
        if shutil.which(program) is None:
            raise Failure(f"{program} is not installed: try `apt-get install wrk util-linux`.")
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise Failure("The bench needs two cores: one for the server, one for the load.")
    return Cores(*usable[:2])


def allow_many_files() -> bool:
    """Raise the limit of open files; whether it is enough for all connections."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard >= FILES or hard == resource.RLIM_INFINITY


@contextmanager
def shares(cores: Cores) -> Iterator[Shares]:
    """What is used of both cores while the block runs, whoever uses it."""
    found = Shares()
    before, began, children = _ticks(), perf_counter(), _children()
    yield found
    after, seconds = _ticks(), perf_counter() - began
    found.server, found.client = (_busy(before[core], after[core]) for core in (cores.server, cores.client))
    found.children = (_children() - children) / seconds


def busyness(cores: Cores) -> float:
    """What part of both is used by others, over a second."""
    with shares(cores) as used:
        sleep(1)
    return (used.server + used.client) / 2


def resident(pid: int) -> float:
    """MB of memory that the process holds."""
    status = Path(f"/proc/{pid}/status").read_text()
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return int(kilobytes) / 1024


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _ticks() -> dict[int, tuple[int, int]]:
    """Of each core the ticks idle and in all."""
    found = {}
    for line in Path("/proc/stat").read_text().splitlines():
        name, *numbers = line.split()
        if name.startswith("cpu") and name != "cpu":
            ticks = [int(number) for number in numbers[:8]]  # what guests had is in the others already
            found[int(name[3:])] = (ticks[3] + ticks[4], sum(ticks))
    return found


def _busy(before: tuple[int, int], after: tuple[int, int]) -> float:
    idle, total = after[0] - before[0], after[1] - before[1]
    return 1 - idle / total if total else 0.0
