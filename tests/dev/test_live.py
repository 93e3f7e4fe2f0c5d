"""The API in the image's stage `development`: it runs from a copy, and starts anew when it is told to."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from parkingspots.dev import live
from parkingspots.dev.processes import until

PATIENCE = 20.0
SERVES = """
import sys, time
print("{word}", *sys.argv[1:], flush=True)
time.sleep(60)
"""


class Pod:
    """The program as the first process of a pod, with a volume of its own; `screen` is what it wrote."""

    def __init__(self, volume: Path) -> None:
        self.copy = volume / "live"
        self.log = volume / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def starts(self, *arguments: str) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "parkingspots.dev.live", *arguments],
                env=os.environ | {"LIVE": str(self.copy)},
                stdout=log,
                stderr=log,
            )

    def gets(self, program: str) -> None:
        """A file is put into the copy, in the place of the command line."""
        (self.copy / "parkingspots" / "__main__.py").write_text(program)

    def is_told(self, what: signal.Signals) -> None:
        assert self.process
        self.process.send_signal(what)

    def shows(self, text: str) -> bool:
        return until(lambda: text in self.log.read_text(), PATIENCE)

    def ends(self) -> int:
        assert self.process
        return self.process.wait(PATIENCE)


@pytest.fixture
def pod(tmp_path: Path) -> Iterator[Pod]:
    pod = Pod(tmp_path)
    yield pod
    if pod.process and pod.process.poll() is None:
        pod.process.terminate()
        pod.process.wait(PATIENCE)


@pytest.fixture
def serving(pod: Pod) -> Pod:
    """A pod of which a container before has made the copy."""
    (pod.copy / "parkingspots").mkdir(parents=True)
    (pod.copy / "parkingspots" / "__init__.py").touch()
    pod.gets(SERVES.format(word="first"))
    pod.starts("serve", "--port", "8000")
    assert pod.shows("first serve --port 8000")
    return pod


def test_it_serves_from_a_copy_of_the_whole_package(pod: Pod) -> None:
    pod.starts("serve", "--help")
    assert pod.shows("Serve the API")
    copied = {path.name for path in (pod.copy / "parkingspots").iterdir()}
    assert {path.name for path in live.PACKAGE.iterdir()} - {"__pycache__"} <= copied
    assert pod.shows("ended with exit code 0")


def test_what_changed_in_the_copy_serves_after_a_hangup(serving: Pod) -> None:
    serving.gets(SERVES.format(word="second"))
    serving.is_told(signal.SIGHUP)
    assert serving.shows("second serve --port 8000")


def test_what_changed_is_still_there_when_the_container_starts_again(serving: Pod) -> None:
    serving.gets(SERVES.format(word="second"))
    serving.is_told(signal.SIGTERM)
    serving.ends()
    serving.starts("serve")
    assert serving.shows("second serve")


def test_a_change_that_does_not_run_waits_for_the_next(serving: Pod) -> None:
    serving.gets("no python")
    serving.is_told(signal.SIGHUP)
    assert serving.shows("It starts anew with the next change")
    serving.gets(SERVES.format(word="mended"))
    serving.is_told(signal.SIGHUP)
    assert serving.shows("mended serve")


def test_it_ends_with_what_it_runs(serving: Pod) -> None:
    serving.is_told(signal.SIGTERM)
    assert serving.ends() == 128 + signal.SIGTERM
    assert until(lambda: b"serve --port 8000" not in b"".join(commands(serving.copy)), PATIENCE)


def test_one_that_does_not_end_is_killed(pod: Pod) -> None:
    (pod.copy / "parkingspots").mkdir(parents=True)
    (pod.copy / "parkingspots" / "__init__.py").touch()
    pod.gets("import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)" + SERVES.format(word="deaf"))
    pod.starts("serve")
    assert pod.shows("deaf")
    pod.is_told(signal.SIGTERM)
    assert pod.ends() == 128 + signal.SIGKILL


def test_every_other_command_is_what_it_always_is(pod: Pod) -> None:
    pod.starts("migrate", "heads")
    assert pod.ends() == 0
    assert pod.shows("00")
    assert not pod.copy.exists()


def test_a_debugger_listens_inside_the_pod_alone() -> None:
    command = " ".join(live.serving(["serve"], "5678"))
    assert command.endswith("-X frozen_modules=off -m debugpy --listen 127.0.0.1:5678 -m parkingspots serve")
    assert live.serving(["serve"], "")[1:] == ["-m", "parkingspots", "serve"]


def commands(copy: Path) -> list[bytes]:
    """The command lines of the processes that run from the copy."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(copy).encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" "))
        except OSError:  # it has ended
            continue
    return found
