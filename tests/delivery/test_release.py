"""`make release`: one command writes the version wherever it stands."""

import json
import re
import shutil
import sys
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import yaml

from delivery.stand_ins import ROOT, Machine, called

PROJECTS = tuple(f"{name}/pyproject.toml" for name in ("service", "lifecycle-cronjob", "operator"))
CHART = "charts/parkingspots"
RELEASING = (
    *("docs/openapi.json", "Makefile", "k8s/cluster.mk", "tools/release.py", "tools/package.py"),
    *("tools/checksums.py", ".gitignore"),
)
OTHERS_OWN = {f"{CHART}/charts"}  # the chart's parts have versions of their own
PACKAGES = (
    'for last; do :; done; mkdir -p "$last"; read_version() { sed -n "s/^version: //p" "$2/Chart.yaml"; }; '
    'version=$(read_version "$@"); echo "chart $version" > "$last/parkingspots-$version.tgz"'
)
"""What helm does as far as it matters: `helm package CHART --destination FOLDER`."""
WRITES = 'for last; do :; done; echo "{}" > "$last"'
NEWS = "# Changelog\n\n## [Unreleased]\n### Added\n- A thing.\n\n## [0.0.9] - 2026-01-01\n- Another.\n"


class Checkout:
    """A repository of its own, with what of ours tells the version."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        self.machine, self.folder = machine, folder
        for name in (*PROJECTS, *RELEASING):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
        shutil.copytree(ROOT / CHART, folder / CHART)
        (folder / "CHANGELOG.md").write_text(NEWS)
        self.git("init", "--quiet", "--initial-branch", "main")
        self.git("config", "user.name", "Somebody")
        self.git("config", "user.email", "somebody@example.com")
        self.commit()

    def git(self, *arguments: str) -> str:
        ran = self.machine.run(self.folder, "git", *arguments)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "A change")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def read(self, name: str) -> str:
        return (self.folder / name).read_text()

    def release(self, *arguments: str) -> CompletedProcess[str]:
        return self.machine.run(self.folder, sys.executable, "tools/release.py", *arguments)

    @property
    def versions(self) -> set[str]:
        chart = yaml.safe_load(self.read(f"{CHART}/Chart.yaml"))
        described = json.loads(self.read("docs/openapi.json"))["info"]["version"]
        projects = [tomllib.loads(self.read(name))["project"]["version"] for name in PROJECTS]
        return {*projects, chart["version"], chart["appVersion"], described}

    @property
    def state(self) -> Sequence[str]:
        return (self.git("rev-parse", "HEAD"), self.git("status", "--porcelain"), self.git("tag"))


@pytest.fixture
def checkout(machine: Machine, tmp_path: Path) -> Checkout:
    machine.install("helm", PACKAGES)
    machine.install("python", WRITES)  # the SBOMs; test_sbom.py has the real ones
    return Checkout(machine, tmp_path / "checkout")


def test_our_own_versions_agree(checkout: Checkout) -> None:
    assert len(checkout.versions) == 1


def test_a_release_is_written_everywhere_committed_and_tagged(checkout: Checkout) -> None:
    ran = checkout.release("7.8.9")
    assert ran.returncode == 0, ran.stderr
    assert checkout.versions == {"7.8.9"}
    assert checkout.git("log", "-1", "--format=%s") == "Release 7.8.9\n"
    assert checkout.git("describe", "--exact-match") == "v7.8.9\n"
    assert checkout.git("status", "--porcelain") == ""
    assert "git push --atomic origin HEAD v7.8.9" in ran.stdout
    assert called(checkout.machine.calls, "helm") == [f"helm package {CHART} --destination dist"]


def test_the_version_before_is_left_nowhere(checkout: Checkout) -> None:
    (before,) = checkout.versions
    checkout.release("7.8.9")
    standing = re.compile(rf"(?<![\d.]){re.escape(before)}(?![\d.])")
    still = {
        name
        for name in checkout.git("ls-files").splitlines()
        if standing.search(checkout.read(name)) and not any(name.startswith(own) for own in OTHERS_OWN)
    }
    of_parts = [line for line in checkout.read(f"{CHART}/Chart.yaml").splitlines() if standing.search(line)]
    assert still <= {f"{CHART}/Chart.yaml"}
    assert all(line.startswith("    version: ") for line in of_parts)


def test_what_was_unreleased_is_the_release(checkout: Checkout) -> None:
    before = datetime.now(UTC).date()
    checkout.release("7.8.9")
    titles = [f"## [7.8.9] - {day}" for day in (before, datetime.now(UTC).date())]  # midnight may have passed
    told = [NEWS.replace("[Unreleased]\n", f"[Unreleased]\n\n{title}\n") for title in titles]
    assert checkout.read("CHANGELOG.md") in told


def test_the_next_one_follows(checkout: Checkout) -> None:
    checkout.release("7.8.9")
    checkout.write("CHANGELOG.md", checkout.read("CHANGELOG.md").replace("[Unreleased]\n", "[Unreleased]\n- More.\n"))
    checkout.commit()
    assert checkout.release("7.9.0").returncode == 0
    assert checkout.versions == {"7.9.0"}
    assert checkout.git("tag").split() == ["v7.8.9", "v7.9.0"]


def test_a_dry_run_makes_everything_in_a_copy_and_changes_nothing(checkout: Checkout) -> None:
    before = checkout.state
    ran = checkout.release("7.8.9", "--dry-run", "--bin", str(checkout.machine.bin), "--images", "example.com/")
    assert ran.returncode == 0, ran.stderr
    assert {line.split()[1] for line in ran.stdout.splitlines() if line.startswith("+++ ")} == {
        *PROJECTS,
        f"{CHART}/Chart.yaml",
        "docs/openapi.json",
        "CHANGELOG.md",
    }
    assert '+version = "7.8.9"' in ran.stdout
    summed = {name: digest for digest, name in re.findall(r"^([0-9a-f]{64})  (\S+)$", ran.stdout, re.MULTILINE)}
    assert set(summed) == {"parkingspots-7.8.9.tgz", "parkingspots.json", "parkingspots-operator.json"}
    assert summed["parkingspots-7.8.9.tgz"] == sha256(b"chart 7.8.9\n").hexdigest()
    built = [line for line in ran.stdout.splitlines() if line.startswith("docker build ")]
    assert [line.split()[3] for line in built] == [
        f"example.com/{name}:7.8.9" for name in ("parkingspots", "parkingspots-operator")
    ]
    assert checkout.state == before
    assert not (checkout.folder / "dist").exists()


def test_a_dry_run_builds_the_images_where_it_is_told_with_what(checkout: Checkout) -> None:
    checkout.machine.install("image")
    dry = ("7.8.9", "--dry-run", "--bin", str(checkout.machine.bin), "--builder", "image build")
    said = [checkout.release(*dry).stdout for _ in range(2)]
    assert said[0] == said[1]
    assert len(called(checkout.machine.calls, "image")) == 4


def refusal(ran: CompletedProcess[str]) -> str:
    assert ran.returncode == 1
    return ran.stderr.splitlines()[0]


@pytest.mark.parametrize("version", ["1.2", "v1.2.3", "1.2.3-rc1", "01.2.3", "latest"])
def test_what_is_no_version_is_refused(checkout: Checkout, version: str) -> None:
    assert "is no version such as 1.2.3" in refusal(checkout.release(version))


def test_an_older_version_is_refused(checkout: Checkout) -> None:
    assert "0.0.1 is older than" in refusal(checkout.release("0.0.1"))


def test_a_version_that_is_tagged_is_refused(checkout: Checkout) -> None:
    checkout.git("tag", "v7.8.9")
    assert "the tag v7.8.9 is there already" in refusal(checkout.release("7.8.9"))


def test_a_changed_file_is_refused(checkout: Checkout) -> None:
    checkout.write("CHANGELOG.md", f"{NEWS}More.\n")
    ran = checkout.release("7.8.9")
    assert "commit or put away what is changed" in refusal(ran)
    assert "CHANGELOG.md" in ran.stderr


def test_a_release_of_which_nothing_is_told_is_refused(checkout: Checkout) -> None:
    checkout.write("CHANGELOG.md", NEWS.replace("### Added\n- A thing.\n", ""))
    checkout.commit()
    assert "says nothing under ## [Unreleased]" in refusal(checkout.release("7.8.9"))


def test_versions_that_disagree_are_refused(checkout: Checkout) -> None:
    name = PROJECTS[1]
    checkout.write(name, re.sub(r'(?m)^version = ".+"', 'version = "3.3.3"', checkout.read(name)))
    checkout.commit()
    assert f"{name} says 3.3.3" in refusal(checkout.release("7.8.9"))


def test_without_helm_nothing_is_begun(checkout: Checkout) -> None:
    before = checkout.state
    assert "nohelm is not installed" in refusal(checkout.release("7.8.9", "--helm", "nohelm"))
    assert "nohelm is not installed" in refusal(checkout.release("7.8.9", "--helm", "nohelm", "--dry-run"))
    assert checkout.state == before


def test_what_fails_leaves_everything_as_it_was(checkout: Checkout) -> None:
    before = checkout.state
    checkout.machine.install("helm", "echo broken >&2; exit 1")
    assert refusal(checkout.release("7.8.9")) == "No release: helm package failed: broken"
    assert checkout.state == before
    assert "7.8.9" not in "".join(checkout.versions)
