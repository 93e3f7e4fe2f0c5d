# ruff: noqa: INP001, S603 - a program of its own, which runs helm
"""Package the chart for a registry: `package.py registry.example.com/parking oci://registry.example.com/parking/charts`.

In the package the product's images and the chart itself are called as they are there; the checkout stays as it is. Runs
on a bare Python ≥ 3.11.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHART = ROOT / "charts" / "parkingspots"
OURS, OUR_CHARTS = "ghcr.io", "oci://ghcr.io/parkingspots/charts"
IMAGE = re.compile(r"registry: ghcr\.io\n( +)repository: parkingspots/(parkingspots(?:-operator)?)$", re.MULTILINE)
ROW = re.compile(r"^(\| `(?:operator\.)?image\.re\w+` \| )`(ghcr\.io|parkingspots/[a-z-]+)`", re.MULTILINE)


def main() -> None:
    """Write the package into dist/."""
    parser = argparse.ArgumentParser(description="Package the chart for a registry.")
    parser.add_argument("registry", help="where the images are, such as registry.example.com/parking")
    parser.add_argument("charts", help="where the chart will be, such as oci://registry.example.com/parking/charts")
    parser.add_argument("--helm", default="helm")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        chart = Path(shutil.copytree(CHART, Path(folder) / CHART.name))
        for name, text in rewritten(chart, options.registry, options.charts):
            (chart / name).write_text(text, encoding="utf-8")
        command = (options.helm, "package", str(chart), "--destination", str(ROOT / "dist"))
        sys.exit(subprocess.run(command, check=False).returncode)


def rewritten(chart: Path, registry: str, charts: str) -> Iterator[tuple[str, str]]:
    """Every file that names the registry, with the other one in it."""
    host, _, path = registry.partition("/")

    def repository(name: str) -> str:
        return f"{path}/{name}" if path else name

    values, images = IMAGE.subn(
        lambda found: f"registry: {host}\n{found[1]}repository: {repository(found[2])}", read(chart, "values.yaml")
    )
    if images != 2:  # noqa: PLR2004 - the service's and the operator's
        sys.exit(f"values.yaml names {images} images of {OURS}, not two.")
    yield "values.yaml", values
    page = read(chart, "README.md").replace(OUR_CHARTS, charts)
    yield (
        "README.md",
        ROW.sub(
            lambda found: f"{found[1]}`{host if found[2] == OURS else repository(found[2].partition('/')[2])}`", page
        ),
    )
    yield "Chart.yaml", read(chart, "Chart.yaml").replace(OUR_CHARTS, charts)


def read(chart: Path, name: str) -> str:
    return (chart / name).read_text(encoding="utf-8")


if __name__ == "__main__":
    main()
