"""A release on a cluster, seen from outside with kubectl: what Helm, the operator and Kubernetes made of it."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from parkingspots import __version__
from parkingspots.doctor import manifests
from parkingspots.doctor.checks import Check, Group, Look
from parkingspots.doctor.finding import Finding, Skip, ended, fail, ok
from parkingspots.doctor.kubectl import Kubectl, KubectlError, NotAllowedError, NotThereError
from parkingspots.doctor.manifests import CRD, Manifest
from parkingspots.doctor.world import World

T = TypeVar("T")
PART_OF = "app.kubernetes.io/part-of=parkingspots"
INSTANCE, COMPONENT = "app.kubernetes.io/instance", "app.kubernetes.io/component"
NAME_OF_CRD = "releases.parkingspots.dev"


class Several(Exception):  # noqa: N818 - a sentence for a person at a terminal
    """It cannot be told which release is meant."""


def kubectl(world: World) -> Kubectl:
    assert world.options.namespace is not None  # noqa: S101 - see _why_not
    return Kubectl(world.options.namespace, world.options.context)


async def deployment(world: World) -> Manifest:
    """The API's; raises KubectlError, or Several where it cannot be told which."""
    namespace, release = world.options.namespace, world.options.release
    selector = f"{PART_OF},{COMPONENT}=api" + (f",{INSTANCE}={release}" if release else "")
    found = await kubectl(world).listed("apis/apps/v1", "deployments", selector)
    if not found:
        raise NotThereError(f"There is no release {release or 'of ParkingSpots'} in the namespace {namespace}")
    if len(found) > 1:
        names = ", ".join(sorted(each["metadata"]["labels"][INSTANCE] for each in found))
        raise Several(f"The namespace {namespace} has several releases ({names})")
    api: Manifest = found[0]
    return api


async def most_pods(world: World) -> int | None:
    """Of the API, with those that a rollout adds; None where nobody can tell."""
    try:
        api = await world.once(deployment)
        scalers = await kubectl(world).listed("apis/autoscaling/v2", "horizontalpodautoscalers")
    except (KubectlError, Several):
        return None
    return manifests.most_pods(api, scalers)


async def _selector(world: World) -> str:
    labels = (await world.once(deployment))["metadata"]["labels"]
    return f"{PART_OF},{INSTANCE}={labels[INSTANCE]}"


async def _reach(world: World) -> Finding:
    client = kubectl(world)
    try:
        version = await client.get("/version")
    except KubectlError as error:
        return fail(ended(f"The cluster cannot be reached: {error}"), "kubectl config get-contexts")
    return ok(f"The cluster is Kubernetes {version['gitVersion']}.")


async def _release(world: World) -> Finding:
    client = kubectl(world)
    try:
        api = await world.once(deployment)
    except (NotThereError, NotAllowedError) as error:
        return fail(ended(str(error)), client.command("get", "deployments", "--selector", PART_OF))
    except Several as error:
        return fail(
            f"{error}: name one with --release.", f"parkingspots doctor --namespace {client.namespace} --release …"
        )
    return manifests.of_version(api, __version__)


async def _operator(world: World) -> Finding:
    selector = await _selector(world)
    try:
        found = await kubectl(world).listed("apis/parkingspots.dev/v1alpha1", "releases", selector)
    except NotThereError:
        raise Skip("The cluster does not know the kind Release: the chart's operator is not used.") from None
    if not found:
        raise Skip("The release has no Release: the chart's operator is not used.")
    return manifests.of_release(kubectl(world), found[0])


async def _definition(world: World) -> Finding:
    client = kubectl(world)
    if not CRD.exists():
        raise Skip("The chart is not here: run the doctor from a checkout of the release.")
    ours = await client.read(str(CRD))
    try:
        theirs = await client.get(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{NAME_OF_CRD}")
    except NotThereError:
        theirs = None
    except NotAllowedError:
        raise Skip("You may not see the cluster's definitions of kinds.") from None
    return manifests.of_definition(client, theirs, ours)


async def _deployment(world: World) -> Finding:
    return manifests.of_deployment(kubectl(world), await world.once(deployment))


async def _pods(world: World) -> Finding:
    found = await world.once(_all_pods)
    return manifests.of_pods(kubectl(world), found)


async def _all_pods(world: World) -> list[Manifest]:
    return await kubectl(world).listed("api/v1", "pods", await _selector(world))


async def _cronjobs(world: World) -> list[Manifest]:
    return await kubectl(world).listed("apis/batch/v1", "cronjobs", f"{await _selector(world)},{COMPONENT}=lifecycle")


async def _job(world: World) -> Finding:
    return manifests.of_cronjob(kubectl(world), await world.once(_cronjobs), world.clock.now())


async def _images(world: World) -> Finding:
    api = await world.once(deployment)
    pods = [each for each in await world.once(_all_pods) if each["metadata"]["labels"].get(COMPONENT) == "api"]
    return manifests.of_images(kubectl(world), api, await world.once(_cronjobs), pods)


def _told(look: Callable[[World], Awaitable[Finding]]) -> Look:
    """What kubectl could not see is no finding about the release, but for the check that looks for it."""

    async def told(world: World) -> Finding:
        try:
            return await look(world)
        except (KubectlError, Several) as error:
            raise Skip(ended(f"This could not be looked at: {error}")) from None

    return told


def _why_not(world: World) -> str | None:
    return "A cluster is looked at with --namespace." if world.options.namespace is None else None


LOOKS: tuple[tuple[str, Callable[[World], Awaitable[Finding]]], ...] = (
    ("reach", _reach),
    ("release", _release),
    ("operator", _operator),
    ("definition", _definition),
    ("deployment", _deployment),
    ("pods", _pods),
    ("images", _images),
    ("minute-job", _job),
)
GROUP = Group("cluster", tuple(Check(name, _told(look), seconds=20) for name, look in LOOKS), _why_not)
