"""Child processes that end with this one and that the terminal's Ctrl-C does not reach."""

import os
import signal as signals
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import IO

TETHER = Path(__file__).with_name("tether.py")
POLL = 0.02  # seconds between two looks at a condition


def start(
    command: Sequence[str],
    *,
    output: IO[bytes] | int,
    death_signal: signals.Signals = signals.SIGTERM,
    environment: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    wrapper: Sequence[str] = (),
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own; it gets `death_signal` when the calling thread ends.

    `output` takes both its streams. `wrapper` is a command that runs the rest in its place (same process id).
    """
    tether = [sys.executable, "-I", "-S", str(TETHER), str(int(death_signal)), str(os.getpid())]
    process = subprocess.Popen(  # noqa: S603 - the commands are ours
        [*wrapper, *tether, *command],
        stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=True,
    )
    if process.stdin:
        with suppress(BrokenPipeError), process.stdin as pipe:
            pipe.write(stdin)
    return process


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    wrapper: Sequence[str] = (),
) -> tuple[int, str]:
    """Run `command` to its end; its exit status and all that it wrote. It does not outlive this process."""
    process = start(
        command,
        output=subprocess.PIPE,
        death_signal=signals.SIGKILL,
        environment=environment,
        stdin=stdin,
        wrapper=wrapper,
    )
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    try:
        with process.stdout as pipe:
            output = pipe.read()
        return process.wait(), output.decode(errors="replace")
    finally:
        stop(process, [])


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until `condition` holds, at most `seconds`; whether it did."""
    deadline = monotonic() + seconds
    while not condition():
        if monotonic() > deadline:
            return False
        sleep(POLL)
    return True


def ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether `process` is over."""
    return process.poll() is not None


def stop(
    process: subprocess.Popen[bytes],
    steps: Sequence[tuple[signals.Signals, float]],
    hurried: Callable[[], bool] = lambda: False,
) -> None:
    """Send each signal and give it its seconds (none once `hurried`), then kill the rest of the group."""
    try:
        for signal, seconds in steps:
            if ended(process):
                break
            process.send_signal(signal)
            until(lambda: ended(process) or hurried(), seconds)
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signals.SIGKILL)
        process.wait()
