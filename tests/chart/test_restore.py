"""The chart's restore: which dump it reads back, and what it says where there is none."""

import os
import subprocess
from pathlib import Path

import pytest

from chart.rendering import Helm, one

OLD, NEW = "20400101T031700Z.dump", "20400102T031700Z.dump"


@pytest.fixture
def script(chart: Helm) -> str:
    job = one(chart.render("backup"), "CronJob", "-restore")["spec"]["jobTemplate"]["spec"]
    return str(job["template"]["spec"]["containers"][0]["args"][0])


def run(script: str, folder: Path, *dumps: str, file: str | None = None) -> subprocess.CompletedProcess[str]:
    """The script on a volume with these dumps, with stand-ins for PostgreSQL's programs."""
    volume = folder / "dumps"
    for name in ("dumps", "tmp", "bin"):
        (folder / name).mkdir()
    for dump in dumps:
        (volume / dump).touch()
    for name, then in {"pg_restore": f"touch {folder}/tmp/dump.sql", "psql": "cat >/dev/null"}.items():
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{then}\n")
        (folder / "bin" / name).chmod(0o755)
    chosen = {} if file is None else {"FILE": file}
    environment = os.environ | chosen | {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    own = script.replace("/dumps", str(volume)).replace("/tmp/dump", f"{folder}/tmp/dump")
    return subprocess.run(["sh", "-euc", own], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("file", "read"), [(None, NEW), ("", NEW), (OLD, OLD)], ids=["none", "empty", "the older"])
def test_the_newest_dump_is_read_back_unless_one_is_named(
    script: str, tmp_path: Path, file: str | None, read: str
) -> None:
    done = run(script, tmp_path, OLD, NEW, file=file)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"Restored {tmp_path}/dumps/{read}"


def test_a_dump_that_is_not_there_is_refused_with_those_that_are(script: str, tmp_path: Path) -> None:
    done = run(script, tmp_path, OLD, file=NEW)
    assert done.returncode == 1
    assert f"There is no dump {NEW} in the volume, which has:\n{OLD}" in done.stderr


def test_without_a_dump_nothing_is_read_back(script: str, tmp_path: Path) -> None:
    done = run(script, tmp_path)
    assert done.returncode == 1
    assert "There is no dump  in the volume" in done.stderr
