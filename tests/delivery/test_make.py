"""The targets for clusters and releases: what they call, and what they say where something is missing."""

import re
from pathlib import Path

import pytest
import yaml

from delivery.stand_ins import ROOT, Machine, called

MAKEFILES = (ROOT / "Makefile", ROOT / "k8s" / "cluster.mk")
UNREACHABLE = 'case "$*" in version*) exit 1;; esac'
OURS, THEIRS = "kind-parkingspots", "production"
MADE_BY_KIND = 'case "$*" in "get nodes"*) echo kind://docker/parkingspots/parkingspots-control-plane;; esac'
NO_CLUSTERS = 'case "$*" in "get clusters") echo "No kind clusters found." >&2;; esac'
OURS_IS_THERE = 'case "$*" in "get clusters") echo parkingspots;; esac'


def leads_to(context: str, then: str = "exit 0") -> str:
    """A kubectl with that current context."""
    return f'case "$*" in "config current-context") echo "{context}";; esac\n{then}'


def targets() -> set[str]:
    lines = (re.search(r"^\.PHONY: (.+)$", file.read_text(), re.MULTILINE) for file in MAKEFILES)
    return {name for line in lines if line for name in line[1].split()}


def test_help_lists_every_target_in_two_columns(machine: Machine) -> None:
    listing = machine.make("help").stdout.splitlines()
    assert {line.split()[0] for line in listing} == targets()
    assert len({len(re.match(r"\S+ +", line)[0]) for line in listing}) == 1  # type: ignore[index]


@pytest.mark.parametrize(
    ("target", "there", "missing"),
    [
        ("cluster", (), "kubectl"),
        ("cluster", ("unreachable",), "kind"),
        ("images", (), "docker"),
        ("images", ("docker",), "kind"),
        ("up", ("kubectl",), "helm"),
        ("addons", (), "helm"),
        ("addons", ("helm",), "kubectl"),
        ("monitoring", (), "kubectl"),
        ("publish", (), "helm"),
    ],
)
def test_a_program_that_is_missing_is_named_in_one_line(
    machine: Machine, target: str, there: tuple[str, ...], missing: str
) -> None:
    for name in there:
        then = {"unreachable": UNREACHABLE, "kubectl": leads_to(OURS)}.get(name, "exit 0")
        machine.install("kubectl" if name == "unreachable" else name, then)
    ran = machine.make(target, *(["IMAGE_TAG=1.2.3"] if target == "publish" else []))
    complaint = [line for line in ran.stderr.splitlines() if not line.startswith("make: ***")]
    assert ran.returncode
    assert len(complaint) == 1
    assert complaint[0].startswith(f"{missing} is not installed. ")


def test_a_cluster_that_can_be_reached_is_taken(machine: Machine) -> None:
    machine.install("kubectl", leads_to(OURS))
    machine.install("kind")
    assert OURS in machine.make("cluster").stdout
    assert not called(machine.calls, "kind")


@pytest.mark.parametrize("target", ["cluster", "up", "watch", "e2e", "monitoring"])
def test_a_cluster_that_nobody_chose_is_left_alone(machine: Machine, target: str) -> None:
    install_all(machine, THEIRS)
    ran = machine.make(target, "--assume-old=install", f"BIN={machine.bin}")
    assert ran.returncode
    assert f"The current context is '{THEIRS}', and nobody chose it." in ran.stderr
    assert f"CONTEXT='{THEIRS}'" in ran.stderr
    assert {call.split()[1] for call in machine.calls} <= {"version", "config"}


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [((f"CONTEXT={THEIRS}",), {}), ((), {"KUBECONFIG": "/a/file"})],
    ids=["by its name", "by its file"],
)
def test_a_cluster_that_was_chosen_is_installed_into(
    machine: Machine, arguments: tuple[str, ...], environment: dict[str, str]
) -> None:
    install_all(machine, THEIRS)
    ran = machine.make("up", *arguments, **environment)
    assert ran.returncode == 0, ran.stderr
    assert f"The cluster is that of the context {THEIRS}." in ran.stdout
    assert called(machine.calls, "helm")


def test_the_context_that_is_named_is_the_only_one(machine: Machine) -> None:
    install_all(machine, OURS)
    assert machine.make("up", f"CONTEXT={THEIRS}").returncode
    assert not called(machine.calls, "helm")


def test_a_context_that_is_another_after_the_build_is_left_alone(machine: Machine) -> None:
    install_all(machine, OURS)
    machine.install("docker", f"cat > {machine.bin}/kubectl <<'END'\n#!/bin/sh\n{leads_to(THEIRS)}\nEND")
    assert machine.make("up").returncode
    assert not called(machine.calls, "helm")


