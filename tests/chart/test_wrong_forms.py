"""A value that does not look as it must is refused with a sentence, and with no expression."""

import pytest

from chart.rendering import Helm, Values

FORMS: dict[str, tuple[Values, str]] = {
    "a budget that lets no pod go": (
        {"api.podDisruptionBudget.maxUnavailable": 0},
        "api.podDisruptionBudget.maxUnavailable is 0: use a number from 1 on, or a percentage from 1% to 99%",
    ),
    "a budget that lets all pods go": (
        {"api.podDisruptionBudget.maxUnavailable": "100%"},
        "api.podDisruptionBudget.maxUnavailable is 100%: use a number from 1 on",
    ),
    "a version that YAML takes for a number": (
        {"image.tag": 1.10},
        "image.tag is 1.1, a number to YAML, to which 1.10 and 1.1 are the same: put it in quotes",
    ),
    "a version with a space": ({"valkey.image.tag": "9 0"}, "valkey.image.tag is 9 0: use an image's tag"),
    "a digest that is none": (
        {"image.digest": "sha256:abc"},
        "image.digest is sha256:abc: use sha256: and 64 hexadecimal digits",
    ),
    "a registry with a scheme": (
        {"operator.image.registry": "https://ghcr.io"},
        "operator.image.registry is https://ghcr.io: use a registry's name without https://",
    ),
    "an image with its tag": (
        {"image.repository": "parking:1"},
        "image.repository is parking:1: use an image's name without its registry and tag",
    ),
    "a schedule in words": (
        {"lifecycle.schedule": "every minute"},
        'lifecycle.schedule is every minute: use the five fields of cron, such as "17 3 * * *"',
    ),
    "a backup's schedule in words": (
        {"postgresql.backup": {"enabled": True, "schedule": "hourly"}},
        "postgresql.backup.schedule is hourly: use the five fields of cron",
    ),
    "a quantity in words": (
        {"api.resources.limits": {"memory": "512 MB"}},
        "api.resources.limits.memory is 512 MB: use a number with a unit of Kubernetes and no space between",
    ),
    "a volume's size in words": (
        {"postgresql.persistence.size": "8 GB"},
        "postgresql.persistence.size is 8 GB: use a number with a unit of Kubernetes",
    ),
    "a label with a space": ({"commonLabels": {"team": "our team"}}, "commonLabels.team is our team: a label's value"),
    "a name that no resource may have": (
        {"fullnameOverride": "Parking_1"},
        "fullnameOverride is Parking_1: use small letters, digits and dashes",
    ),
    "a Secret's name in capitals": (
        {"auth.existingSecret": "Key"},
        "auth.existingSecret is Key: use the name of a resource",
    ),
    "a proxy that is no network": (
        {"trustedProxies": ["10.0.0.0/8", "10.0.0.0/33"]},
        "trustedProxies[1] is 10.0.0.0/33: use an address or a network, such as 10.0.0.7, 10.0.0.0/8 or fc00::/7",
    ),
    "a host with a scheme": (
        {"ingress.hosts": [{"host": "https://a.example"}]},
        "ingress.hosts[0].host is https://a.example: use a host alone, such as api.example.com",
    ),
    "a path without a beginning": (
        {"ingress.hosts": [{"path": "api"}]},
        "ingress.hosts[0].path is api: begin it with /",
    ),
    "a variable with a dash": ({"extraEnv": [{"name": "MY-ZONE", "value": "UTC"}]}, "extraEnv[0].name is MY-ZONE: use"),
    "a sender without an address": ({"mail.from": "Parking"}, "mail.from is Parking: use an address, such as"),
    "an interval without a unit": (
        {"monitoring.podMonitor.interval": "30"},
        "monitoring.podMonitor.interval is 30: use a number with a unit of time, such as 15s",
    ),
    "a role in capitals": (
        {"postgresql.auth.username": "Parking"},
        "postgresql.auth.username is Parking: use small letters, digits and _",
    ),
    "a cache's size without a unit": (
        {"valkey.maxMemory": "256"},
        "valkey.maxMemory is 256: use a number with a unit of Valkey, such as 256mb",
    ),
}


@pytest.mark.parametrize(("values", "sentence"), FORMS.values(), ids=FORMS)
def test_a_value_that_does_not_look_as_it_must_is_refused_in_one_sentence(
    chart: Helm, values: Values, sentence: str
) -> None:
    said = chart.refusal("evaluation", values)
    assert sentence in said
    assert said.count("\n- ") == 1
    assert "[a-z" not in said
