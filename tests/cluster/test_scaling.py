"""The HorizontalPodAutoscaler: more pods under load and fewer after, and nobody fails."""

from cluster.clients import Visitors
from cluster.conftest import Judge, options, settled
from cluster.kube import CHART, Namespace, until, values
from cluster.load import load

AT_ONCE = [{"type": "Pods", "value": 4, "periodSeconds": 15}]
SCALING = {
    "enabled": True,
    "minReplicas": 2,
    "maxReplicas": 4,
    "targetCPU": 37,
    "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0, "policies": AT_ONCE}},
}


def test_load_takes_pods_from_two_to_four_and_back(release: Namespace, who: Visitors, judge: Judge) -> None:
    scaled = values(api__autoscaling=SCALING)
    fewest = 4
    with load(who, rate=300) as told:
        release.helm("upgrade", "ps", str(CHART), *options(who.host), *scaled)
        fewest = min(fewest, len(release.ready_pods("api")))
        until(lambda: len(release.ready_pods("api")) == 4, 240, "four pods under load")
        release.helm("upgrade", "ps", str(CHART), *options(who.host), *scaled, *values(settings__HOLD_MINUTES=12))
        fewest = min(fewest, len(release.ready_pods("api")))
    with load(who, rate=2) as after:
        until(lambda: len(release.ready_pods("api")) == 2, 300, "two pods after")
        release.helm("upgrade", "ps", str(CHART), *options(who.host), "--force-conflicts", *values(api__replicas=2))
        settled(release)
    judge("scaled-up-by-load", told, release)
    judge("scaled-down-without-load", after, release)
    assert fewest >= 2
