"""What is said to whoever has installed it is true."""

import re

import pytest

from chart.rendering import SETUPS, Helm, Manifest, Values, of_kind, one

KEY = "of-the-tests-0123456789abcdef-0001"
KEPT: dict[str, tuple[str, Values]] = {
    **{setup: (setup, {}) for setup in SETUPS},
    "a key that is given": ("evaluation", {"auth.existingSecret": "", "auth.secretKey": KEY}),
    "a mail server that is given": ("evaluation", {"mail.smtpUrl": "smtp://mail.example.com"}),
    "a database without a volume": ("evaluation", {"postgresql.persistence.enabled": False}),
    "a volume of somebody else's": ("evaluation", {"postgresql.persistence.existingClaim": "of-the-town"}),
    "dumps on somebody else's volume": ("backup", {"postgresql.backup.existingClaim": "of-the-town"}),
    "a long name": ("backup", {"fullnameOverride": "parking"}),
}


def kept(manifests: list[Manifest]) -> set[str]:
    """What Helm or Kubernetes leaves when the release goes."""
    by_helm = [
        each for each in manifests if each["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep"
    ]
    claims = {
        f"persistentvolumeclaim/{claim['metadata']['name']}-{each['metadata']['name']}-0"
        for each in of_kind(manifests, "StatefulSet")
        for claim in each["spec"].get("volumeClaimTemplates", [])
    }
    return {f"{each['kind'].lower()}/{each['metadata']['name']}" for each in by_helm} | claims


@pytest.mark.parametrize(("setup", "values"), KEPT.values(), ids=KEPT)
def test_what_is_said_to_stay_stays(chart: Helm, setup: str, values: Values) -> None:
    said = chart.notes(setup, values).partition("After `helm uninstall` these stay")[2].splitlines()[1:]
    stays = {line.strip() for line in said if line.strip()}
    assert stays == kept(chart.render(setup, values)) | {"customresourcedefinition/releases.parkingspots.dev"}


def test_an_evaluation_is_said_to_be_one(chart: Helm) -> None:
    notes = chart.notes("evaluation")
    assert "This is an evaluation: bookings are confirmed without a payment" in notes
    assert "No mail is sent" in notes
    assert "http://parkingspots.local/docs" in notes
    assert "helm show readme oci://ghcr.io/parkingspots/charts/parkingspots --version " in notes


def test_production_is_no_evaluation(chart: Helm) -> None:
    notes = chart.notes("production")
    assert "evaluation" not in notes
    assert "WARNING" not in notes
    assert "https://api.parking.example.com/docs" in notes
    assert "https://api.parking.example.org/docs" in notes


@pytest.mark.parametrize(
    ("setup", "values", "sentence"),
    [
        ("production", {"lifecycle.enabled": False}, "WARNING: lifecycle.enabled is false"),
        ("gateway-api", {}, "https://api.parking.example.com/docs"),
        ("gateway-api", {"httpRoute.hostnames": []}, "https://<the Gateway's host>/docs"),
        ("evaluation", {"ingress.enabled": False}, "port-forward service/ps-parkingspots 8000:80"),
        ("evaluation", {}, "port-forward service/ps-parkingspots 8000:80"),
        ("gateway-api", {"api.service.port": 8080}, "port-forward service/ps-parkingspots 8000:8080"),
        ("evaluation", {"ingress.hosts": [{"path": "/parking"}]}, "http://<any host>/parking/docs"),
        ("no-operator", {}, "there is no operator"),
        ("pgbouncer", {}, "There is no cache"),
    ],
)
def test_what_is_particular_is_said(chart: Helm, setup: str, values: Values, sentence: str) -> None:
    assert sentence in chart.notes(setup, values)


def test_production_on_the_charts_own_database_is_warned_of(chart: Helm) -> None:
    paid = {"environment": "production", "payments": {"enabled": True, "existingSecret": "stripe"}}
    assert "or at least postgresql.backup.enabled" in chart.notes("evaluation", paid)
    assert "WARNING: production runs on the chart's own PostgreSQL" in chart.notes("backup", paid)


@pytest.mark.parametrize("setup", SETUPS)
def test_the_commands_name_what_is_there(chart: Helm, setup: str) -> None:
    notes, manifests = chart.notes(setup), chart.render(setup)
    for kind, pattern in (
        ("Deployment", r"deploy/(\S+)"),
        ("Service", r"service/(\S+)"),
        ("Release", r"release\.\S+ (\S+)"),
    ):
        for name in re.findall(pattern, notes):
            assert one(manifests, kind, name)["metadata"]["name"] == name
