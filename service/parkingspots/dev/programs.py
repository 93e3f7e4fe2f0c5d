"""The programs of the workbench: started, shown in the terminal and in a log, stopped in time."""

import signal as signals
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO

from parkingspots.dev import failure, processes
from parkingspots.dev.failure import Failure
from parkingspots.dev.terminal import Terminal

LAST_WORDS = 4096  # bytes of a log that are looked at for its last line


@dataclass(frozen=True)
class Program:
    """A running program by the name that the developer knows, and where its output lies."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def require_alive(self) -> None:
        """Raise Failure with the log's last line where it ended by itself."""
        if processes.ended(self.process):
            raise failure.of_log(f"{self.name} ended by itself", last_words(self.log), self.log)


def last_words(log: Path) -> str:
    """The end of a log."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - LAST_WORDS))
        return file.read().decode(errors="replace")


@contextmanager
def running(
    name: str,
    module: Sequence[str],
    log: Path,
    environment: Mapping[str, str],
    terminal: Terminal,
    *,
    seconds: float,
    hurried: Callable[[], bool],
) -> Iterator[Program]:
    """`python -m module…` until the block is left; SIGTERM gives it `seconds` to end, none once `hurried`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"")
    process = processes.start([sys.executable, "-m", *module], output=subprocess.PIPE, environment=environment)
    reader = Thread(target=_relay, args=(process.stdout, log, name, terminal), daemon=True)
    reader.start()
    try:
        yield Program(name, process, log)
    finally:
        processes.stop(process, [(signals.SIGTERM, seconds)], hurried)
        reader.join(timeout=1)


def complete(what: str, module: Sequence[str], environment: Mapping[str, str]) -> None:
    """Run `python -m module…` to its end. Raises Failure (`what` failed, and its last line)."""
    status, output = processes.run([sys.executable, "-m", *module], environment=environment)
    if status:
        said = [line for line in output.splitlines() if line.strip()] or [f"exit code {status}"]
        if failure.NO_SPACE in output:
            raise failure.disk_full(Path.cwd())
        raise Failure(f"{what} failed: {said[-1].strip()}")


def _relay(pipe: IO[bytes], log: Path, name: str, terminal: Terminal) -> None:
    with pipe, log.open("ab", buffering=0) as file:
        for line in pipe:
            _note(file, line)
            terminal.relay(name, line.decode(errors="replace").rstrip())


def _note(file: IO[bytes], line: bytes) -> None:
    try:
        file.write(line)
    except OSError:  # a full disk costs the log's line; the terminal still shows it
        return
