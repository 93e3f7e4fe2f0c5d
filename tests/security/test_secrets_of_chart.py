"""What Helm prints, applies and refuses holds secrets in Secrets alone, whatever secret the values have."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from chart.conftest import helm_program as helm_program  # noqa: PLC0414 - a fixture, as pytest finds it
from chart.rendering import CHART, Helm, Values, of_kind, title
from security.canaries import Canaries

SECRET = re.compile(r"(password|[sS]ecretKey|WebhookSecret|PublishableKey|smtpUrl)$")
ELSEWHERE: Values = {
    "postgresql.enabled": False,
    "valkey.enabled": False,
    "externalDatabase.host": "db.example.com",
    "externalCache.host": "redis.example.com",
}
BUNDLED: Values = {"postgresql.auth.existingSecret": "database"}
"""Of the bundled PostgreSQL Helm would have to generate one, for which it has to see a cluster."""


def secret_values() -> Iterator[str]:
    """Their paths, from the chart's own values and its parts'."""
    yield from _walked(yaml.safe_load((CHART / "values.yaml").read_text()), "")
    for part in ("postgresql", "valkey"):
        yield from _walked(yaml.safe_load((CHART / "charts" / part / "values.yaml").read_text()), f"{part}.")


def _walked(values: dict[str, Any], before: str) -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _walked(value, f"{before}{name}.")
        elif isinstance(value, str) and SECRET.search(name):
            yield f"{before}{name}"


PATHS = sorted({*secret_values()})


@pytest.fixture(scope="module")
def chart(helm_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    return Helm(helm_program, tmp_path_factory.mktemp("helm"))


def given(canaries: Canaries, left_out: tuple[str, ...]) -> dict[str, Any]:
    """Every secret as a value, but those of the parts that are `left_out`."""
    values: dict[str, Any] = {"payments.enabled": True}
    for path in PATHS:
        canary = canaries.plant(path, f"canary-{path}-0123456789abcdef0123456789".replace(".", "-"))
        if not path.startswith(left_out):
            values[path] = f"smtp://maria:{canary}@mail.example.com" if path.endswith("smtpUrl") else canary
    return values


def test_the_secrets_among_the_values_are_known() -> None:
    assert PATHS == [
        "auth.previousSecretKey",
        "auth.secretKey",
        "externalCache.password",
        "externalDatabase.password",
        "mail.smtpUrl",
        "payments.stripePublishableKey",
        "payments.stripeSecretKey",
        "payments.stripeWebhookSecret",
        "postgresql.auth.password",
        "valkey.auth.password",
    ]


@pytest.mark.parametrize(
    ("servers", "left_out"),
    [(ELSEWHERE, ("postgresql", "valkey")), (BUNDLED, ("postgresql", "externalDatabase", "externalCache"))],
    ids=["servers elsewhere", "bundled servers"],
)
def test_secrets_that_are_given_stand_in_secrets_alone_and_not_in_the_notes(
    chart: Helm, servers: Values, left_out: tuple[str, ...]
) -> None:
    canaries = Canaries()
    values = {**servers, **given(canaries, left_out)}
    manifests = chart.render("", values)
    decoded = [
        base64.b64decode(value).decode() for each in of_kind(manifests, "Secret") for value in each["data"].values()
    ]
    assert canaries.found_in(*decoded) == {path for path in PATHS if path in values}
    for each in manifests:
        assert each["kind"] == "Secret" or canaries.found_in(json.dumps(each)) == set(), title(each)
    assert canaries.found_in(chart.notes("", values)) == set()


@pytest.mark.parametrize("shape", ["short {}", "{}\nX: y", "'{}", "smtp://{}"])
def test_secrets_that_are_refused_are_not_shown(chart: Helm, shape: str) -> None:
    assert "bird" not in chart.refusal("", dict.fromkeys(PATHS, shape.format("bird")))


def test_secrets_among_the_settings_are_refused_without_being_shown(chart: Helm) -> None:
    names = ("SECRET_KEY", "STRIPE_SECRET_KEY", "DATABASE_URL", "REDIS_PASSWORD", "SMTP_URL", "DATABASE_PASSWORD")
    refusal = chart.refusal(
        "evaluation", {f"settings.{name}": "a-bird-of-32-characters-or-more-here" for name in names}
    )
    assert "bird" not in refusal
    assert all(name in refusal for name in names)
