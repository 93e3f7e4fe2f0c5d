"""For whoever deploys: how far a rollout is, which versions run, and how the operator does."""

from tools.dashboards.board import Board
from tools.dashboards.limits import GREEN, notable_from, worse_from
from tools.dashboards.panels import lines, number, rows, states
from tools.dashboards.queries import (
    NAMESPACE,
    OF_POD,
    RANGE,
    greatest,
    of,
    of_all,
    of_operator,
    of_service,
    quantile,
    rate,
    total,
)

PHASE = "parkingspots_operator_release_phase"
STALLED = 'phase!~"Ready|Migrating|RollingOut|Purging"'
BUILD = "parkingspots_build_info"
NO_OPERATOR = "There is no operator here"
NO_KUBE = "kube-state-metrics is not scraped"

OURS = ".*parkingspots.*"
RESTARTS = f'kube_pod_container_status_restarts_total{{{NAMESPACE},pod=~"{OURS}"}}'


def _deployments(metric: str) -> str:
    """Kubernetes' own figures know the product by its name alone."""
    return f'max by (namespace, deployment) ({metric}{{{NAMESPACE},deployment=~"{OURS}"}})'


RELEASES = (
    number(
        "Releases that stand still",
        f"{total(of_all(PHASE, STALLED))} or 0 * count({of_all(PHASE)})",
        "none",
        limits=worse_from(1),
        empty=NO_OPERATOR,
        alert="ParkingSpotsReleaseIsStalled",
        shows="Releases in a phase that is the reason of a stall, such as MigrationFailed. Old pods go on serving.",
        worry="when it is not zero: `kubectl describe release` says why.",
    ),
    number(
        "Versions that run",
        f"count(count by (version) ({of_all(BUILD)}))",
        "none",
        limits=notable_from(2),
        shows="One, or two while a rollout is on its way.",
        worry="when two stay: the rollout has stopped halfway.",
    ),
    number(
        "Schema that pods need",
        f"max by (schema) ({of_all(BUILD)})",
        "none",
        legend="{{schema}}",
        words={"1": ("needed", GREEN)},
        shows="The revisions of the schema that the running versions need; two while a rollout is on its way.",
        worry="when two stay.",
    ),
    number(
        "Looks that failed",
        total(f"increase({of_all('parkingspots_operator_failures_total')}[{RANGE}])"),
        "short",
        decimals=0,
        limits=notable_from(1),
        empty=NO_OPERATOR,
        alert="ParkingSpotsOperatorFails",
        shows="Looks at a release that failed in the time that is shown.",
        worry="when it grows: see by result below.",
    ),
    number(
        "Releases",
        f"count({of_all(PHASE)})",
        "none",
        empty=NO_OPERATOR,
        shows="Releases that the operator looks after.",
        worry="when one is missing that you have installed.",
    ),
    number(
        "Pods that answer Prometheus",
        f"count({of_all(BUILD)})",
        "none",
        empty="None",
        alert="ParkingSpotsMetricsAbsent",
        shows="API pods whose figures Prometheus gets.",
        worry="when it is fewer than run.",
    ),
    states(
        "Phase of each release",
        {"{{release}}: {{phase}}": greatest(of_all(PHASE), "release, phase")},
        words={"1": ("in it", GREEN)},
        empty=NO_OPERATOR,
        alert="ParkingSpotsReleaseIsStalled",
        shows="Migrating, RollingOut, Purging, Ready; any other word is the reason why it stands still.",
        worry="when a release is in one of the first three for longer than a migration takes, or in any other word.",
    ),
    lines(
        "Pods by version",
        {"{{version}}, schema {{schema}}": f"count by (version, schema) ({of_all(BUILD)})"},
        "short",
        stacked=True,
        wide=12,
        shows="A rollout shows as one colour that takes the other's place.",
        worry="when both stay.",
    ),
    rows(
        "Versions by pod",
        {"runs": of(BUILD)},
        "none",
        hidden=("job", "runs", "container", "endpoint", "service"),
        shows="What each pod is made of, and the schema that it needs.",
        worry="when a pod lags behind the others.",
    ),
    lines(
        "Age of the pods",
        {OF_POD: of_service(f"time() - {of('process_start_time_seconds')}")},
        "s",
        wide=12,
        empty="Several workers on one machine do not tell this",
        shows="Since when each process runs.",
        worry="when a line falls without a rollout.",
    ),
)

OPERATOR = (
    lines(
        "Looks by result",
        {"{{result}}": total(rate(of_all("parkingspots_operator_reconciles_total")), "result")},
        "ops",
        empty=NO_OPERATOR,
        shows="changed: wrote something; unchanged: all is as it should be; conflict: somebody wrote at the same time.",
        worry="when none is left: the operator does not run. What serves does not need it.",
    ),
    lines(
        "Failures",
        {"{{result}}": total(f"increase({of_all('parkingspots_operator_failures_total')}[15m])", "result")},
        "short",
        limits=worse_from(10),
        empty=NO_OPERATOR,
        alert="ParkingSpotsOperatorFails",
        shows="In fifteen minutes. unavailable: the API server was away; failed: the operator itself is wrong.",
        worry="above the line about unavailable, about failed always.",
    ),
    lines(
        "How long a look takes",
        {
            name: quantile(share, "parkingspots_operator_reconcile_seconds")
            for name, share in (("99 % within", 0.99), ("half within", 0.5))
        },
        "s",
        empty=NO_OPERATOR,
        shows="One look at a release, with all that it asks of the API server.",
        worry="when it takes seconds: the API server is slow.",
    ),
    lines(
        "CPU of the operator",
        {OF_POD: of_operator(rate(of_all("process_cpu_seconds_total")))},
        "none",
        wide=12,
        empty=NO_OPERATOR,
        shows="Cores that it keeps busy; next to nothing while nothing is rolled out.",
        worry="when it is busy all the time.",
    ),
    lines(
        "Memory of the operator",
        {OF_POD: of_operator(of_all("process_resident_memory_bytes"))},
        "bytes",
        wide=12,
        empty=NO_OPERATOR,
        shows="What its process holds.",
        worry="when it grows for days.",
    ),
)

KUBERNETES = (
    lines(
        "Pods that are ready",
        {
            "{{deployment}}: ready": _deployments("kube_deployment_status_replicas_ready"),
            "{{deployment}}: wanted": _deployments("kube_deployment_spec_replicas"),
        },
        "short",
        wide=12,
        empty=NO_KUBE,
        alert="ParkingSpotsAutoscalerAtMaximum",
        shows="By deployment, as Kubernetes sees them.",
        worry="when fewer are ready than are wanted for longer than a start takes.",
    ),
    lines(
        "Containers that were restarted",
        {"{{pod}}, {{container}}": f"increase({RESTARTS}[15m]) > 0"},
        "short",
        wide=12,
        empty=NO_KUBE + ", or none was restarted",
        alert="ParkingSpotsPodsCrashLoop",
        shows="In fifteen minutes, by pod.",
        worry="when a pod appears here: `kubectl logs --previous` has its last words.",
    ),
)

BOARD = Board(
    name="rollouts",
    title="operator and rollouts",
    about="How far a rollout is, which versions run where, and how the operator does. For whoever deploys.",
    rows=(("Releases and versions", RELEASES), ("The operator", OPERATOR), ("Kubernetes", KUBERNETES)),
)