def test_what_is_watched_stays_in_the_cluster_where_it_began(machine: Machine) -> None:
    install_all(machine, OURS)
    (machine.bin / "python").symlink_to(machine.bin / "echo")
    said = machine.make("watch", "--assume-old=install", f"BIN={machine.bin}").stdout
    assert f"--context {OURS} " in said
    assert said.rstrip().endswith(f"CONTEXT={OURS}")


def test_addons_are_for_clusters_of_kind(machine: Machine) -> None:
    install_all(machine, THEIRS)
    ran = machine.make("addons", f"CONTEXT={THEIRS}")
    assert ran.returncode
    assert f"The cluster of the context {THEIRS} is not kind's" in ran.stderr
    assert not called(machine.calls, "helm")
    machine.install("kubectl", MADE_BY_KIND)
    assert machine.make("addons").returncode == 0
    assert len(called(machine.calls, "helm")) == 2


def test_where_none_can_be_reached_kind_makes_one(machine: Machine) -> None:
    machine.install("kubectl", UNREACHABLE)
    machine.install("kind", NO_CLUSTERS)
    assert machine.make("cluster").returncode == 0
    assert machine.calls[-1] == "kind create cluster --config k8s/kind.yaml --wait 2m"


def test_a_kind_cluster_that_is_there_already_is_found_again(machine: Machine) -> None:
    machine.install("kubectl", UNREACHABLE)
    machine.install("kind", OURS_IS_THERE)
    assert machine.make("cluster").returncode == 0
    assert machine.calls[-1] == "kind export kubeconfig --name parkingspots"


def test_a_kubeconfig_that_leads_nowhere_is_no_reason_to_make_another_cluster(machine: Machine, tmp_path: Path) -> None:
    machine.install("kubectl", UNREACHABLE)
    machine.install("kind", NO_CLUSTERS)
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text("apiVersion: v1")
    ran = machine.make("cluster", KUBECONFIG=str(kubeconfig))
    assert ran.returncode
    assert str(kubeconfig) in ran.stderr
    assert not called(machine.calls, "kind")


def test_images_are_built_by_docker_and_loaded_into_kind(machine: Machine) -> None:
    machine.install("docker")
    machine.install("kind")
    assert machine.make("images").returncode == 0
    service, operator = called(machine.calls, "docker")
    assert service.startswith(
        "docker build --tag parkingspots:dev . --file service/Dockerfile --build-arg VERSION=dev "
    )
    assert operator.startswith("docker build --tag parkingspots-operator:dev . --file operator/Dockerfile ")
    assert called(machine.calls, "kind") == [
        f"kind load docker-image --name parkingspots {name}:dev" for name in ("parkingspots", "parkingspots-operator")
    ]


def test_one_command_may_build_and_load(machine: Machine) -> None:
    machine.install("image")
    variables = ("IMAGE_BUILDER=image build", "IMAGE_LOADER=true", "BASE_IMAGE=localhost/python:3")
    assert machine.make("images", *variables, "IMAGE_PREFIX=localhost/").returncode == 0
    assert [call.partition(" --build-arg VERSION")[0] for call in machine.calls] == [
        f"image build localhost/{name}:dev . --file {folder}/Dockerfile --build-arg BASE_IMAGE=localhost/python:3"
        for name, folder in (("parkingspots", "service"), ("parkingspots-operator", "operator"))
    ]


def test_an_image_that_cannot_be_built_ends_it(machine: Machine) -> None:
    machine.install("docker", "exit 1")
    machine.install("kind")
    assert machine.make("images").returncode
    assert not called(machine.calls, "kind")


def install_all(machine: Machine, context: str) -> None:
    """Everything that a target for clusters calls."""
    for name in ("docker", "kind", "helm", "pytest"):
        machine.install(name)
    machine.install("kubectl", leads_to(context))


def test_up_installs_the_images_that_it_built(machine: Machine) -> None:
    install_all(machine, OURS)
    assert machine.make("up", "IMAGE_PREFIX=registry.example.com/", "HELM_ARGS=--values mine.yaml").returncode == 0
    service, operator = (re.search(r"--tag (\S+):(\S+)", call) for call in called(machine.calls, "docker"))
    (installed,) = called(machine.calls, "helm")
    assert service
    assert operator
    assert service[2] == operator[2] != "dev"
    assert f"--set-string image.repository={service[1]},image.tag={service[2]}" in installed
    assert f"operator.image.repository={operator[1]},operator.image.tag={operator[2]}" in installed
    assert installed.endswith("--values mine.yaml")


