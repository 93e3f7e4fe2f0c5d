"""What runs is confined, counted and knows no more of Kubernetes than it needs."""

import re
from copy import deepcopy
from typing import Any

import pytest
import typer.main

from chart.pod_security import breaches
from chart.released import jobs_of
from chart.rendering import Helm, Manifest, containers, of_kind, one, pods, variables
from parkingspots import cli

OPERATOR = "operator"
SERVICE_IMAGE = re.compile(r"/parkingspots[:@]")


def component(pod: Manifest) -> str:
    name: str = pod["metadata"]["labels"]["app.kubernetes.io/component"]
    return name


def account(pod: Manifest) -> str:
    name: str = pod["spec"].get("serviceAccountName", "default")
    return name


def test_every_container_of_the_service_leaves_its_last_words(rendered: list[Manifest]) -> None:
    """The operator says them: it reads no log."""
    for where, pod in pods(rendered):
        for container in containers(pod):
            if SERVICE_IMAGE.search(container["image"]) and component(pod) != "test":
                assert container["terminationMessagePolicy"] == "FallbackToLogsOnError", where


def test_every_pod_keeps_the_restricted_standard(rendered: list[Manifest]) -> None:
    assert {where: found for where, pod in pods(rendered) if (found := breaches(pod))} == {}


@pytest.mark.parametrize(
    ("change", "breach"),
    [
        ({"hostNetwork": True}, "hostNetwork is on"),
        ({"volumes": [{"name": "host", "hostPath": {"path": "/"}}]}, "the volume host is a hostPath"),
        ({"securityContext": {}}, "gate may run as root"),
        ({"initContainers": [{"name": "gate"}]}, "gate may get more privileges"),
        ({"initContainers": [{"name": "gate"}]}, "gate has capabilities"),
    ],
)
def test_a_breach_of_the_standard_is_found(change: dict[str, object], breach: str) -> None:
    confined = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    good = {
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{"name": "gate", "securityContext": confined}],
    }
    assert breaches({"spec": good}) == []
    assert breach in breaches({"spec": {**deepcopy(good), **change}})


def test_every_container_writes_to_its_volumes_alone(rendered: list[Manifest]) -> None:
    for where, pod in pods(rendered):
        for container in containers(pod):
            assert container["securityContext"].get("readOnlyRootFilesystem") is True, where


def test_every_volume_is_mounted_and_every_mount_has_one(rendered: list[Manifest]) -> None:
    claimed = {f"{each['metadata']['name']}": "data" for each in of_kind(rendered, "StatefulSet")}
    for where, pod in pods(rendered):
        volumes = {volume["name"] for volume in pod["spec"].get("volumes", [])}
        mounts = {mount["name"] for container in containers(pod) for mount in container.get("volumeMounts", [])}
        owner = where.partition("/")[2].split()[0]
        assert mounts == volumes | ({claimed[owner]} if owner in claimed else set()), where


def test_every_container_says_what_it_needs(rendered: list[Manifest]) -> None:
    for where, pod in pods(rendered):
        for container in containers(pod):
            assert container["resources"]["requests"].keys() >= {"cpu", "memory"}, where
            assert "memory" in container["resources"]["limits"], where


def test_every_image_is_named_in_full(rendered: list[Manifest]) -> None:
    for where, pod in pods(rendered):
        for container in containers(pod):
            assert re.fullmatch(r"[^/]+\.[^/]+/[^:@]+(:[^:@]*\d[^:@]*|@sha256:\w{64})", container["image"]), where


def test_only_the_operator_has_a_token(rendered: list[Manifest]) -> None:
    for where, pod in pods(rendered):
        assert pod["spec"]["automountServiceAccountToken"] is (component(pod) == OPERATOR), where
    for each in of_kind(rendered, "ServiceAccount"):
        assert each["automountServiceAccountToken"] is False


def test_only_the_operator_has_rights(rendered: list[Manifest]) -> None:
    for binding in of_kind(rendered, "RoleBinding"):
        (subject,) = binding["subjects"]
        assert subject["name"].endswith("-operator")
        for where, pod in pods(rendered):
            assert (account(pod) == subject["name"]) is (component(pod) == OPERATOR), where
    assert {each["kind"] for each in rendered}.isdisjoint({"ClusterRole", "ClusterRoleBinding"})


