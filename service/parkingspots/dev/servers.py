"""Start a server on a port that nobody else takes meanwhile."""

import signal as signals
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from parkingspots.dev import failure, ports, processes

BIND_ATTEMPTS = 5
Process = subprocess.Popen[bytes]
Steps = Sequence[tuple[signals.Signals, float]]


def start(
    name: str,
    log: Path,
    launch: Callable[[int, IO[bytes]], Process],
    is_ready: Callable[[Process, int], bool],
    *,
    within: float,
    stopping: Steps,
) -> tuple[Process, int]:
    """The process that `launch(port, output)` started, once it is ready, and its port.

    It has `within` seconds; a failed one gets the `stopping` signals. Raises Failure with its last words.
    """
    for _ in range(BIND_ATTEMPTS - 1):
        try:
            return _attempt(name, log, launch, is_ready, within, stopping)
        except PortLost:
            continue
    return _attempt(name, log, launch, is_ready, within, stopping)


class PortLost(failure.Failure):
    """Another program took the port between the choice and the start."""


def _attempt(
    name: str,
    log: Path,
    launch: Callable[[int, IO[bytes]], Process],
    is_ready: Callable[[Process, int], bool],
    within: float,
    stopping: Steps,
) -> tuple[Process, int]:
    port = ports.free_port()
    with log.open("ab") as output:
        before = output.tell()
        process = launch(port, output)
    try:
        processes.until(lambda: processes.ended(process) or is_ready(process, port), within)
        if not processes.ended(process) and is_ready(process, port):
            return process, port
    except BaseException:
        processes.stop(process, stopping)
        raise
    processes.stop(process, stopping)
    said = log.read_bytes()[before:].decode(errors="replace")
    if "Address already in use" in said:
        raise PortLost(f"{name} found no free port on {ports.HOST}: try again (files: {log.parent})")
    raise failure.of_log(f"{name} did not start", said, log)
