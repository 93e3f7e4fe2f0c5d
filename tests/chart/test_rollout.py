"""What a change of values does to the pods that run, and what happens to them on the way."""

import pytest

from chart.rendering import Helm, Manifest, Values, of_kind, one, settings_of_the_api
from parkingspots.kit import migrating

KEY, OTHER_KEY = "of-the-tests-0123456789abcdef-0001", "of-the-tests-0123456789abcdef-0002"
GIVEN: Values = {"auth.existingSecret": "", "auth.secretKey": KEY, "mail.smtpUrl": "smtp://mail.example.com"}

ROLLS: dict[str, Values] = {
    "a setting": {"settings.HOLD_MINUTES": 20},
    "a setting that is a value": {"trustedProxies": ["10.0.0.0/8"]},
    "a secret": {"auth.secretKey": OTHER_KEY},
    "a further secret": {"auth.previousSecretKey": OTHER_KEY},
    "the mail server": {"mail.smtpUrl": "smtp://mail.example.org"},
    "another Secret of the database's": {"postgresql.auth.existingSecret": "parkingspots-postgresql-2"},
    "the cache's password": {"valkey.auth.existingSecret": "", "valkey.auth.password": OTHER_KEY},
    "the image": {"image.tag": "9.9.9"},
    "a variable": {"extraEnv": [{"name": "TZ", "value": "UTC"}]},
    "resources": {"api.resources.limits.memory": "1Gi"},
}
LEAVES: dict[str, Values] = {
    "the number of pods": {"api.replicas": 5},
    "scaling": {"api.autoscaling.enabled": True},
    "a host": {"ingress.hosts": [{"host": "parking.example.com"}]},
    "the schedule": {"lifecycle.schedule": "*/2 * * * *"},
    "the operator": {"operator.image.tag": "9.9.9", "operator.suspend": True},
    "monitoring": {"monitoring.serviceMonitor.enabled": True},
    "the disruption budget": {"api.podDisruptionBudget.maxUnavailable": 2},
    "the Service": {"api.service.type": "NodePort"},
    "the database's size": {"postgresql.persistence.size": "20Gi"},
    "policies": {"networkPolicy.enabled": True},
}


def api_pods(manifests: list[Manifest]) -> Manifest:
    template: Manifest = one(manifests, "Deployment", "-api")["spec"]["template"]
    return template


@pytest.mark.parametrize("values", ROLLS.values(), ids=ROLLS)
def test_a_change_that_pods_must_see_makes_new_pods(chart: Helm, values: Values) -> None:
    assert api_pods(chart.render("evaluation", {**GIVEN, **values})) != api_pods(chart.render("evaluation", GIVEN))


@pytest.mark.parametrize("values", LEAVES.values(), ids=LEAVES)
def test_a_change_that_is_not_the_pods_leaves_them_alone(chart: Helm, values: Values) -> None:
    assert api_pods(chart.render("evaluation", {**GIVEN, **values})) == api_pods(chart.render("evaluation", GIVEN))


@pytest.mark.parametrize(
    "values",
    [
        {"valkey.auth.existingSecret": "", "valkey.auth.password": OTHER_KEY},
        {"valkey.auth.existingSecret": "another"},
        {"valkey.maxMemory": "128mb"},
    ],
    ids=["its password", "its Secret", "its size"],
)
def test_the_cache_starts_anew_with_what_it_reads_at_the_start(chart: Helm, values: Values) -> None:
    before, after = (one(chart.render("evaluation", each), "Deployment", "-valkey") for each in ({}, values))
    assert before["spec"]["template"]["metadata"] != after["spec"]["template"]["metadata"]


def test_a_number_is_written_as_people_write_it(chart: Helm) -> None:
    settings = {"DATABASE_STATEMENT_TIMEOUT_MS": 1000000, "SERVICE_FEE_PERCENT": 12.5, "RATE_LIMITS_ENABLED": True}
    data = settings_of_the_api(chart.render("evaluation", {"settings": settings}))
    assert [data[name] for name in settings] == ["1000000", "12.5", "true"]


def test_pods_of_another_image_keep_their_answers_apart(chart: Helm) -> None:
    old, new = chart.render("evaluation"), chart.render("evaluation", {"image.tag": "9.9.9"})
    assert cache_release(old) != cache_release(new)


def cache_release(manifests: list[Manifest]) -> str:
    """What the pods write under, as the operator, the annotation and the process know it."""
    template = api_pods(manifests)
    (release,) = of_kind(manifests, "Release")
    (api,) = template["spec"]["containers"]
    (variable,) = [each["value"] for each in api["env"] if each["name"] == "CACHE_RELEASE"]
    prefix: str = release["spec"]["cache"]["prefix"]
    assert prefix == template["metadata"]["annotations"]["parkingspots.dev/cache-prefix"] == variable
    return prefix


def test_a_release_needs_the_schema_that_its_code_ends_at(rendered: list[Manifest]) -> None:
    for release in of_kind(rendered, "Release"):
        assert [release["spec"]["revision"]] == migrating.heads()


def test_no_pod_is_missing_in_a_rollout(rendered: list[Manifest]) -> None:
    spec = one(rendered, "Deployment", "-api")["spec"]
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


