"""skaffold.yaml: Skaffold itself does not run here, so whatever the file names is held against the repository."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from chart.rendering import CHART, ROOT, Helm, Manifest, containers, one
from parkingspots.dev import live

SKAFFOLD: dict[str, Any] = yaml.safe_load((ROOT / "skaffold.yaml").read_text())
MAKE = (ROOT / "k8s" / "cluster.mk").read_text()
SERVICE, OPERATOR = SKAFFOLD["build"]["artifacts"]
(RELEASE,) = SKAFFOLD["deploy"]["helm"]["releases"]
(DEBUG,) = SKAFFOLD["profiles"]
ANY: Mapping[str, Any] = {}
DOCUMENTED: Mapping[str, Any] = {
    "apiVersion": ANY,
    "kind": ANY,
    "metadata": {"name": ANY},
    "build": {
        "tagPolicy": {"inputDigest": ANY},
        "local": {"push": ANY, "useBuildkit": ANY},
        "artifacts": {
            "image": ANY,
            "context": ANY,
            "docker": {"dockerfile": ANY, "target": ANY, "buildArgs": ANY},
            "sync": {
                "manual": {"src": ANY, "dest": ANY, "strip": ANY},
                "hooks": {"after": {"container": {"command": ANY}}},
            },
        },
    },
    "deploy": {
        "helm": {
            "releases": {
                **dict.fromkeys(("name", "chartPath", "valuesFiles", "namespace", "createNamespace", "wait"), ANY),
                "skipBuildDependencies": ANY,
                "setValueTemplates": ANY,
            }
        }
    },
    "portForward": dict.fromkeys(("resourceType", "resourceName", "namespace", "port", "localPort"), ANY),
    "profiles": {"name": ANY, "patches": {"op": ANY, "path": ANY, "value": ANY}},
}
"""The part of the schema skaffold/v4beta13 that we use, by its reference; lists stand for what is in them."""


def unknown(node: Any, documented: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """What stands where the schema has nothing of that name."""
    if isinstance(node, list):
        for each in node:
            yield from unknown(each, documented, path)
    elif isinstance(node, dict) and documented is not ANY:
        for name, child in node.items():
            if name in documented:
                yield from unknown(child, documented[name], f"{path}/{name}")
            else:
                yield f"{path}/{name}"


@pytest.fixture
def deployed(chart: Helm) -> list[Manifest]:
    """What `skaffold dev` brings up; secrets are named, as Helm sees no cluster here."""
    return with_values(chart, RELEASE["valuesFiles"])


@pytest.fixture
def debugged(chart: Helm) -> list[Manifest]:
    return with_values(chart, [*RELEASE["valuesFiles"], patch("/deploy/helm/releases/0/valuesFiles/-")])


def with_values(chart: Helm, files: list[str]) -> list[Manifest]:
    flags = [flag for name in files for flag in ("--values", str(ROOT / name))]
    return chart.render("evaluation", release=RELEASE["name"], flags=flags)


def patch(path: str) -> Any:
    (found,) = [each["value"] for each in DEBUG["patches"] if each["path"] == path]
    return found


def test_it_keeps_to_the_schema() -> None:
    assert (SKAFFOLD["apiVersion"], SKAFFOLD["kind"]) == ("skaffold/v4beta13", "Config")
    assert list(unknown(SKAFFOLD, DOCUMENTED)) == []


@pytest.mark.parametrize("artifact", [SERVICE, OPERATOR], ids=lambda artifact: artifact["image"])
def test_it_builds_what_make_builds(artifact: dict[str, Any]) -> None:
    dockerfile = ROOT / artifact["context"] / artifact["docker"]["dockerfile"]
    assert f"--file {artifact['docker']['dockerfile']}" in MAKE
    assert re.search(rf"^\w+_IMAGE = \$\(IMAGE_PREFIX\){artifact['image']}$", MAKE, re.MULTILINE)
    if target := artifact["docker"].get("target"):
        assert f" AS {target}\n" in dockerfile.read_text()
        assert f"IMAGE_TARGET={target}" in MAKE


def test_it_deploys_what_make_deploys() -> None:
    for name in (RELEASE["chartPath"], *RELEASE["valuesFiles"], patch("/deploy/helm/releases/0/valuesFiles/-")):
        assert (ROOT / name).exists()
        assert name in MAKE
    assert f"upgrade --install {RELEASE['name']} {RELEASE['chartPath']}" in MAKE
    assert f"NAMESPACE ?= {RELEASE['namespace']}\n" in MAKE


def test_the_images_go_where_the_chart_looks_for_them(deployed: list[Manifest]) -> None:
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    for path, template in RELEASE["setValueTemplates"].items():
        node = defaults
        for name in path.split("."):
            node = node[name]
        artifact = OPERATOR if path.startswith("operator.") else SERVICE
        part = {"repository": "REPO", "tag": "TAG"}[path.rpartition(".")[2]]
        assert template == f"{{{{.IMAGE_{part}_{re.sub('[-./]', '_', artifact['image'])}}}}}"
    for name, artifact in (("-api", SERVICE), ("-operator", OPERATOR)):
        pod = one(deployed, "Deployment", name)["spec"]["template"]
        assert {each["image"].rpartition(":")[0] for each in containers(pod)} == {artifact["image"]}


def test_python_goes_into_the_copy_that_the_api_runs_from(deployed: list[Manifest]) -> None:
    (rule,) = SERVICE["sync"]["manual"]
    assert rule["dest"] == str(live.LIVE)
    assert rule["src"] == f"{rule['strip']}{live.PACKAGE.name}/**/*.py"
    assert (ROOT / rule["strip"] / live.PACKAGE.name).resolve() == live.PACKAGE
    (container,) = one(deployed, "Deployment", "-api")["spec"]["template"]["spec"]["containers"]
    volumes = [mount["mountPath"] for mount in container["volumeMounts"]]
    assert any(live.LIVE.is_relative_to(folder) for folder in volumes)
    assert container["command"][:2] == ["parkingspots", "serve"]


def test_the_api_is_told_as_it_listens() -> None:
    ((hook,),) = SERVICE["sync"]["hooks"].values()
    command = hook["container"]["command"]
    assert command[:2] == ["sh", "-c"]
    assert command[2] in (ROOT / "k8s" / "watch.py").read_text()
    assert f'LIVE = "{live.LIVE}"' in (ROOT / "k8s" / "watch.py").read_text()


@pytest.mark.parametrize("forward", SKAFFOLD["portForward"], ids=lambda forward: forward["resourceName"])
def test_a_port_is_one_that_the_chart_opens(deployed: list[Manifest], forward: dict[str, Any]) -> None:
    service = one(deployed, forward["resourceType"], forward["resourceName"])
    assert service["metadata"]["name"] == forward["resourceName"]
    assert forward["port"] in [port["port"] for port in service["spec"]["ports"]]
    assert forward["namespace"] == RELEASE["namespace"]


def test_the_debugger_is_forwarded_from_where_it_listens(debugged: list[Manifest]) -> None:
    forward = patch("/portForward/-")
    deployment = one(debugged, forward["resourceType"], "-api")
    assert deployment["metadata"]["name"] == forward["resourceName"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    listening = [each["value"] for each in container["env"] if each["name"] == "DEBUG_PORT"]
    assert listening == [str(forward["port"])]


def test_nothing_ends_a_process_that_stands_at_a_breakpoint(debugged: list[Manifest]) -> None:
    (container,) = one(debugged, "Deployment", "-api")["spec"]["template"]["spec"]["containers"]
    for probe in (container["livenessProbe"], container["readinessProbe"]):
        assert probe["periodSeconds"] * probe["failureThreshold"] > 30 * 60


@pytest.mark.parametrize("change", DEBUG["patches"], ids=lambda change: change["path"])
def test_a_patch_adds_to_a_list_that_is_there(change: dict[str, Any]) -> None:
    node: Any = SKAFFOLD
    *way, end = change["path"].strip("/").split("/")
    for name in way:
        node = node[int(name)] if isinstance(node, list) else node[name]
    assert isinstance(node, list)
    assert (change["op"], end) == ("add", "-")
