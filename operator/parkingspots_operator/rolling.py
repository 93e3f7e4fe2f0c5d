"""What a Deployment still lacks until a release is rolled out."""

from parkingspots_operator.release import Release
from parkingspots_operator.world import Deployment, Pod, World

NAMED = 3
"""Pods that a sentence names before it only counts them."""


def missing(release: Release, world: World) -> str | None:
    """What is still waited for, in a sentence; None where the new pods serve and the old ones are gone."""
    deployment = world.deployment
    if deployment is None:
        return f"There is no Deployment {release.deployment} yet."
    return _not_yet(deployment, release.prefix) or _counts(deployment) or _old_pods(deployment, world, release.prefix)


def _not_yet(deployment: Deployment, prefix: str) -> str | None:
    if deployment.prefix != prefix:
        has = deployment.prefix or "none"
        return f"Deployment {deployment.name} is not of this release yet: its cache prefix is {has}, not {prefix}."
    if deployment.observed < deployment.generation:
        return f"The change of Deployment {deployment.name} has not been taken up yet."
    if deployment.paused:
        return f"Deployment {deployment.name} is paused: kubectl rollout resume deployment/{deployment.name}"
    return None


def _counts(deployment: Deployment) -> str | None:
    name, desired = deployment.name, deployment.desired
    if deployment.updated < desired:
        return f"Deployment {name}: {deployment.updated} of {desired} pods are of this release."
    if deployment.total > deployment.updated:
        return f"Deployment {name}: {deployment.total - deployment.updated} old pods still serve."
    if deployment.available < desired or deployment.unavailable:
        return f"Deployment {name}: {deployment.available} of {desired} pods are available."
    return None


def _old_pods(deployment: Deployment, world: World, prefix: str) -> str | None:
    """A Deployment does not count pods that shut down, but they still write to the cache."""
    old = [pod for pod in world.serving if pod.prefix != prefix and not pod.over]
    if not old:
        return None
    return f"Deployment {deployment.name}: old pods are shutting down: {_named(old)}."


def _named(pods: list[Pod]) -> str:
    names = ", ".join(sorted(pod.name for pod in pods)[:NAMED])
    return names if len(pods) <= NAMED else f"{names} and {len(pods) - NAMED} more"


def other_prefixes(release: Release, world: World) -> list[str]:
    """Those of pods that are not of this release."""
    seen = [world.deployment.prefix] if world.deployment else []
    seen += [pod.prefix for pod in world.serving]
    return [prefix for prefix in dict.fromkeys(seen) if prefix and prefix != release.prefix]


def hindrance(release: Release, world: World) -> str | None:
    """Why the release makes no progress: what keeps a new pod from serving, or that Kubernetes has given up waiting."""
    deployment = world.deployment
    if deployment is None or _not_yet(deployment, release.prefix):
        return None
    newest = [pod for pod in _newest(release, world) if pod.trouble and not pod.over]
    troubled = next((pod for pod in newest if deployment.late or world.lasts(pod)), None)
    return " ".join(filter(None, (deployment.late, f"Pod {troubled.name}: {troubled.trouble}" if troubled else "")))


def homeless(release: Release, world: World) -> str:
    """Which new pod no node takes; a cluster that grows by itself takes it in time."""
    pod = next((pod for pod in _newest(release, world) if pod.homeless), None)
    return f" No node takes pod {pod.name}: {pod.homeless}" if pod else ""


def _newest(release: Release, world: World) -> list[Pod]:
    """The pods of the release by the newest of its templates; a change of a setting makes another one."""
    pods = [pod for pod in world.serving if pod.prefix == release.prefix and not pod.deleting]
    newest = max(pods, key=lambda pod: pod.created, default=None)
    return [pod for pod in pods if newest and pod.template == newest.template]