def test_no_pod_is_told_of_the_services_around_it(rendered: list[Manifest]) -> None:
    for where, pod in pods(rendered):
        assert pod["spec"]["enableServiceLinks"] is False, where


def test_every_account_that_a_pod_names_is_there(rendered: list[Manifest]) -> None:
    there = {each["metadata"]["name"] for each in of_kind(rendered, "ServiceAccount")}
    assert {account(pod) for _, pod in pods(rendered)} <= {*there, "default"}


def test_every_configuration_that_a_pod_names_is_there(rendered: list[Manifest]) -> None:
    there = {each["metadata"]["name"] for each in of_kind(rendered, "ConfigMap")}
    for where, pod in pods(rendered):
        volumes = {volume["configMap"]["name"] for volume in pod["spec"].get("volumes", []) if "configMap" in volume}
        assert volumes <= there, where


def test_every_container_of_the_product_knows_the_settings(rendered: list[Manifest]) -> None:
    for where, pod in pods(rendered):
        for container in containers(pod):
            if SERVICE_IMAGE.search(container["image"]) and component(pod) != "test":
                assert "DATABASE_HOST" in variables(container), where
                assert "envFrom" not in container, f"{where}: an old pod that starts again would have new settings"


def test_no_variable_is_given_twice(rendered: list[Manifest]) -> None:
    for where, pod in pods(rendered):
        for container in containers(pod):
            names = [variable["name"] for variable in container.get("env", [])]
            assert len(names) == len(set(names)), where


def test_every_command_is_one_of_the_programs(rendered: list[Manifest]) -> None:
    without_release = [each for each in rendered if each["kind"] != "Release"]
    running = [each for _, pod in pods([*without_release, *jobs_of(rendered)]) for each in containers(pod)]
    commands = [each["command"] + each.get("args", []) for each in running if "command" in each]
    for name, *arguments in commands:
        assert name in {"parkingspots", "parkingspots-lifecycle", "parkingspots-operator", "sh"}
        if name == "parkingspots":
            understood(typer.main.get_command(cli.app), name, arguments)


def understood(command: Any, name: str, arguments: list[str]) -> None:
    """Fail where a program would not know a command or an option."""
    command.make_context(name, list(arguments))
    if hasattr(command, "commands"):
        step, *rest = arguments
        understood(command.commands[step], step, rest)


def test_an_umbrella_shares_its_registry_and_its_pull_secrets(umbrella: Helm) -> None:
    for where, pod in pods(umbrella.render("")):
        assert pod["spec"]["imagePullSecrets"] == [{"name": "of-the-town"}], where
        assert all(each["image"].startswith("registry.town.example/") for each in containers(pod)), where


def test_an_umbrella_may_leave_the_chart_out(umbrella: Helm) -> None:
    assert umbrella.render("", {"parkingspots.enabled": False}) == []


@pytest.mark.parametrize("form", [["registry"], [{"name": "registry"}]], ids=["by-name", "as-kubernetes-has-them"])
def test_pull_secrets_have_two_forms(chart: Helm, form: list[object]) -> None:
    api = one(chart.render("evaluation", {"imagePullSecrets": form}), "Deployment", "-api")
    assert api["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": "registry"}]


def test_the_database_and_the_cache_run_on_kubernetes_own_terms(evaluation: list[Manifest]) -> None:
    database = one(evaluation, "StatefulSet", "-postgresql")["spec"]["template"]["spec"]
    assert database["terminationGracePeriodSeconds"] >= 60
    (server,) = database["containers"]
    assert server["startupProbe"]["periodSeconds"] * server["startupProbe"]["failureThreshold"] >= 3600
    assert "-eq 1" in server["livenessProbe"]["exec"]["command"][-1]


def test_redis_own_image_runs_in_the_place_of_valkey(chart: Helm) -> None:
    cache = one(chart.render("redis-image"), "Deployment", "-valkey")
    (server,) = cache["spec"]["template"]["spec"]["containers"]
    assert server["image"].startswith("docker.io/library/redis:")
    assert "exec redis-server /data/server.conf" in server["args"][0]
