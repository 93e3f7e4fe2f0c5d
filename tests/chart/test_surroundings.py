"""What lies in k8s/ around the chart: a kind cluster, a Prometheus and a Grafana, a CloudNativePG cluster."""

import re
from typing import Any

import pytest
import yaml

from chart.kubernetes_schemas import VERSIONS, complaints
from chart.pod_security import breaches
from chart.rendering import CHART, ROOT, Helm, Manifest, containers, of_kind, one, parsed, pods, title

K8S = ROOT / "k8s"
MONITORING = [each for path in sorted((K8S / "monitoring").glob("*.yaml")) for each in parsed(path.read_text())]
MAKE = (K8S / "cluster.mk").read_text()


def settings(name: str, key: str) -> Any:
    """A file of one of the ConfigMaps."""
    (found,) = [each for each in of_kind(MONITORING, "ConfigMap") if each["metadata"]["name"] == name]
    return yaml.safe_load(found["data"][key])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("manifest", MONITORING, ids=title)
def test_kubernetes_takes_the_monitoring(manifest: Manifest, version: str) -> None:
    assert complaints(manifest, version) == []


@pytest.mark.parametrize(
    ("name", "pod"), list(pods(MONITORING)), ids=lambda each: each if isinstance(each, str) else ""
)
def test_its_pods_keep_the_restricted_standard(name: str, pod: Manifest) -> None:
    assert breaches(pod) == [], name
    assert all(each["securityContext"]["readOnlyRootFilesystem"] for each in containers(pod))


def test_its_namespace_lets_in_no_other() -> None:
    (namespace,) = of_kind(MONITORING, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    others = [each for each in MONITORING if not each["kind"].startswith(("Namespace", "ClusterRole"))]
    assert {each["metadata"]["namespace"] for each in others} == {namespace["metadata"]["name"]}


def test_its_images_are_official_and_of_an_exact_version() -> None:
    images = [container["image"] for _, pod in pods(MONITORING) for container in containers(pod)]
    assert [re.sub(r"\d+\.\d+\.\d+$", "", image) for image in images] == [
        "docker.io/grafana/grafana:",
        "docker.io/prom/prometheus:v",
    ]


def test_prometheus_may_look_for_pods_and_nothing_else() -> None:
    (role,) = of_kind(MONITORING, "ClusterRole")
    assert role["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}]
    specs = [pod["spec"] for _, pod in pods(MONITORING)]
    (account,) = of_kind(MONITORING, "ServiceAccount")
    with_a_token = [spec["serviceAccountName"] for spec in specs if spec["automountServiceAccountToken"]]
    assert with_a_token == [account["metadata"]["name"]]


def test_prometheus_finds_the_pods_that_have_metrics(evaluation: list[Manifest]) -> None:
    (scrape,) = settings("prometheus", "prometheus.yml")["scrape_configs"]
    (discovery,) = scrape["kubernetes_sd_configs"]
    (selector,) = discovery["selectors"]
    label, value = selector["label"].split("=")
    (kept,) = [rule["regex"] for rule in scrape["relabel_configs"] if rule.get("action") == "keep"]
    found = [
        name
        for name, pod in pods(evaluation)
        if pod["metadata"]["labels"].get(label) == value
        for container in containers(pod)
        for port in container.get("ports", [])
        if port["name"] == kept
    ]
    assert [name.split()[0] for name in found] == [
        "Deployment/ps-parkingspots-api",
        "Deployment/ps-parkingspots-operator",
    ]


def test_prometheus_and_grafana_read_what_make_puts_there() -> None:
    volumes = [volume for _, pod in pods(MONITORING) for volume in pod["spec"]["volumes"]]
    optional = {volume["configMap"]["name"] for volume in volumes if volume.get("configMap", {}).get("optional")}
    assert optional == set(re.findall(r"^\tconfig ([a-z-]+) ", MAKE, re.MULTILINE))
    (rules,) = re.findall(r"config prometheus-rules --from-file=(\S+)", MAKE)
    assert all(yaml.safe_load(file.read_text())["groups"] for file in (ROOT / rules).glob("*.yaml"))
    assert list((ROOT / rules).glob("*.yaml"))
    assert f"{CHART.relative_to(ROOT)}/dashboards/*.json" in MAKE


def test_grafana_asks_that_prometheus() -> None:
    (source,) = settings("grafana", "datasources.yaml")["datasources"]
    service = one(MONITORING, "Service", "prometheus")
    assert source["url"] == f"http://{service['metadata']['name']}:{service['spec']['ports'][0]['port']}"
    (provider,) = settings("grafana", "dashboards.yaml")["providers"]
    (grafana,) = one(MONITORING, "Deployment", "grafana")["spec"]["template"]["spec"]["containers"]
    assert provider["options"]["path"] in [mount["mountPath"] for mount in grafana["volumeMounts"]]


def test_kind_leads_the_web_to_a_node_for_an_ingress_controller() -> None:
    cluster = yaml.safe_load((K8S / "kind.yaml").read_text())
    (node,) = cluster["nodes"]
    assert {(port["containerPort"], port["hostPort"]) for port in node["extraPortMappings"]} == {(80, 80), (443, 443)}
    ((label, value),) = node["labels"].items()
    assert f"nodeSelector.{label}={value}" in MAKE
    assert f"kind load docker-image --name {cluster['name']}\n" in MAKE


def test_the_values_for_cloudnativepg_name_what_it_makes(chart: Helm) -> None:
    cluster = yaml.safe_load((K8S / "cnpg" / "cluster.yaml").read_text())
    values = yaml.safe_load((K8S / "cnpg" / "values.yaml").read_text())
    name, wanted = cluster["metadata"]["name"], values["externalDatabase"]
    assert (wanted["host"], wanted["existingSecret"], wanted["caSecret"]) == (f"{name}-rw", f"{name}-app", f"{name}-ca")
    first = cluster["spec"]["bootstrap"]["initdb"]
    assert (wanted["name"], wanted["user"]) == (first["database"], first["owner"])
    assert wanted["maxConnections"] == int(cluster["spec"]["postgresql"]["parameters"]["max_connections"])
    assert values["postgresql"] == {"enabled": False}
    assert chart.render("production", flags=["--values", str(K8S / "cnpg" / "values.yaml")])


def test_a_production_begins_with_nothing_generated_and_nothing_bundled(chart: Helm) -> None:
    sample = K8S / "production-values.yaml"
    manifests = chart.render("", flags=["--values", str(sample)])
    assert not of_kind(manifests, "Secret")
    assert not of_kind(manifests, "StatefulSet")
    named = set(re.findall(r"(?:existingSecret|caSecret): (\S+)", sample.read_text()))
    listed = set(re.findall(r"^#   (parkingspots-\S+) ", sample.read_text(), re.MULTILINE))
    assert named == listed


def test_the_sample_for_production_has_what_the_set_up_for_production_has() -> None:
    sample = yaml.safe_load((K8S / "production-values.yaml").read_text())
    setup = yaml.safe_load((CHART / "ci" / "production-values.yaml").read_text())
    assert sample.keys() <= setup.keys()
    for switch in ("payments", "postgresql", "valkey", "ingress"):
        assert sample[switch]["enabled"] == setup[switch]["enabled"]
    assert sample["environment"] == setup["environment"] == "production"
