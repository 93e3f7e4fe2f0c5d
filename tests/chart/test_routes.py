"""Clients reach the API and nothing else; policies let in and out what the product needs."""

import pytest

from chart.rendering import Helm, Manifest, of_kind, one, pods, title
from chart.test_names import chosen

PORTS = {"http": 8000, "metrics": 9090}


def client_service(manifests: list[Manifest]) -> Manifest:
    return one(manifests, "Service", "ps-parkingspots")


def backends(manifest: Manifest) -> list[tuple[str, object]]:
    """The Services, and their ports, that a route leads to."""
    if manifest["kind"] == "HTTPRoute":
        return [(to["name"], to["port"]) for rule in manifest["spec"]["rules"] for to in rule["backendRefs"]]
    services = [path["backend"]["service"] for rule in manifest["spec"]["rules"] for path in rule["http"]["paths"]]
    return [(service["name"], service["port"]["name"]) for service in services]


def test_the_clients_service_leads_to_the_apis_port_alone(rendered: list[Manifest]) -> None:
    ports = client_service(rendered)["spec"]["ports"]
    assert [(port["name"], port["targetPort"]) for port in ports] == [("http", "http")]
    (api,) = one(rendered, "Deployment", "-api")["spec"]["template"]["spec"]["containers"]
    assert {port["name"]: port["containerPort"] for port in api["ports"]} == PORTS
    assert {"name": "METRICS_PORT", "value": "9090"} in api["env"]
    assert api["command"][-1] == "8000"


def test_every_route_leads_to_the_clients_service(rendered: list[Manifest]) -> None:
    service = client_service(rendered)
    name, port = service["metadata"]["name"], service["spec"]["ports"][0]
    for each in rendered:
        if each["kind"] in {"Ingress", "HTTPRoute"}:
            assert backends(each)
            assert all(to in {(name, port["name"]), (name, port["port"])} for to in backends(each)), title(each)


def test_metrics_are_inside_the_cluster_alone(rendered: list[Manifest]) -> None:
    service = one(rendered, "Service", "-metrics")
    assert service["spec"]["clusterIP"] == "None"
    assert "type" not in service["spec"]


@pytest.mark.parametrize("kind", ["NodePort", "LoadBalancer"])
def test_a_service_for_the_outside_shows_no_metrics(chart: Helm, kind: str) -> None:
    manifests = chart.render("evaluation", {"api.service": {"type": kind, "nodePort": 30080}})
    outside = [each for each in of_kind(manifests, "Service") if each["spec"].get("type") == kind]
    assert outside == [client_service(manifests)]
    assert [port["nodePort"] for port in outside[0]["spec"]["ports"]] == [30080]


def test_every_service_leads_to_a_port_that_its_pods_have(rendered: list[Manifest]) -> None:
    for service in of_kind(rendered, "Service"):
        for pod in chosen({"matchLabels": service["spec"]["selector"]}, rendered):
            open_ports = {port["name"] for each in pod["spec"]["containers"] for port in each.get("ports", [])}
            assert {port["targetPort"] for port in service["spec"]["ports"]} <= open_ports, title(service)


def test_monitors_find_what_they_look_for(rendered: list[Manifest]) -> None:
    for monitor in of_kind(rendered, "ServiceMonitor"):
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        (service,) = [each for each in of_kind(rendered, "Service") if wanted <= each["metadata"]["labels"].items()]
        assert {each["port"] for each in monitor["spec"]["endpoints"]} == {
            each["name"] for each in service["spec"]["ports"]
        }
    for monitor in of_kind(rendered, "PodMonitor"):
        (pod,) = chosen(monitor["spec"]["selector"], rendered)
        open_ports = {port["name"] for each in pod["spec"]["containers"] for port in each["ports"]}
        assert {each["port"] for each in monitor["spec"]["podMetricsEndpoints"]} <= open_ports


def test_monitors_and_dashboards_have_the_labels_by_which_they_are_found(production: list[Manifest]) -> None:
    for kind in ("ServiceMonitor", "PodMonitor", "PrometheusRule"):
        (found,) = of_kind(production, kind)
        assert found["metadata"]["labels"]["release"] == "kube-prometheus-stack"


def test_an_ingress_has_hosts_and_certificates(production: list[Manifest]) -> None:
    (ingress,) = of_kind(production, "Ingress")
    hosts = [rule["host"] for rule in ingress["spec"]["rules"]]
    assert hosts == ["api.parking.example.com", "api.parking.example.org"]
    assert ingress["spec"]["tls"] == [{"secretName": "parkingspots-tls", "hosts": hosts}]
    assert ingress["spec"]["ingressClassName"] == "nginx"
    assert ingress["metadata"]["annotations"] == {"cert-manager.io/cluster-issuer": "letsencrypt"}


