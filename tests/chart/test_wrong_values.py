"""Values that cannot work are refused when they are rendered, with a sentence that names them and what to change."""

import pytest

from chart.rendering import Helm, Values, settings_of_the_api

SHORT, LONG = "canary-short", "canary-of-more-than-32-characters"
EXTERNAL: Values = {
    "postgresql.enabled": False,
    "postgresql.auth.existingSecret": "",
    "externalDatabase": {"host": "db.example.com", "existingSecret": "of-the-database"},
}
NO_CACHE: Values = {"valkey.enabled": False, "valkey.auth.existingSecret": ""}
MONITORED = {"app.kubernetes.io/instance": "ps"}

COMBINATIONS: dict[str, tuple[Values, str]] = {
    "a database twice": (
        {"externalDatabase.host": "db.example.com"},
        "Set postgresql.enabled to false to use the external one",
    ),
    "an external password beside the chart's database": (
        {"externalDatabase.password": LONG},
        "Set postgresql.enabled to false to use the external one",
    ),
    "no database": ({"postgresql.enabled": False}, "say in externalDatabase.host where the database is"),
    "a database without a password": (
        {**EXTERNAL, "externalDatabase.existingSecret": ""},
        "externalDatabase: name a Secret with the password in existingSecret",
    ),
    "a database's password twice": (
        {**EXTERNAL, "externalDatabase.password": LONG},
        "externalDatabase.existingSecret and externalDatabase.password: give one of them",
    ),
    "a database by URL": (
        {**EXTERNAL, "externalDatabase.host": f"postgresql://parkingspots:{LONG}@db.example.com/parkingspots"},
        "externalDatabase.host holds more than a host: give its name or address alone",
    ),
    "a database with its port": (
        {**EXTERNAL, "externalDatabase.host": "db.example.com:5432"},
        "Port, user, password and database have values of their own",
    ),
    "a pooler's server by URL": (
        {**EXTERNAL, "externalDatabase.direct": {"host": "postgresql://db"}},
        "externalDatabase.direct.host holds more than a host",
    ),
    "a certificate that nothing is held against": (
        {**EXTERNAL, "externalDatabase.sslmode": "verify-full"},
        "externalDatabase.sslmode is verify-full: name a Secret with the authority's certificate in caSecret",
    ),
    "an authority that is not asked": (
        {**EXTERNAL, "externalDatabase.caSecret": "authority", "externalDatabase.sslmode": "require"},
        "externalDatabase.caSecret is looked at by sslmode verify-ca and verify-full alone",
    ),
    "an authority twice": (
        {
            **EXTERNAL,
            "externalDatabase.caSecret": "authority",
            "externalDatabase.sslmode": "verify-ca",
            "extraEnv": [{"name": "PGSSLROOTCERT", "value": "/ca"}],
        },
        "externalDatabase.caSecret and PGSSLROOTCERT in extraEnv: give one of them",
    ),
    "the superuser as the application's role": (
        {"postgresql.auth.username": "postgres"},
        "postgresql.auth.username is postgres, the superuser: the application's role is another one",
    ),
    "a database of PostgreSQL's own": (
        {"postgresql.auth.database": "template1"},
        "postgresql.auth.database is template1, which is PostgreSQL's own: choose another name",
    ),
    "a PostgreSQL that is too old": (
        {"postgresql.image.tag": "17.5"},
        "postgresql.image.tag is 17.5: the product needs PostgreSQL 18 or newer",
    ),
    "the chart's database's password twice": (
        {"postgresql.auth.password": LONG},
        "postgresql.auth.existingSecret and postgresql.auth.password: give one of them",
    ),
    "the chart's cache's password twice": (
        {"valkey.auth.password": LONG},
        "valkey.auth.existingSecret and valkey.auth.password: give one of them",
    ),
    "a backup of a database that is elsewhere": (
        {**EXTERNAL, "postgresql.backup": {"enabled": True}},
        "back the external database up where it runs",
    ),
    "a cache twice": ({"externalCache.host": "redis"}, "Set valkey.enabled to false to use the external one"),
    "a cache's password and no cache": (
        {**NO_CACHE, "externalCache.password": LONG},
        "give externalCache.host, or a whole URL by urlKey",
    ),
    "a cache's password twice": (
        {**NO_CACHE, "externalCache": {"host": "redis", "password": LONG, "existingSecret": "of-the-cache"}},
        "externalCache.existingSecret and externalCache.password: give one of them",
    ),
    "a cache's URL in no Secret": (
        {**NO_CACHE, "externalCache": {"urlKey": "url"}},
        "name that in externalCache.existingSecret",
    ),
    "a cache with its port": (
        {**NO_CACHE, "externalCache": {"host": "redis:6379"}},
        "externalCache.host holds more than a host",
    ),
    "a cache that outgrows its container": (
        {"valkey.maxMemory": "512mb"},
        "Raise valkey.resources.limits.memory above it",
    ),
    "more connections than the database allows": (
        {"api.replicas": 9},
        "make 274: the database allows 200. Lower api.databasePoolSize, api.replicas or api.autoscaling.maxReplicas",
    ),
    "more connections when there are most pods": (
        {"api.autoscaling": {"enabled": True, "maxReplicas": 9}},
        "make 274: the database allows 200",
    ),
    "more connections than an external database allows": (
        {**EXTERNAL, "externalDatabase.maxConnections": 75},
        "or raise externalDatabase.maxConnections and the server's max_connections",
    ),
    "connections by another name": (
        {"postgresql.settings": {"max_connections": 500}},
        "postgresql.settings.max_connections: use postgresql.maxConnections",
    ),
    "a Secret and a key": (
        {"auth.secretKey": LONG},
        "auth.existingSecret and auth.secretKey: give one of them",
    ),
    "a key that is too short": (
        {"auth.existingSecret": "", "auth.secretKey": SHORT},
        "auth.secretKey is too short: use at least 32 random characters",
    ),
    "a previous key that is too short": (
        {"auth.existingSecret": "", "auth.secretKey": LONG, "auth.previousSecretKey": SHORT},
        "auth.previousSecretKey is too short",
    ),
    "a Secret by the name of the chart's own": (
        {"auth.existingSecret": "", "auth.secretKey": LONG, "mail.existingSecret": "ps-parkingspots"},
        "mail.existingSecret is ps-parkingspots, as the chart's own Secret is called: give yours another name",
    ),
    "a password that a command line would take apart": (
        {"valkey.auth.existingSecret": "", "valkey.auth.password": f"{LONG} {LONG}"},
        "valkey.auth.password: use at least 12 letters, digits and signs",
    ),
    "a database's password that is too short": (
        {"postgresql.auth.password": "canary"},
        "postgresql.auth.password: use at least 12 letters",
    ),
    "payments without keys": (
        {"payments.enabled": True},
        "name a Secret with Stripe's keys in payments.existingSecret",
    ),
    "payments without a webhook": (
        {"payments.enabled": True, "payments.stripeSecretKey": LONG},
        "or give stripeSecretKey and stripeWebhookSecret",
    ),
    "Stripe's keys twice": (
        {"payments": {"enabled": True, "existingSecret": "stripe", "stripeSecretKey": LONG}},
        "payments.existingSecret and Stripe's keys: give the Secret, or the keys",
    ),
    "Stripe's keys and no payments": (
        {"payments.existingSecret": "stripe"},
        "Set payments.enabled to true, or leave the keys out",
    ),
    "a mail server twice": (
        {"mail": {"existingSecret": "mail", "smtpUrl": f"smtp://parking:{LONG}@mail.example.com"}},
        "mail.existingSecret and mail.smtpUrl: give one of them",
    ),
    "a mail server that speaks no SMTP": (
        {"mail.smtpUrl": f"https://parking:{LONG}@mail.example.com"},
        "mail.smtpUrl: use the form smtp://user:password@host:587",
    ),
    "production without payments": (
        {"environment": "production"},
        "environment is production and payments.enabled is false: nothing would be paid",
    ),
    "production with a generated key": (
        {"environment": "production", "auth.existingSecret": ""},
        "name a Secret with SECRET_KEY in auth.existingSecret",
    ),
    "production on a volume that goes with its pod": (
        {"environment": "production", "postgresql.persistence.enabled": False},
        "all bookings would be gone with the pod",
    ),
    "a grace that cuts requests off": (
        {"api.terminationGracePeriodSeconds": 20},
        "requests in flight would be cut off. Give it preStopSeconds and 22 more, so at least 30",
    ),
    "a grace that a longer wait uses up": ({"api.preStopSeconds": 20}, "so at least 42"),
    "fewer pods at most than at least": (
        {"api.autoscaling": {"enabled": True, "minReplicas": 5}},
        "api.autoscaling.minReplicas is more than maxReplicas",
    ),
    "scaling by a CPU that is not requested": (
        {"api.autoscaling.enabled": True, "api.resources.requests": {"cpu": None}},
        "give api.resources.requests.cpu",
    ),
    "a request above its limit": (
        {"migration.resources.requests": {"memory": "1Gi"}},
        "migration.resources: requests.memory is 1Gi, which is more than limits.memory, 512Mi",
    ),
    "a migration that waits past its end": (
        {"migration.deadlineSeconds": 300},
        "Keep it below migration.deadlineSeconds, 300",
    ),
    "an account that nobody makes": (
        {"serviceAccount.create": False},
        "name one that is there in serviceAccount.name",
    ),
    "an Ingress without a host": ({"ingress.hosts": []}, "name at least one of ingress.hosts"),
    "a route without a Gateway": ({"httpRoute.enabled": True}, "name the Gateway in httpRoute.parentRefs"),
    "a node's port on an address of the cluster": (
        {"api.service.nodePort": 30080},
        "set the type to NodePort, or leave the port out",
    ),
    "a node's port that Kubernetes does not give": (
        {"api.service": {"type": "NodePort", "nodePort": 80}},
        "api.service.nodePort is 80: Kubernetes gives nodes' ports from 30000 to 32767",
    ),
    "a database by a setting": ({"settings.DATABASE_NAME": "town"}, "the chart's own: use postgresql.auth.database"),
    "an external database by a setting": (
        {**EXTERNAL, "settings.DATABASE_NAME": "town"},
        "the chart's own: use externalDatabase.name",
    ),
    "a cache by a setting": (
        {"settings.REDIS_URL": f"redis://:{LONG}@redis"},
        "use valkey.enabled: false and externalCache.existingSecret with externalCache.urlKey",
    ),
    "a setting that is a value": ({"settings.DATABASE_POOL_SIZE": 5}, "use api.databasePoolSize"),
    "a secret among the settings": (
        {"settings.SECRET_KEY": LONG},
        "settings.SECRET_KEY is the chart's own: use auth",
    ),
    "a password among the settings": (
        {"settings.DATABASE_PASSWORD": LONG},
        "settings.DATABASE_PASSWORD is the chart's own: use postgresql.auth.existingSecret",
    ),
    "payments by a setting": (
        {"settings.SKIP_PAYMENT_PROCESSING": False},
        "settings.SKIP_PAYMENT_PROCESSING is the chart's own: use payments.enabled",
    ),
    "a secret among the variables": (
        {"extraEnv": [{"name": "STRIPE_SECRET_KEY", "value": LONG}]},
        "extraEnv: STRIPE_SECRET_KEY is the chart's own: use payments",
    ),
    "a variable twice": (
        {"extraEnv": [{"name": "TZ", "value": "UTC"}, {"name": "TZ", "value": "Europe/Athens"}]},
        "extraEnv has TZ twice: leave one of them out",
    ),
    "a variable with two values": (
        {"extraEnv": [{"name": "TZ", "value": "UTC", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]},
        "extraEnv: TZ has value and valueFrom",
    ),
    "a label that selectors rest on": (
        {"commonLabels": {"app.kubernetes.io/component": "parking"}},
        "commonLabels: app.kubernetes.io/component is the chart's own label: leave it out",
    ),
    "a pod's label that selectors rest on": (
        {"api.podLabels": {"app.kubernetes.io/name": "parking"}},
        "api.podLabels: app.kubernetes.io/name is the chart's own label",
    ),
    "a monitor's label that selectors rest on": (
        {"monitoring.labels": MONITORED},
        "monitoring.labels: app.kubernetes.io/instance is the chart's own label",
    ),
    "a label twice": (
        {"commonLabels": {"team": "parking"}, "api.podLabels": {"team": "town"}},
        "api.podLabels: team stands in commonLabels too",
    ),
    "an annotation of the chart's": (
        {"api.podAnnotations": {"checksum/settings": "1"}},
        "api.podAnnotations: checksum/settings is the chart's own annotation",
    ),
}

KINDS: dict[str, tuple[Values, str]] = {
    "a number in words": ({"api.replicas": "two"}, "'/api/replicas': got string, want integer"),
    "a switch in words": ({"postgresql.enabled": "no"}, "'/postgresql/enabled': got string, want boolean"),
    "a slip of the pen": ({"api.replica": 3}, "'/api': additional properties 'replica' not allowed"),
    "a slip at the top": ({"postgres.enabled": False}, "additional properties 'postgres' not allowed"),
    "a slip in the database's values": (
        {"postgresql.persistance": {"size": "1Gi"}},
        "additional properties 'persistance' not allowed",
    ),
    "a slip in the cache's values": ({"valkey.memory": "1gb"}, "additional properties 'memory' not allowed"),
    "a setting that there is not": (
        {"settings.HOLD_MINUTE": 15},
        "'/settings': additional properties 'HOLD_MINUTE' not allowed",
    ),
    "a setting in words": ({"settings.HOLD_MINUTES": "ten"}, "'/settings/HOLD_MINUTES': got string, want integer"),
    "a setting out of bounds": ({"settings.HOLD_MINUTES": 0}, "'/settings/HOLD_MINUTES': minimum: got 0, want 1"),
    "a rate that is none": ({"settings.RATE_LIMIT_LOGINS": "10/min"}, "'/settings/RATE_LIMIT_LOGINS': '10/min'"),
    "an environment of developers": (
        {"environment": "development"},
        "'/environment': value must be one of 'evaluation', 'production'",
    ),
    "a rollout without a further pod": ({"api.maxSurge": 0}, "'/api/maxSurge': minimum: got 0, want 1"),
    "a port that there is not": ({"api.service.port": 70000}, "'/api/service/port': maximum: got 70,000, want 65,535"),
    "a label that is a number": ({"api.podLabels": {"cost": 12}}, "'/api/podLabels/cost': got number, want string"),
    "a name that is too long": ({"fullnameOverride": "p" * 41}, "'/fullnameOverride': maxLength: got 41, want 40"),
    "a pull secret without a name": ({"imagePullSecrets": [{}]}, "'/imagePullSecrets/0': missing property 'name'"),
    "an encryption that there is not": (
        {"externalDatabase.sslmode": "on"},
        "'/externalDatabase/sslmode': value must be one of",
    ),
    "a probe that there is not": (
        {"api.readinessProbe": {"seconds": 3}},
        "'/api/readinessProbe': additional properties 'seconds' not allowed",
    ),
    "scaling by what is no rule": (
        {"api.autoscaling.behavior": {"scaledown": {}}},
        "'/api/autoscaling/behavior': additional properties 'scaledown' not allowed",
    ),
    "a section that is taken away": ({"api.readinessProbe": None}, "'/api': missing property 'readinessProbe'"),
}


@pytest.mark.parametrize(("values", "sentence"), COMBINATIONS.values(), ids=COMBINATIONS)
def test_a_combination_that_cannot_work_is_refused(chart: Helm, values: Values, sentence: str) -> None:
    said = chart.refusal("evaluation", values)
    assert "These values cannot work:\n" in said
    assert sentence in said
    assert "canary" not in said, "secrets stand in logs"


@pytest.mark.parametrize(("values", "sentence"), KINDS.values(), ids=KINDS)
def test_a_value_of_the_wrong_kind_is_refused(chart: Helm, values: Values, sentence: str) -> None:
    assert sentence in chart.refusal("evaluation", values)


@pytest.mark.parametrize("release", ["1st", "parking.town"])
def test_a_release_that_no_service_can_be_called_after_is_refused(chart: Helm, release: str) -> None:
    said = chart.refusal("evaluation", {}, release=release)
    assert said.count("choose a name for the release that begins with a letter") == 1


def test_all_that_cannot_work_is_said_at_once(chart: Helm) -> None:
    said = chart.refusal("evaluation", {"ingress.hosts": [], "api.preStopSeconds": 20, "serviceAccount.create": False})
    assert said.count("\n- ") == 3


def test_a_secret_is_not_generated_where_helm_does_not_see_the_cluster(chart: Helm) -> None:
    said = chart.refusal("", {})
    assert "would be another secret each time" in said
    assert "auth.existingSecret (key SECRET_KEY)" in said
    assert "postgresql.auth.existingSecret (keys password and postgres-password)" in said
    assert "valkey.auth.existingSecret (key password)" in said


def test_what_is_given_is_not_asked_for(chart: Helm) -> None:
    said = chart.refusal("", {"auth.secretKey": LONG, "valkey.auth.password": LONG})
    assert "auth.existingSecret (key SECRET_KEY)" not in said
    assert "valkey.auth.existingSecret" not in said
    assert "postgresql.auth.existingSecret" in said


def test_a_public_authority_needs_no_secret(chart: Helm) -> None:
    public = [{"name": "PGSSLROOTCERT", "value": "/etc/ssl/certs/ca-certificates.crt"}]
    assert chart.render("evaluation", {**EXTERNAL, "externalDatabase.sslmode": "verify-full", "extraEnv": public})


@pytest.mark.parametrize("host", ["db", "db.example.com", "10.0.0.7", "::1", "fd00::a:1"])
def test_a_host_may_be_a_name_or_an_address(chart: Helm, host: str) -> None:
    manifests = chart.render("evaluation", {**EXTERNAL, "externalDatabase.host": host})
    assert settings_of_the_api(manifests)["DATABASE_HOST"] == host


def test_as_many_connections_as_the_database_allows_are_fine(chart: Helm) -> None:
    assert chart.render("evaluation", {"api.replicas": 9, "postgresql.maxConnections": 274})
    assert chart.render("evaluation", {"api.replicas": 1, "postgresql.maxConnections": 76})
