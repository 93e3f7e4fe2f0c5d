# ruff: noqa: INP001, S603 - a program of its own, which runs docker and cosign
"""Sign what was published: `sign.py ghcr.io/me oci://ghcr.io/me/charts 1.2.3 --sboms sbom --sums dist/SHA256SUMS`.

No key is kept: cosign asks for a certificate that names the workflow, its tag and its commit, and writes the signature
into a public log. Everything is signed by its digest, as a tag can be moved. Runs on a bare Python ≥ 3.11.
"""

import argparse
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

IMAGES = ("parkingspots", "parkingspots-operator")
CHART = "parkingspots"


def main() -> None:
    """Sign both images with their SBOMs, the chart, and the checksums of what is downloaded."""
    parser = argparse.ArgumentParser(description="Sign what was published.")
    parser.add_argument("registry", help="where the images are, such as ghcr.io/me")
    parser.add_argument("charts", help="where the chart is, such as oci://ghcr.io/me/charts")
    parser.add_argument("version", help="such as 1.2.3")
    parser.add_argument("--sboms", type=Path, required=True, help="the folder of the SBOMs")
    parser.add_argument("--sums", type=Path, required=True, help="the checksums")
    options = parser.parse_args()
    try:
        for command in commands(options.registry, options.charts, options.version, options.sboms, options.sums):
            subprocess.run(command, check=True)
    except (subprocess.CalledProcessError, OSError) as error:
        sys.exit(f"Not signed: {error}")


def commands(registry: str, charts: str, version: str, sboms: Path, sums: Path) -> Iterator[tuple[str, ...]]:
    for name in IMAGES:
        image = by_digest(f"{registry}/{name}", version)
        yield ("cosign", "sign", "--yes", image)
        yield ("cosign", "attest", "--yes", "--type", "cyclonedx", "--predicate", str(sboms / f"{name}.json"), image)
    yield ("cosign", "sign", "--yes", by_digest(f"{charts.removeprefix('oci://')}/{CHART}", version))
    yield ("cosign", "sign-blob", "--yes", "--bundle", f"{sums}.sigstore.json", str(sums))


def by_digest(name: str, version: str) -> str:
    """What the registry has under the version now, by the digest of its very bytes."""
    ask = ("docker", "buildx", "imagetools", "inspect", "--raw", f"{name}:{version}")
    manifest = subprocess.run(ask, check=True, stdout=subprocess.PIPE).stdout
    return f"{name}@sha256:{hashlib.sha256(manifest).hexdigest()}"


if __name__ == "__main__":
    main()