def test_a_pod_leaves_before_it_ends_and_has_time_for_what_it_has_begun(rendered: list[Manifest]) -> None:
    template = api_pods(rendered)["spec"]
    (api,) = template["containers"]
    away = api["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert away >= 5
    assert template["terminationGracePeriodSeconds"] >= away + 22


def test_probes_ask_what_each_is_for(rendered: list[Manifest]) -> None:
    (api,) = api_pods(rendered)["spec"]["containers"]
    paths = {probe: api[probe]["httpGet"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert paths == {
        "startupProbe": {"path": "/livez", "port": "http"},
        "livenessProbe": {"path": "/livez", "port": "http"},
        "readinessProbe": {"path": "/readyz", "port": "http"},
    }


def test_pods_wait_for_the_schema_before_they_begin(rendered: list[Manifest]) -> None:
    jobs = [each["spec"]["jobTemplate"]["spec"]["template"] for each in of_kind(rendered, "CronJob")]
    ours = [job for job in jobs if job["metadata"]["labels"]["app.kubernetes.io/component"] == "lifecycle"]
    for pod in (api_pods(rendered), *ours):
        assert [each["command"][:3] for each in pod["spec"]["initContainers"]] == [["parkingspots", "migrate", "wait"]]


def test_the_number_of_pods_is_left_to_the_autoscaler(rendered: list[Manifest]) -> None:
    scaled = bool(of_kind(rendered, "HorizontalPodAutoscaler"))
    assert ("replicas" in one(rendered, "Deployment", "-api")["spec"]) is not scaled


def test_pods_go_one_at_a_time_unless_they_serve_nobody(rendered: list[Manifest]) -> None:
    (budget,) = of_kind(rendered, "PodDisruptionBudget")
    assert budget["spec"]["maxUnavailable"] not in {0, "0%"}
    assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_the_minute_job_runs_every_minute_and_never_twice(rendered: list[Manifest]) -> None:
    job = one(rendered, "CronJob", "-lifecycle")["spec"]
    assert (job["schedule"], job["timeZone"], job["concurrencyPolicy"]) == ("* * * * *", "Etc/UTC", "Forbid")
    assert job["startingDeadlineSeconds"] == 120
    assert job["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 50


def test_without_an_operator_a_job_migrates(chart: Helm) -> None:
    manifests = chart.render("no-operator")
    assert {each["kind"] for each in manifests}.isdisjoint({"Release", "Role", "RoleBinding"})
    (job,) = of_kind(manifests, "Job")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["command"][:3] == ["parkingspots", "migrate", "upgrade"]


def test_a_job_that_migrates_is_another_one_for_another_release(chart: Helm) -> None:
    names = {
        of_kind(chart.render("no-operator", values), "Job")[0]["metadata"]["name"]
        for values in ({}, {"image.tag": "9.9.9"}, {"migration.retry": "again"})
    }
    assert len(names) == 3


@pytest.mark.parametrize("token", [1736899200, "1736899200"])
def test_a_retry_token_may_be_a_number(chart: Helm, token: object) -> None:
    (release,) = of_kind(chart.render("evaluation", {"migration.retry": token}), "Release")
    assert release["spec"]["retry"] == "1736899200"


def test_a_tag_may_be_a_number(chart: Helm) -> None:
    (container,) = api_pods(chart.render("evaluation", {"image.tag": 20401231}))["spec"]["containers"]
    assert container["image"].endswith(":20401231")


def test_with_an_operator_no_job_is_helms(evaluation: list[Manifest]) -> None:
    assert of_kind(evaluation, "Job") == []


def test_nothing_but_the_journey_is_a_hook(rendered: list[Manifest]) -> None:
    hooks = [each for each in rendered if "helm.sh/hook" in each["metadata"].get("annotations", {})]
    assert [(each["kind"], each["metadata"]["annotations"]["helm.sh/hook"]) for each in hooks] == [("Pod", "test")]


def test_the_journey_goes_through_the_service(rendered: list[Manifest]) -> None:
    (pod,) = of_kind(rendered, "Pod")
    service = one(rendered, "Service", "ps-parkingspots")
    (container,) = pod["spec"]["containers"]
    port = service["spec"]["ports"][0]["port"]
    assert container["command"] == ["parkingspots", "journey", f"http://{service['metadata']['name']}:{port}"]


def test_the_databases_volume_outlives_the_release(chart: Helm, evaluation: list[Manifest]) -> None:
    database = one(evaluation, "StatefulSet", "-postgresql")["spec"]
    assert database["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
    theirs = chart.render("evaluation", {"postgresql.persistence.existingClaim": "of-the-town"})
    assert "volumeClaimTemplates" not in one(theirs, "StatefulSet", "-postgresql")["spec"]


def test_a_backup_is_read_back_only_when_somebody_says_so(chart: Helm) -> None:
    manifests = chart.render("backup")
    assert one(manifests, "CronJob", "-restore")["spec"]["suspend"] is True
    backup = one(manifests, "CronJob", "-backup")["spec"]
    assert (backup["schedule"], backup["concurrencyPolicy"]) == ("30 2 * * *", "Forbid")
    (container,) = backup["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert "tail -n +15" in container["args"][0]  # all but the fourteen newest go


def test_a_rollout_has_the_time_that_its_migration_may_take(chart: Helm) -> None:
    manifests = chart.render("evaluation", {"migration.deadlineSeconds": 7200})
    (release,) = of_kind(manifests, "Release")
    assert release["spec"]["migration"]["template"]["spec"]["activeDeadlineSeconds"] == 7200
    assert release["spec"]["deadlineSeconds"] >= 7200 + 600
    assert one(manifests, "Deployment", "-api")["spec"]["progressDeadlineSeconds"] >= 7200 + 600
