"""`make sign`: what was published, by digests, without a key."""

import re
from hashlib import sha256
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import yaml

from delivery.stand_ins import ROOT, Machine, called

ASKED = ("ghcr.io/me", "oci://ghcr.io/me/charts", "1.2.3", "--sboms", "sbom", "--sums", "dist/SHA256SUMS")


@pytest.fixture
def signing(machine: Machine) -> Machine:
    """A registry in which a name's manifest is the name."""
    machine.install("docker", 'for last; do :; done; printf "%s" "$last"')
    machine.install("cosign")
    return machine


def signed(machine: Machine) -> CompletedProcess[str]:
    return machine.run(ROOT, "python3", "tools/sign.py", *ASKED)


def by_digest(name: str) -> str:
    return f"{name}@sha256:{sha256(f'{name}:1.2.3'.encode()).hexdigest()}"


def test_images_their_sboms_the_chart_and_the_checksums_are_signed_by_digest(signing: Machine) -> None:
    assert signed(signing).returncode == 0
    service, operator, chart = (
        by_digest(f"ghcr.io/me/{name}") for name in ("parkingspots", "parkingspots-operator", "charts/parkingspots")
    )
    assert called(signing.calls, "cosign") == [
        f"cosign sign --yes {service}",
        f"cosign attest --yes --type cyclonedx --predicate sbom/parkingspots.json {service}",
        f"cosign sign --yes {operator}",
        f"cosign attest --yes --type cyclonedx --predicate sbom/parkingspots-operator.json {operator}",
        f"cosign sign --yes {chart}",
        "cosign sign-blob --yes --bundle dist/SHA256SUMS.sigstore.json dist/SHA256SUMS",
    ]


def test_what_the_registry_does_not_have_is_not_signed(signing: Machine) -> None:
    signing.install("docker", "exit 1")
    ran = signed(signing)
    assert ran.returncode == 1
    assert ran.stderr.startswith("Not signed: ")
    assert not called(signing.calls, "cosign")


def test_the_checksums_are_those_that_sha256sum_reads(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "a.tgz").write_text("a")
    sums = tmp_path / "SHA256SUMS"
    machine.run(ROOT, "python3", "tools/checksums.py", str(sums), str(tmp_path / "a.tgz"))
    assert sums.read_text() == f"{sha256(b'a').hexdigest()}  a.tgz\n"


def test_the_workflow_signs_after_it_has_published_and_before_it_tells() -> None:
    described = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())
    (job,) = described["jobs"].values()
    order = [step["run"] for step in job["steps"] if "run" in step]
    assert order == ["make publish", "make sign", "make announce"]
    assert described["permissions"]["id-token"] == "write"


def test_the_page_says_how_to_verify_with_the_workflows_own_name() -> None:
    page = (ROOT / "docs" / "releasing.md").read_text()
    (path,) = re.findall(r"workflow=https://github\.com/parkingspots/parkingspots/(\S+)@refs/tags/v1\.2\.3", page)
    assert (ROOT / path).is_file()
    assert page.count("--certificate-identity $workflow ") == page.count("cosign verify")
    assert "--certificate-oidc-issuer https://token.actions.githubusercontent.com" in page
