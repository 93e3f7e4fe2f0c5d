"""Names, labels and selectors: short enough, complete, and nobody else's."""

import re
from collections import Counter

import pytest

from chart.rendering import SETUPS, Helm, Manifest, of_kind, one, pods, title, walked

LONG = "the-parking-of-a-town-with-a-name-that-is-rather-long"
LONG_TOO = "the-parking-of-a-town-with-a-name-that-is-rather-same"
STABLE = {"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component"}
LABELS = STABLE | {
    "app.kubernetes.io/version",
    "app.kubernetes.io/part-of",
    "app.kubernetes.io/managed-by",
    "helm.sh/chart",
}
WITH_PODS = ("Deployment", "StatefulSet")


def selectors(manifest: Manifest) -> list[dict[str, object]]:
    """How a resource chooses pods; the ways of a Service too."""
    kind, spec = manifest["kind"], manifest.get("spec", {})
    if kind == "Service":
        return [{"matchLabels": spec["selector"]}]
    if kind in {*WITH_PODS, "PodDisruptionBudget", "PodMonitor"}:
        return [spec["selector"]]
    return [spec["podSelector"]] if kind == "NetworkPolicy" else []


def chosen(selector: dict[str, object], manifests: list[Manifest]) -> list[Manifest]:
    """The pods whose labels fit."""
    wanted: dict[str, str] = selector.get("matchLabels", {})  # type: ignore[assignment]
    among: list[Manifest] = selector.get("matchExpressions", [])  # type: ignore[assignment]
    found = []
    for _, pod in pods(manifests):
        labels = pod["metadata"]["labels"]
        if wanted.items() <= labels.items() and all(labels.get(each["key"]) in each["values"] for each in among):
            found.append(pod)
    return found


def test_every_selector_finds_pods_of_its_own_component(rendered: list[Manifest]) -> None:
    for each in rendered:
        for selector in selectors(each):
            components = {
                pod["metadata"]["labels"]["app.kubernetes.io/component"] for pod in chosen(selector, rendered)
            }
            assert components, title(each)
            assert len(components) == 1 or components == {"backup", "backup-volume", "restore"}, title(each)


def test_what_keeps_pods_keeps_its_own(rendered: list[Manifest]) -> None:
    for each in rendered:
        if each["kind"] in WITH_PODS:
            assert chosen(each["spec"]["selector"], rendered) == [each["spec"]["template"]], title(each)


def test_selectors_rest_on_labels_that_never_change(rendered: list[Manifest]) -> None:
    for each in rendered:
        for selector in selectors(each):
            assert set(selector.get("matchLabels", {})) <= STABLE, title(each)  # type: ignore[call-overload]


def test_no_value_changes_a_selector(chart: Helm, evaluation: list[Manifest]) -> None:
    changes = {"commonLabels": {"team": "parking"}, "api.podLabels": {"tier": "web"}, "image.tag": "9.9.9"}
    changed = {title(each): selectors(each) for each in chart.render("evaluation", changes)}
    assert changed == {title(each): selectors(each) for each in evaluation}


def test_pods_spread_by_the_selector_that_keeps_them(rendered: list[Manifest]) -> None:
    api = one(rendered, "Deployment", "-api")["spec"]
    spread = api["template"]["spec"]["topologySpreadConstraints"]
    assert {each["topologyKey"] for each in spread} == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
    assert all(each["labelSelector"] == api["selector"] for each in spread)


def test_every_resource_has_the_labels_that_kubernetes_recommends(rendered: list[Manifest]) -> None:
    for each in rendered:
        assert each["metadata"]["labels"].keys() >= LABELS, title(each)
    for where, pod in pods(rendered):
        assert pod["metadata"]["labels"].keys() >= STABLE, where


def test_labels_of_the_user_are_on_everything_that_is_the_products(chart: Helm) -> None:
    for each in chart.render("evaluation", {"commonLabels": {"team": "parking"}}):
        if each["metadata"]["labels"]["app.kubernetes.io/name"] == "parkingspots":
            assert each["metadata"]["labels"]["team"] == "parking", title(each)


def test_every_resource_is_in_the_releases_namespace(rendered: list[Manifest]) -> None:
    assert {each["metadata"]["namespace"] for each in rendered} == {"parking"}


@pytest.mark.parametrize("release", ["p", "our-parkingspots-in-town", LONG])
@pytest.mark.parametrize("setup", SETUPS)
def test_every_name_is_one_that_kubernetes_takes(chart: Helm, setup: str, release: str) -> None:
    for each in chart.render(setup, release=release):
        name = each["metadata"]["name"]
        longest = 52 if each["kind"] == "CronJob" else 63  # a CronJob's Jobs get eleven characters more
        assert len(name) <= longest, title(each)
        assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name), title(each)
    for _, labels in [found for each in chart.render(setup, release=release) for found in walked(each)]:
        if isinstance(labels, dict) and labels.keys() >= STABLE:
            assert all(len(value) <= 63 for value in labels.values())


@pytest.mark.parametrize("setup", SETUPS)
def test_no_two_resources_of_a_kind_share_a_name(chart: Helm, setup: str) -> None:
    for release in ("ps", LONG):
        counted = Counter(title(each) for each in chart.render(setup, release=release))
        assert [name for name, count in counted.items() if count > 1] == []


@pytest.mark.parametrize(("one_release", "other_release"), [("ps", "ps-2"), ("town", "our-town"), (LONG, LONG_TOO)])
@pytest.mark.parametrize("setup", SETUPS)
def test_two_releases_share_no_name_and_choose_no_pod_of_the_other(
    chart: Helm, setup: str, one_release: str, other_release: str
) -> None:
    mine, theirs = chart.render(setup, release=one_release), chart.render(setup, release=other_release)
    assert {title(each) for each in mine}.isdisjoint(title(each) for each in theirs)
    for each in mine:
        assert all(chosen(selector, theirs) == [] for selector in selectors(each)), title(each)


@pytest.mark.parametrize("setup", SETUPS)
def test_a_name_of_the_users_takes_the_place_of_the_charts(chart: Helm, setup: str) -> None:
    manifests = chart.render(setup, {"fullnameOverride": "parking"})
    ours = [each for each in manifests if each["metadata"]["labels"]["app.kubernetes.io/name"] == "parkingspots"]
    assert ours
    assert all(re.match(r"parking(-|$)", each["metadata"]["name"]) for each in ours)
    assert one(ours, "Service", "parking")


def test_what_is_named_elsewhere_is_named_right(rendered: list[Manifest]) -> None:
    api = one(rendered, "Deployment", "-api")["metadata"]["name"]
    for each in of_kind(rendered, "HorizontalPodAutoscaler"):
        assert each["spec"]["scaleTargetRef"]["name"] == api
    for each in of_kind(rendered, "Release"):
        assert each["spec"]["deployment"] == api
    for each in of_kind(rendered, "RoleBinding"):
        assert [role["metadata"]["name"] for role in of_kind(rendered, "Role")] == [each["roleRef"]["name"]]
