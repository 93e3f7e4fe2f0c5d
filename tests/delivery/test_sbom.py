"""What the images are made of, as `make sbom` writes it."""

import json
import re
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from delivery.stand_ins import ROOT

DISTRIBUTIONS = {"parkingspots": ("service", "runtime.txt"), "parkingspots-operator": ("operator", "operator.txt")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sbom")
    subprocess.run(["make", "sbom", f"SBOM_FOLDER={folder}"], cwd=ROOT, check=True, capture_output=True)
    return folder


@pytest.fixture(params=DISTRIBUTIONS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def bill(folder: Path, name: str) -> Mapping[str, Any]:
    written: Mapping[str, Any] = json.loads((folder / f"{name}.json").read_text())
    return written


def test_it_is_cyclonedx(folder: Path, name: str) -> None:
    complaint = JsonStrictValidator(SchemaVersion.V1_6).validate_str((folder / f"{name}.json").read_text())
    assert complaint is None


def test_it_is_of_the_distribution_in_this_checkout(bill: Mapping[str, Any], name: str) -> None:
    project = tomllib.loads((ROOT / DISTRIBUTIONS[name][0] / "pyproject.toml").read_text())["project"]
    about = bill["metadata"]["component"]
    assert (about["name"], about["version"]) == (name, project["version"])


def test_it_lists_what_is_locked_with_its_hashes(bill: Mapping[str, Any], name: str) -> None:
    lock = (ROOT / "requirements" / DISTRIBUTIONS[name][1]).read_text()
    locked = set(re.findall(r"^(\S+)==([^\s;]+)", lock, re.MULTILINE))
    assert len(locked) > 10
    assert {(part["name"], part["version"]) for part in bill["components"]} == locked
    assert all(each["hashes"] for part in bill["components"] for each in part["externalReferences"])
