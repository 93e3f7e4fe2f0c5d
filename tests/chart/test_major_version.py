"""The bundled PostgreSQL refuses an image of another major version than its data is of."""

import os
import subprocess
from pathlib import Path

import pytest

from chart.rendering import Helm

FOLDER = "/var/lib/postgresql"


@pytest.fixture
def script(chart: Helm) -> str:
    """What the pod runs before the server."""
    (server,) = [each for each in chart.render("evaluation") if each["kind"] == "StatefulSet"]
    (guard,) = server["spec"]["template"]["spec"]["initContainers"]
    return str(guard["args"][0])


def run(script: str, folder: Path, *majors: str) -> subprocess.CompletedProcess[str]:
    """The script with an image of PostgreSQL 18, on a volume with data of these versions."""
    for major in majors:
        (folder / major / "docker").mkdir(parents=True)
        (folder / major / "docker" / "PG_VERSION").write_text(f"{major}\n")
    (folder / "postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 18.1 (Debian 18.1-1.pgdg12+2)'\n")
    (folder / "postgres").chmod(0o755)
    environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}
    command = ["sh", "-euc", script.replace(FOLDER, str(folder))]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("majors", [(), ("18",), ("17", "18")], ids=["empty", "the same", "an older one too"])
def test_a_volume_that_is_empty_or_of_the_images_version_is_taken(
    script: str, tmp_path: Path, majors: tuple[str, ...]
) -> None:
    done = run(script, tmp_path, *majors)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("major", ["17", "19"])
def test_a_volume_of_another_version_is_refused_in_a_sentence(script: str, tmp_path: Path, major: str) -> None:
    done = run(script, tmp_path, major)
    assert done.returncode == 1
    assert done.stdout.startswith(f"The volume holds data of PostgreSQL {major} and the image is 18:")


def test_an_upgrade_of_the_major_version_may_begin_with_an_empty_database(chart: Helm) -> None:
    manifests = chart.render("evaluation", {"postgresql.upgradeMajor": True})
    (server,) = [each for each in manifests if each["kind"] == "StatefulSet"]
    assert "initContainers" not in server["spec"]["template"]["spec"]
