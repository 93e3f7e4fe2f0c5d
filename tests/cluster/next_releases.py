"""Releases that do not exist yet: the image and the chart of today with one more migration."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

from cluster.kube import CHART
from parkingspots.kit import migrating

BUILDER = shlex.split(os.environ.get("IMAGE_BUILDER", "docker build --tag"))
LOADER = shlex.split(os.environ.get("IMAGE_LOADER", "kind load docker-image --name parkingspots"))
IMAGE = f"{os.environ.get('IMAGE_PREFIX', '')}parkingspots"
(TODAY,) = map(int, migrating.heads())
NEXT = TODAY + 1
ADDITIVE = "op.execute('ALTER TABLE bookings ADD COLUMN next_release text')"
FAILING = "op.execute('SELECT 1 / 0')"
MIGRATION = f'''
"""One more."""

from alembic import op

from parkingspots.kit.migrating import declare

revision = "{NEXT:04}"
down_revision = "{TODAY:04}"


def upgrade() -> None:
    {{step}}
    declare(current={NEXT}, oldest_compatible={TODAY})


def downgrade() -> None:
    pass
'''
DOCKERFILE = f"""
ARG BASE_IMAGE
FROM ${{BASE_IMAGE}}
USER 0
COPY migration.py /migration.py
RUN package=$(python3 -c "import parkingspots; print(parkingspots.__path__[0])") \\
    && cp /migration.py "$package/migrations/versions/{NEXT:04}_next.py" \\
    && sed -i "s/^NEEDED = {TODAY}$/NEEDED = {NEXT}/" "$package/kit/schema.py"
USER 10001:10001
"""


AGAIN = """
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
LABEL built=again
"""


def build(folder: Path, tag: str, step: str) -> None:
    """The image `tag`, whose code needs the next revision, and whose migration to it does `step`."""
    folder.mkdir()
    (folder / "migration.py").write_text(MIGRATION.format(step=step), encoding="utf-8")
    _build(folder, tag, DOCKERFILE)


def build_again(folder: Path, tag: str) -> None:
    """The image `tag`, which is another one than today's and does the same."""
    folder.mkdir()
    _build(folder, tag, AGAIN)


def _build(folder: Path, tag: str, dockerfile: str) -> None:
    (folder / "Dockerfile").write_text(dockerfile, encoding="utf-8")
    for command in (
        [*BUILDER, f"{IMAGE}:{tag}", str(folder), "--build-arg", f"BASE_IMAGE={IMAGE}:dev"],
        [*LOADER, f"{IMAGE}:{tag}"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def chart(folder: Path) -> Path:
    """Today's chart, of the next revision."""
    shutil.copytree(CHART, folder)
    file = folder / "Chart.yaml"
    text = file.read_text(encoding="utf-8")
    changed = text.replace(f'parkingspots.dev/revision: "{TODAY:04}"', f'parkingspots.dev/revision: "{NEXT:04}"')
    assert changed != text
    file.write_text(changed, encoding="utf-8")
    return folder
