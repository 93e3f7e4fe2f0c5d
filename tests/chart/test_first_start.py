"""The bundled PostgreSQL's first start may be cut off at any moment: the next one begins anew."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from chart.rendering import Helm, Manifest, one

IMAGE = """#!/bin/sh
# As the official image does: data that is there is taken, and other data beside the usual folder is refused.
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    if [ "$PGDATA" = "$USUAL" ] && ls "$VOLUME"/*/docker/PG_VERSION 2>/dev/null; then exit 1; fi
    mkdir -p "$PGDATA" && echo 18 > "$PGDATA/PG_VERSION"
    [ "$CUT_OFF" ] && exit 137
    sh "$VOLUME/../application.sh" && touch "$PGDATA/role"
fi
echo "$@" > "$VOLUME/../started"
"""


@dataclass(frozen=True)
class Volume:
    """A volume, and the chart's scripts with stand-ins for the image's programs."""

    folder: Path
    server: list[str]

    @property
    def data(self) -> Path:
        return self.folder / "volume" / "18" / "docker"

    def start(self, *, cut_off: bool = False) -> int:
        programs = f"{self.folder}:{os.environ['PATH']}"
        places = {"PGDATA": str(self.data), "USUAL": str(self.data), "VOLUME": str(self.folder / "volume")}
        environment = os.environ | places | {"PATH": programs, "CUT_OFF": "yes" if cut_off else "", "POSTGRES_USER": ""}
        return subprocess.run(self.server, env=environment, capture_output=True, check=False).returncode

    def has_role(self) -> bool:
        return (self.data / "role").exists()


def volume_of(manifests: list[Manifest], folder: Path) -> Volume:
    (server,) = one(manifests, "StatefulSet", "-postgresql")["spec"]["template"]["spec"]["containers"]
    scripts = {"application.sh": one(manifests, "ConfigMap", "-postgresql-init")["data"]["application.sh"]}
    scripts |= {"docker-entrypoint.sh": IMAGE, "psql": "#!/bin/sh\nexec cat >/dev/null\n"}
    (folder / "volume").mkdir()
    for name, script in scripts.items():
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    return Volume(folder, [*server["command"], *server["args"]])


@pytest.fixture
def volume(evaluation: list[Manifest], tmp_path: Path) -> Volume:
    return volume_of(evaluation, tmp_path)


def test_a_first_start_makes_the_applications_role(volume: Volume) -> None:
    assert volume.start() == 0
    assert volume.has_role()
    assert "postgres -c max_connections=200" in (volume.folder / "started").read_text()


def test_one_that_is_cut_off_is_made_anew(volume: Volume) -> None:
    assert volume.start(cut_off=True)
    assert not volume.has_role()
    assert volume.start() == 0
    assert volume.has_role()


def test_data_that_has_served_is_never_made_anew(volume: Volume) -> None:
    volume.start()
    (volume.data / "bookings").touch()
    volume.start()
    assert (volume.data / "bookings").exists()


def test_data_of_before_there_were_marks_is_taken_as_it_is(volume: Volume) -> None:
    volume.data.mkdir(parents=True)
    (volume.data / "PG_VERSION").write_text("18")
    assert volume.start() == 0
    assert not volume.has_role()


@pytest.mark.parametrize("upgrades", [True, False])
def test_only_an_upgrade_begins_beside_the_data_of_another_version(
    chart: Helm, tmp_path: Path, *, upgrades: bool
) -> None:
    volume = volume_of(chart.render("evaluation", {"postgresql.upgradeMajor": upgrades}), tmp_path)
    old = tmp_path / "volume" / "17" / "docker"
    old.mkdir(parents=True)
    (old / "PG_VERSION").write_text("17")
    assert (volume.start() == 0) is upgrades
    assert volume.has_role() is upgrades
