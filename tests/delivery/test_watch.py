"""`make watch`: what is copied into running pods, and what is built."""

import io
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from delivery.stand_ins import ROOT, Machine, called
from parkingspots.dev import live
from parkingspots.dev.processes import until

PATIENCE = 30.0
TWO_PODS = """case "$*" in
*" get pods "*) echo pod/one; echo pod/two;;
*) cat > "$(dirname "$0")/../archive";;
esac"""
API = "service/parkingspots/bookings.py"


class Watched:
    """A folder that is watched, on a machine whose kubectl and build only say that they were called."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        self.machine, self.folder = machine, folder
        for name in (API, "service/migrations/0001.py", "operator/main.py", "charts/values.yaml"):
            self.write(name, "1")
        for name in ("lifecycle-cronjob", "requirements", "k8s"):
            (folder / name).mkdir()
        shutil.copy(ROOT / "k8s" / "watch.py", folder / "k8s")
        place = ("--context", "kind-here", "--namespace", "mine")
        command = [sys.executable, "k8s/watch.py", *place, "--", str(machine.bin / "build"), "all"]
        self.log = (folder / "log").open("wb")
        self.process = subprocess.Popen(command, cwd=folder, env=machine.environment, stderr=self.log)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def says(self, text: str) -> bool:
        return until(lambda: text in (self.folder / "log").read_text(), PATIENCE)

    def ends(self) -> None:
        self.process.terminate()
        self.process.wait()
        self.log.close()

    @property
    def builds(self) -> int:
        return len(called(self.machine.calls, "build"))


@pytest.fixture
def watched(machine: Machine, tmp_path: Path) -> Iterator[Watched]:
    machine.install("kubectl", TWO_PODS)
    machine.install("build")
    watched = Watched(machine, tmp_path / "folder")
    try:
        assert watched.says("waiting for changes")
        yield watched
    finally:
        watched.ends()


def test_it_is_built_once_at_the_start(watched: Watched) -> None:
    assert watched.machine.calls == ["build all"]


def test_python_of_the_api_is_put_into_each_of_its_pods(watched: Watched) -> None:
    watched.write(API, "2")
    assert watched.says(f"{API}: copied")
    listing, *copies = called(watched.machine.calls, "kubectl")
    assert "--context kind-here --namespace mine get pods --selector" in listing
    assert [copy.split()[7] for copy in copies] == ["pod/one", "pod/two"]
    assert all(f"-C {live.LIVE} && kill -HUP 1" in copy for copy in copies)
    with tarfile.open(fileobj=io.BytesIO((watched.machine.folder / "archive").read_bytes())) as archive:
        assert archive.getnames() == ["parkingspots/bookings.py"]
    assert watched.builds == 1


@pytest.mark.parametrize("name", ["service/migrations/0001.py", "operator/main.py", "charts/values.yaml"])
def test_what_other_pods_run_is_built(watched: Watched, name: str) -> None:
    watched.write(name, "2")
    assert watched.says(f"{name}: building")
    assert until(lambda: watched.builds == 2, PATIENCE)


def test_what_is_deleted_is_built(watched: Watched) -> None:
    (watched.folder / API).unlink()
    assert watched.says(f"{API}: building")


def test_what_an_editor_leaves_for_a_moment_is_nothing(watched: Watched) -> None:
    draft = watched.folder / "service" / "parkingspots" / "sedXYZ"
    draft.write_text("2")
    draft.rename(watched.folder / API)
    assert watched.says(f"{API}: copied")
    assert watched.builds == 1


def test_what_changes_during_a_build_is_seen_after_it(machine: Machine, tmp_path: Path) -> None:
    machine.install("kubectl", TWO_PODS)
    machine.install("build", f"echo 2 > {API}")
    watched = Watched(machine, tmp_path / "folder")
    try:
        assert watched.says(f"{API}: copied")
    finally:
        watched.ends()


def test_where_a_pod_does_not_take_it_it_is_built(watched: Watched) -> None:
    watched.machine.install("kubectl", 'case "$*" in *" get pods "*) echo pod/one;; *) exit 1;; esac')
    watched.write(API, "2")
    assert watched.says(f"{API}: building")


def test_a_build_that_fails_is_tried_again_by_the_next_change(watched: Watched) -> None:
    watched.machine.install("build", "exit 3")
    watched.write("operator/main.py", "2")
    assert watched.says("failed with exit code 3")
    watched.write("operator/main.py", "3")
    assert until(lambda: watched.builds == 3, PATIENCE)
