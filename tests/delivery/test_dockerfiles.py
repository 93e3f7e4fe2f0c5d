"""The images, as far as their Dockerfiles tell; what hadolint knows, `make lint` asks it."""

import json
import re
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from delivery.stand_ins import ROOT

OFFICIAL = r"python:3\.\d+\.\d+-slim-(bookworm|trixie)"
LABELS = ("title", "description", "source", "licenses", "version", "revision")
PODS = {"service": "api/deployment.yaml", "operator": "operator/deployment.yaml"}
TEMPLATES = ROOT / "charts" / "parkingspots" / "templates"


@dataclass
class Stage:
    """A stage by its base's name and its own; each instruction with what it says."""

    base: str
    name: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def of(self, *kinds: str) -> list[str]:
        return [said for kind, said in self.instructions if kind in kinds]


class Dockerfile:
    def __init__(self, folder: str) -> None:
        self.folder = folder
        joined = re.sub(r"\\\n\s*", "", (ROOT / folder / "Dockerfile").read_text())
        lines = [line.split(maxsplit=1) for line in joined.splitlines() if line and not line.startswith("#")]
        self.arguments = [said for kind, said in lines[:1] if kind == "ARG"]
        self.stages: list[Stage] = []
        for kind, said in lines[1:]:
            if kind == "FROM":
                base, _, name = said.partition(" AS ")
                self.stages.append(Stage(base, name))
            else:
                self.stages[-1].instructions.append((kind, said))

    @property
    def base(self) -> str:
        return dict(said.split("=", 1) for said in self.arguments)["BASE_IMAGE"]

    def made_of(self, stage: Stage) -> list[Stage]:
        """The stage and those that it begins with, the first one first."""
        before = [other for other in self.stages if other.name and other.name == stage.base]
        return [*(each for other in before for each in self.made_of(other)), stage]

    @property
    def image(self) -> list[Stage]:
        """What the image that is released is made of; the other stages leave nothing but what is copied."""
        return self.made_of(self.stages[-1])

    def said(self, *kinds: str) -> list[str]:
        """What the image's instructions of those kinds say."""
        return [said for stage in self.image for said in stage.of(*kinds)]


@pytest.fixture(params=sorted(PODS))
def dockerfile(request: pytest.FixtureRequest) -> Dockerfile:
    return Dockerfile(request.param)


def test_both_are_made_on_one_official_python_by_its_exact_version() -> None:
    (base,) = {Dockerfile(folder).base for folder in PODS}
    assert re.fullmatch(OFFICIAL, base)


def test_another_base_can_be_chosen_for_every_stage(dockerfile: Dockerfile) -> None:
    names = {stage.name for stage in dockerfile.stages}
    assert all(stage.base == "${BASE_IMAGE}" or stage.base in names for stage in dockerfile.stages)


def test_every_package_is_installed_by_its_hash(dockerfile: Dockerfile) -> None:
    commands = [part for stage in dockerfile.stages for said in stage.of("RUN") for part in said.split("&&")]
    installs = [command for command in commands if re.search(r"pip\S* .*\binstall\b", command)]
    assert installs
    assert all("--require-hashes --only-binary=:all:" in each or "--no-index" in each for each in installs)


def test_nothing_is_fetched_but_by_pip(dockerfile: Dockerfile) -> None:
    done = [said for stage in dockerfile.stages for said in stage.of("RUN", "COPY", "ENV", "CMD")]
    assert not [said for said in done if re.search(r"://|\b(curl|wget|apt-get|apk)\b", said)]
    assert not [said for stage in dockerfile.stages for said in stage.of("ADD")]


def test_pip_is_in_no_layer_of_the_image_that_is_ours(dockerfile: Dockerfile) -> None:
    assert not [said for said in dockerfile.said("RUN") if re.search(r"\binstall\b", said)]
    (removal,) = dockerfile.said("RUN")
    assert all(name in removal for name in ("site-packages/pip*", "ensurepip", "python-wheels", "/usr/local/bin/pip*"))
    copied = dockerfile.said("COPY")
    assert not [said for said in copied if "tools" in said or "/build" in said]
    creation = " ".join(said for stage in dockerfile.stages for said in stage.of("RUN"))
    assert f"-m venv --without-pip {copied[0].split()[-1]}" in creation


def test_what_is_for_development_is_not_released(dockerfile: Dockerfile) -> None:
    assert "development" not in {stage.name for stage in dockerfile.image}
    assert not [said for said in dockerfile.said("COPY", "ENV") if "development" in said]


def test_dependencies_and_our_own_packages_lie_in_layers_of_their_own(dockerfile: Dockerfile) -> None:
    dependencies, product, *_ = dockerfile.said("COPY")
    assert dependencies.startswith("--from=dependencies ")
    assert product.startswith("--from=product ")
    assert dependencies.split()[-1] == product.split()[-1]


def test_it_runs_as_a_user_who_owns_nothing_in_it(dockerfile: Dockerfile) -> None:
    assert dockerfile.said("USER") == ["10001:10001"]
    assert not [said for said in dockerfile.said("COPY") if "--chown" in said or "--chmod" in said]


def test_it_starts_without_a_shell_and_ends_by_sigterm(dockerfile: Dockerfile) -> None:
    (command,) = dockerfile.said("CMD")
    assert json.loads(command)[0].startswith("parkingspots")
    assert dockerfile.said("STOPSIGNAL") == ["SIGTERM"]
    assert not dockerfile.said("ENTRYPOINT", "HEALTHCHECK", "VOLUME", "SHELL")


def test_it_writes_nothing_to_itself(dockerfile: Dockerfile) -> None:
    assert "PYTHONDONTWRITEBYTECODE=1" in " ".join(dockerfile.said("ENV"))


def test_it_says_what_it_is(dockerfile: Dockerfile) -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', " ".join(dockerfile.said("LABEL"))))
    assert set(labels) == set(LABELS)
    assert labels["licenses"] == "Apache-2.0"
    assert labels["source"] == yaml.safe_load((TEMPLATES.parent / "Chart.yaml").read_text())["home"]
    assert (labels["version"], labels["revision"]) == ("${VERSION}", "${REVISION}")
    assert dockerfile.said("ARG") == ["VERSION=dev", "REVISION=unknown"]


def test_what_differs_at_each_build_is_said_last(dockerfile: Dockerfile) -> None:
    kinds = [kind for kind, _ in dockerfile.stages[-1].instructions]
    assert kinds[kinds.index("ARG") :] == ["ARG", "ARG", "LABEL"]


def test_its_ports_are_those_of_its_pods(dockerfile: Dockerfile) -> None:
    of_pods = re.findall(r"containerPort: (\d+)", (TEMPLATES / PODS[dockerfile.folder]).read_text())
    (exposed,) = dockerfile.said("EXPOSE")
    assert exposed.split() == of_pods


def test_whatever_is_copied_is_there_and_comes_into_the_build(dockerfile: Dockerfile) -> None:
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copies = [said.split() for stage in dockerfile.stages for said in stage.of("COPY") if not said.startswith("--from")]
    for source in (source for *sources, _ in copies for source in sources):
        assert (ROOT / source).exists()
        assert any(fnmatch(source, allowed) or Path(source).is_relative_to(allowed) for allowed in let_in)


def test_every_stage_that_is_copied_from_is_there(dockerfile: Dockerfile) -> None:
    names = {stage.name for stage in dockerfile.stages}
    copies = [said for stage in dockerfile.stages for said in stage.of("COPY")]
    assert {name for said in copies for name in re.findall(r"--from=(\S+)", said)} <= names
