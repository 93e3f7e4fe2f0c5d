"""A secret stands in Secrets and nowhere else."""

import base64
import json

import pytest

from chart.rendering import Helm, Manifest, Values, containers, of_kind, one, pods, settings_of_the_api, variables

CANARIES = {
    "auth.secretKey": "canary-secret-key-0123456789abcdef",
    "auth.previousSecretKey": "canary-previous-key-0123456789abcdef",
    "payments.stripeSecretKey": "canary-stripe-0123456789",
    "payments.stripeWebhookSecret": "canary-webhook-0123456789",
    "payments.stripePublishableKey": "canary-publishable-0123456789",
    "mail.smtpUrl": "smtp://parking:canary-mail@mail.example.com",
    "externalDatabase.password": "canary-database-0123456789",
    "externalCache.password": "canary-cache-0123456789",
}
GIVEN: Values = {
    "auth.existingSecret": "",
    "payments": {"enabled": True, "existingSecret": ""},
    "mail.existingSecret": "",
    "externalDatabase.existingSecret": "",
    "externalCache": {"host": "redis.example.com", "existingSecret": "", "urlKey": ""},
    **CANARIES,
}
VARIABLES = {
    "auth.secretKey": "SECRET_KEY",
    "auth.previousSecretKey": "SECRET_KEY_PREVIOUS",
    "payments.stripeSecretKey": "STRIPE_SECRET_KEY",
    "payments.stripeWebhookSecret": "STRIPE_WEBHOOK_SECRET",
    "payments.stripePublishableKey": "STRIPE_PUBLISHABLE_KEY",
    "mail.smtpUrl": "SMTP_URL",
    "externalDatabase.password": "DATABASE_PASSWORD",
    "externalCache.password": "REDIS_PASSWORD",
}
"""Under which key of the chart's Secret each stands, and in which variable."""


@pytest.fixture
def given(chart: Helm) -> list[Manifest]:
    """The resources of an installation whose secrets all stand in its values."""
    return chart.render("production", GIVEN)


def encoded(secret: str) -> str:
    return base64.b64encode(secret.encode()).decode()


def test_no_secret_stands_outside_secrets(given: list[Manifest], chart: Helm) -> None:
    shown = json.dumps([each for each in given if each["kind"] != "Secret"]) + chart.notes("production", GIVEN)
    assert "canary" not in shown
    assert not [path for path, secret in CANARIES.items() if encoded(secret) in shown]


@pytest.mark.parametrize("path", CANARIES)
def test_a_secret_that_is_given_reaches_the_api(given: list[Manifest], path: str) -> None:
    (secret,) = of_kind(given, "Secret")
    (api,) = one(given, "Deployment", "-api")["spec"]["template"]["spec"]["containers"]
    (source,) = [each["valueFrom"]["secretKeyRef"] for each in api["env"] if each["name"] == VARIABLES[path]]
    assert source["name"] == secret["metadata"]["name"]
    assert secret["data"][source["key"]] == encoded(CANARIES[path])


def test_every_container_of_the_product_gets_its_secrets_by_reference(rendered: list[Manifest]) -> None:
    secret = set(VARIABLES.values()) | {"REDIS_URL", "PASSWORD", "PGPASSWORD", "POSTGRES_PASSWORD"}
    for where, pod in pods(rendered):
        for container in containers(pod):
            for variable in container.get("env", []):
                assert variable["name"] not in secret or "secretKeyRef" in variable["valueFrom"], where


def test_no_secret_is_a_setting(rendered: list[Manifest]) -> None:
    for each in of_kind(rendered, "ConfigMap"):
        assert not each["data"].keys() & {*VARIABLES.values(), "DATABASE_URL", "REDIS_URL"}


def test_secrets_that_somebody_else_makes_are_not_made_again(production: list[Manifest]) -> None:
    assert of_kind(production, "Secret") == []


@pytest.mark.parametrize(
    ("value", "variable", "key"),
    [
        ("auth.existingSecret", "SECRET_KEY", "SECRET_KEY"),
        ("payments.existingSecret", "STRIPE_WEBHOOK_SECRET", "STRIPE_WEBHOOK_SECRET"),
        ("mail.existingSecret", "SMTP_URL", "SMTP_URL"),
        ("externalDatabase.existingSecret", "DATABASE_PASSWORD", "password"),
        ("externalCache.existingSecret", "REDIS_URL", "url"),
    ],
)
def test_a_secret_of_somebody_elses_is_read_by_name_and_key(chart: Helm, value: str, variable: str, key: str) -> None:
    manifests = chart.render("production", {value: "ps-parkingspots"})  # a name as the chart itself would choose
    (api,) = one(manifests, "Deployment", "-api")["spec"]["template"]["spec"]["containers"]
    (source,) = [each["valueFrom"]["secretKeyRef"] for each in api["env"] if each["name"] == variable]
    assert (source["name"], source["key"]) == ("ps-parkingspots", key)


def test_the_caches_password_stands_in_its_secret_alone(chart: Helm) -> None:
    canary = "canary-valkey-0123456789"
    manifests = chart.render("evaluation", {"valkey.auth.existingSecret": "", "valkey.auth.password": canary})
    assert of_kind(manifests, "Secret")[0]["data"] == {"password": encoded(canary)}
    others = json.dumps([each for each in manifests if each["kind"] != "Secret"])
    assert canary not in others
    assert encoded(canary) not in others


def test_the_key_outlives_the_release(given: list[Manifest]) -> None:
    (secret,) = of_kind(given, "Secret")
    assert secret["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_migrations_go_to_the_server_and_everything_else_to_the_pooler(chart: Helm) -> None:
    manifests = chart.render("pgbouncer")
    assert settings_of_the_api(manifests)["DATABASE_HOST"] == "pgbouncer.database"
    for where, pod in pods(manifests):
        for container in containers(pod):
            goes_straight = container["name"] in {"migrate", "wait-for-schema"}
            host = "postgresql.database" if goes_straight else "pgbouncer.database"
            assert variables(container).get("DATABASE_HOST", host) == host, where
