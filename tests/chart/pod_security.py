"""The Pod Security Standard `restricted`, as far as a manifest can keep or break it."""

from collections.abc import Iterator

from chart.rendering import Manifest, containers

VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_syncookies",
}


def breaches(pod: Manifest) -> list[str]:
    """What of a pod the standard does not allow."""
    of_containers = (each for container in containers(pod) for each in _of_container(container, pod["spec"]))
    return [*_of_pod(pod["spec"]), *of_containers]


def _of_pod(spec: Manifest) -> Iterator[str]:
    yield from (f"{name} is on" for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name))
    for volume in spec.get("volumes", []):
        yield from (f"the volume {volume['name']} is a {kind}" for kind in volume.keys() - VOLUMES - {"name"})
    for sysctl in spec.get("securityContext", {}).get("sysctls", []):
        if sysctl["name"] not in SYSCTLS:
            yield f"{sysctl['name']} is set"


def _of_container(container: Manifest, spec: Manifest) -> Iterator[str]:
    own, shared, name = container.get("securityContext", {}), spec.get("securityContext", {}), container["name"]
    both = {**shared, **own}
    if both.get("runAsNonRoot") is not True or both.get("runAsUser") == 0:
        yield f"{name} may run as root"
    if both.get("seccompProfile", {}).get("type") not in {"RuntimeDefault", "Localhost"}:
        yield f"{name} is without a seccomp profile"
    if own.get("allowPrivilegeEscalation") is not False or own.get("privileged"):
        yield f"{name} may get more privileges"
    capabilities = own.get("capabilities", {})
    if capabilities.get("drop") != ["ALL"] or set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
        yield f"{name} has capabilities"
    if own.get("procMount", "Default") != "Default" or both.get("appArmorProfile", {}).get("type") == "Unconfined":
        yield f"{name} is less confined than by default"
    if {"type", "user", "role"} & both.get("seLinuxOptions", {}).keys():
        yield f"{name} has SELinux options"
    yield from _of_network(container)


def _of_network(container: Manifest) -> Iterator[str]:
    if any("hostPort" in port for port in container.get("ports", [])):
        yield f"{container['name']} takes a port of the host"
    if any("host" in container.get(probe, {}).get(how, {}) for probe in PROBES for how in ("httpGet", "tcpSocket")):
        yield f"{container['name']} has a probe of another host"
