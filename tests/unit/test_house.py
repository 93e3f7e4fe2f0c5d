"""What is true of the repository as a whole."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from parkingspots.settings import Settings

ROOT = Path(__file__).parents[2]
LONGEST = 400


def tracked() -> list[Path]:
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    return [path for name in listing.splitlines() if (path := ROOT / name).is_file()]


@pytest.mark.parametrize("kind", [".py", ".sh", ".yaml", ".yml", ".tpl"])
def test_no_file_is_longer_than_two_ideas(kind: str) -> None:
    long = [path.name for path in tracked() if path.suffix == kind and len(path.read_text().splitlines()) > LONGEST]
    assert not long


def test_the_example_environment_names_every_setting_with_its_default() -> None:
    lines = re.findall(r"^(# )?([A-Z_]+)=([^#\n]*)", (ROOT / ".env.example").read_text(), re.MULTILINE)
    named = {name.lower(): value.strip() for _, name, value in lines}
    defaults = {name.lower(): value.strip() for commented, name, value in lines if not commented}
    assert set(named) == set(Settings.model_fields)
    assert Settings(_env_file=None, **defaults) == Settings(_env_file=None)


def test_the_index_of_decisions_lists_every_page() -> None:
    pages = {path.name for path in (ROOT / "docs" / "adr").glob("0*.md")}
    assert set(re.findall(r"\((0\d{3}-[a-z0-9-]+\.md)\)", (ROOT / "docs" / "adr" / "README.md").read_text())) == pages


def test_every_link_between_pages_leads_somewhere() -> None:
    for page in [path for path in tracked() if path.suffix == ".md"]:
        for target in re.findall(r"\]\(([^)#:]+)[^):]*\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_folder_of_tests_is_run_by_make_test_or_by_make_e2e() -> None:
    """What needs a cluster, or minutes, is not found by itself."""
    folders = {path.relative_to(ROOT).parts[1] for path in (ROOT / "tests").rglob("test_*.py")}
    found = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["testpaths"]
    assert {Path(path).name for path in found} | {"cluster", "resilience"} == folders


def test_the_locks_name_no_host() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        assert "://" not in lock.read_text()