def test_an_ingress_may_take_any_host(chart: Helm) -> None:
    (ingress,) = of_kind(chart.render("evaluation", {"ingress.hosts": [{"host": "", "path": "/"}]}), "Ingress")
    assert "host" not in ingress["spec"]["rules"][0]


def test_a_route_is_attached_to_the_gateway(chart: Helm) -> None:
    manifests = chart.render("gateway-api")
    (route,) = of_kind(manifests, "HTTPRoute")
    assert route["spec"]["parentRefs"] == [{"name": "public", "namespace": "gateways", "sectionName": "https"}]
    assert route["spec"]["hostnames"] == ["api.parking.example.com"]
    assert of_kind(manifests, "Ingress") == []


WALLED = ["production", "hpa-pdb-monitoring", "backup", "pgbouncer"]


def governing(pod: Manifest, manifests: list[Manifest]) -> Manifest:
    (policy,) = [
        each for each in of_kind(manifests, "NetworkPolicy") if pod in chosen(each["spec"]["podSelector"], manifests)
    ]
    return policy


@pytest.mark.parametrize("setup", WALLED)
def test_every_pod_is_behind_one_policy_of_both_directions(chart: Helm, setup: str) -> None:
    manifests = chart.render(setup)
    for where, pod in pods(manifests):
        assert governing(pod, manifests)["spec"]["policyTypes"] == ["Ingress", "Egress"], where


@pytest.mark.parametrize("setup", WALLED)
def test_whoever_may_go_to_a_pod_is_let_in_there(chart: Helm, setup: str) -> None:
    manifests = chart.render(setup)
    for where, pod in pods(manifests):
        for rule in governing(pod, manifests)["spec"].get("egress", []):
            for other in [each for peer in rule.get("to", []) for each in chosen(peer["podSelector"], manifests)]:
                assert numbers(rule, other) & let_in(pod, other, manifests), where


def let_in(pod: Manifest, other: Manifest, manifests: list[Manifest]) -> set[int]:
    """The ports at which the policy of `other` lets `pod` in."""
    found: set[int] = set()
    for rule in governing(other, manifests)["spec"].get("ingress", []):
        here = [
            peer.get("podSelector", {}) for peer in rule.get("from", [{}]) if peer.get("namespaceSelector", {}) == {}
        ]
        if any(pod in chosen(selector, manifests) for selector in here):
            found |= numbers(rule, other)
    return found


def numbers(rule: Manifest, pod: Manifest) -> set[int]:
    """The ports of a rule, those by name as the pod has them."""
    named = {
        port["name"]: port["containerPort"] for each in pod["spec"]["containers"] for port in each.get("ports", [])
    }
    return {named.get(port["port"], port["port"]) for port in rule["ports"]}


@pytest.mark.parametrize("component", ["api", "lifecycle", "migration", "purge"])
def test_what_needs_the_database_and_the_cache_may_go_there(chart: Helm, component: str) -> None:
    manifests = chart.render("hpa-pdb-monitoring")
    (pod,) = [
        each for _, each in pods(manifests) if each["metadata"]["labels"]["app.kubernetes.io/component"] == component
    ]
    rules = governing(pod, manifests)["spec"]["egress"]
    reached = [
        other for rule in rules for peer in rule.get("to", []) for other in chosen(peer["podSelector"], manifests)
    ]
    assert {each["metadata"]["labels"]["app.kubernetes.io/component"] for each in reached} == {"database", "cache"}
    assert {port["port"] for port in rules[0]["ports"]} == {53}


def test_a_pod_may_go_to_a_database_and_a_cache_elsewhere(chart: Helm) -> None:
    for setup, ports in (("production", {5432, 6380}), ("pgbouncer", {6432, 5432})):
        manifests = chart.render(setup)
        rules = one(manifests, "NetworkPolicy", "-api")["spec"]["egress"]
        assert {port["port"] for rule in rules for port in rule["ports"]} == {53, 443, 465, 587, *ports}


def test_the_api_is_let_in_by_whom_the_values_name(production: list[Manifest]) -> None:
    clients, metrics = one(production, "NetworkPolicy", "-api")["spec"]["ingress"]
    assert [port["port"] for port in clients["ports"]] == ["http"]
    assert clients["from"][0]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "ingress-nginx"}
    assert [port["port"] for port in metrics["ports"]] == ["metrics"]
    assert metrics["from"][0]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "monitoring"}


def test_the_operator_may_go_to_the_api_server_by_the_ports_of_the_values(chart: Helm) -> None:
    values = {"networkPolicy": {"enabled": True, "apiServerPorts": [7443]}}
    _, api_server = one(chart.render("evaluation", values), "NetworkPolicy", "-operator")["spec"]["egress"]
    assert api_server == {"ports": [{"port": 7443, "protocol": "TCP"}]}


def test_there_is_no_policy_unless_it_is_asked_for(evaluation: list[Manifest]) -> None:
    assert of_kind(evaluation, "NetworkPolicy") == []