def test_what_images_are_made_of_decides_their_tag(machine: Machine, tmp_path: Path) -> None:
    install_all(machine, OURS)
    copy = tmp_path / "copy"
    for folder in ("service", "lifecycle-cronjob", "operator", "requirements", "k8s"):
        (copy / folder).mkdir(parents=True)
    for makefile in MAKEFILES:
        (copy / makefile.relative_to(ROOT)).write_text(makefile.read_text())

    def tag() -> str:
        assert machine.run(copy, "make", "up").returncode == 0
        return called(machine.calls, "helm")[-1].partition("operator.image.tag=")[2].split()[0]

    (copy / "service" / "one.py").write_text("1")
    first = tag()
    assert tag() == first
    (copy / "service" / "one.py").write_text("2")
    assert tag() != first


def test_a_release_wants_a_version(machine: Machine) -> None:
    ran = machine.make("release")
    assert ran.returncode
    assert "make release VERSION=1.2.3" in ran.stdout


@pytest.mark.parametrize(
    ("chosen", "builder"),
    [((), "echo docker build --tag"), (("IMAGE_BUILDER=image build",), "image build")],
    ids=["by nobody", "by somebody"],
)
def test_a_dry_run_builds_images_only_with_what_was_chosen(
    machine: Machine, chosen: tuple[str, ...], builder: str
) -> None:
    shown = machine.make("-n", "release", "VERSION=1.2.3", "DRY_RUN=1", "--assume-old=install", *chosen).stdout
    assert f"--builder '{builder}'" in shown
    assert "--dry-run" not in machine.make("-n", "release", "VERSION=1.2.3").stdout


@pytest.mark.parametrize("target", ["sign", "announce"])
def test_only_a_tag_is_signed_and_told_of(machine: Machine, target: str) -> None:
    machine.install("git", "exit 128")
    for name in ("cosign", "gh"):
        machine.install(name)
    ran = machine.make(target, "--assume-old=sbom")
    assert ran.returncode
    assert "No tag is checked out" in ran.stdout
    assert not called(machine.calls, "cosign") + called(machine.calls, "gh")


def test_what_is_told_of_is_the_chart_the_sboms_and_their_signed_checksums(machine: Machine) -> None:
    machine.install("git", "echo v1.2.3")
    machine.install("gh")
    assert machine.make("announce").returncode == 0
    (call,) = called(machine.calls, "gh")
    files = [part for part in call.split() if "/" in part]
    assert [Path(file).name for file in files] == [
        *("parkingspots-1.2.3.tgz", "parkingspots.json", "parkingspots-operator.json"),
        *("SHA256SUMS", "SHA256SUMS.sigstore.json"),
    ]


def test_only_a_tag_is_published(machine: Machine) -> None:
    machine.install("helm")
    machine.install("git", "exit 128")
    ran = machine.make("publish")
    assert ran.returncode
    assert "No tag is checked out" in ran.stdout
    assert not called(machine.calls, "helm")


def test_publishing_pushes_both_images_and_the_chart(machine: Machine) -> None:
    for name in ("helm", "docker"):
        machine.install(name)
    machine.install("git", "echo v1.2.3")
    ran = machine.make("publish", "REGISTRY=registry.example.com/parking", REGISTRY_USER="me", REGISTRY_TOKEN="secret")
    assert ran.returncode == 0
    assert "secret" not in ran.stdout + ran.stderr + "".join(machine.calls)
    pushed = [call for call in machine.calls if " push " in call or " login " in call]
    assert pushed == [
        "docker login registry.example.com --username me --password-stdin",
        "docker push registry.example.com/parking/parkingspots:1.2.3",
        "docker push registry.example.com/parking/parkingspots-operator:1.2.3",
        "helm push dist/parkingspots-1.2.3.tgz oci://registry.example.com/parking/charts",
    ]


def test_the_chart_that_is_published_names_the_images_that_are(machine: Machine) -> None:
    kept = machine.folder / "values.yaml"
    machine.install("docker")
    machine.install("git", "echo v1.2.3")
    machine.install("helm", f'[ "$1" = push ] || {{ cd "$2" && cat values.yaml > {kept} && cat *.* > {kept}.all; }}')
    assert machine.make("publish", "REGISTRY=registry.example.com:5000/parking").returncode == 0
    values = yaml.safe_load(kept.read_text())
    images = [f"{image['registry']}/{image['repository']}" for image in (values["image"], values["operator"]["image"])]
    pushed = [call.split()[2] for call in called(machine.calls, "docker") if call.startswith("docker push")]
    assert [f"{image}:1.2.3" for image in images] == pushed
    files = Path(f"{kept}.all").read_text()
    assert "ghcr.io" not in files
    assert "oci://registry.example.com:5000/parking/charts" in files
