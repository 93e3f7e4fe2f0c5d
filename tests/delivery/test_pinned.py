"""Whatever is taken from elsewhere is named so that it stays what it is."""

import re
from pathlib import Path

import pytest
import yaml

from delivery.stand_ins import ROOT

LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
EXACT = re.compile(r"v?\d+\.\d+(\.\d+)?(-[\w.-]+)?")
"""PostgreSQL's versions have two parts."""
VALUES = [ROOT / "charts/parkingspots" / part / "values.yaml" for part in ("charts/postgresql", "charts/valkey")]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_requirement_of_a_lock_is_one_version_by_its_hashes(lock: Path) -> None:
    joined = re.sub(r" \\\n\s+", " ", re.sub(r"(?m)^\s*#.*\n", "", lock.read_text()))
    lines = joined.splitlines()
    assert lines
    for line in lines:
        assert re.fullmatch(r"[a-z0-9.-]+==\S+( ; .+?)?( --hash=sha256:[0-9a-f]{64})+", line), line


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_lock_is_written_by_make_lock(lock: Path) -> None:
    (recipe,) = re.findall(r"^lock:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert f" -o requirements/{lock.name}\n" in recipe


@pytest.mark.parametrize("values", VALUES, ids=lambda path: path.parent.name)
def test_the_images_of_the_charts_parts_are_exact_versions_or_digests(values: Path) -> None:
    image = yaml.safe_load(values.read_text())["image"]
    assert EXACT.fullmatch(image["tag"]) or re.fullmatch(r"sha256:[0-9a-f]{64}", image["digest"])


def test_every_image_of_a_manifest_is_an_exact_version() -> None:
    named = [
        name
        for manifest in (ROOT / "k8s").rglob("*.yaml")
        for name in re.findall(r"^\s*(?:- )?(?:image|imageName): (\S+)$", manifest.read_text(), re.MULTILINE)
    ]
    assert named
    for name in named:
        assert EXACT.fullmatch(name.rpartition(":")[2]) or "@sha256:" in name, name


def test_what_is_installed_beside_the_product_is_an_exact_version() -> None:
    makefile = (ROOT / "k8s" / "cluster.mk").read_text()
    charts = re.findall(r"upgrade --install (\S+) \S+ --repo \S+ --version (\S+)", makefile)
    assert {name for name, version in charts if EXACT.fullmatch(version)} == {"traefik", "metrics-server"}
    modules = re.findall(r"go install \S+@(\S+)", (ROOT / ".ci" / "run").read_text())
    assert modules
    assert all(re.fullmatch(r"v\d+\.\d+\.\d+", version) for version in modules)


def test_nothing_is_piped_from_the_network_into_a_shell() -> None:
    for script in (ROOT / "Makefile", ROOT / "k8s" / "cluster.mk", ROOT / ".ci" / "run"):
        assert not re.search(r"\b(curl|wget)\b", script.read_text()), script.name
