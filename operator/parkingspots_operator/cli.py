"""`parkingspots-operator`: settings from flags or the environment, and what can go wrong as one line."""

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from parkingspots_operator import __version__, logs
from parkingspots_operator.kubernetes import NoCluster
from parkingspots_operator.operator import NoDefinition, Settings, run

POD_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
LEVELS = ("debug", "info", "warning", "error")


class Unusable(Exception):  # noqa: N818 - a sentence for a person at a terminal
    """A setting that cannot be followed."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run until a signal comes; exit code 1 and one line where something that can happen did."""
    options = _options(arguments)
    try:
        logs.configure(_one_of("LOG_LEVEL", options.log_level, LEVELS).upper())
        settings = settings_of(options, POD_NAMESPACE_FILE)
        asyncio.run(run(settings))
    except (Unusable, NoCluster, NoDefinition) as error:
        sys.exit(f"parkingspots-operator: {error}")
    except OSError as error:
        sys.exit(f"parkingspots-operator: {error.strerror or error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _options(arguments: Sequence[str] | None, environment: Mapping[str, str] = os.environ) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="parkingspots-operator",
        description="Migrate the database before new pods serve, and purge the old cache after the rollout.",
    )
    flags = {
        "--namespace": ("POD_NAMESPACE", "", "where the Releases are; by default the pod's own"),
        "--liveness-port": ("LIVENESS_PORT", "8080", "of /healthz"),
        "--metrics-port": ("METRICS_PORT", "9090", "of /metrics"),
        "--log-level": ("LOG_LEVEL", "info", f"one of {', '.join(LEVELS)}"),
    }
    for flag, (name, default, about) in flags.items():
        shown = f"{about} ({name}{f', {default}' if default else ''})"
        parser.add_argument(flag, default=environment.get(name) or default, help=shown)
    parser.add_argument("--version", action="version", version=f"parkingspots-operator {__version__}")
    return parser.parse_args(arguments)


def settings_of(options: argparse.Namespace, namespace_file: Path) -> Settings:
    """Raises Unusable."""
    namespace = options.namespace or (namespace_file.read_text().strip() if namespace_file.exists() else "")
    if not namespace:
        raise Unusable("Which namespace? Set POD_NAMESPACE, or give --namespace.")
    return Settings(
        namespace=namespace,
        liveness_port=_port("LIVENESS_PORT", options.liveness_port),
        metrics_port=_port("METRICS_PORT", options.metrics_port),
    )


def _port(name: str, value: str) -> int:
    highest = 65_535
    is_read = value.isascii() and value.isdigit() and len(value) <= len(str(highest))  # int() takes no endless ones
    if not is_read or not 0 < int(value) <= highest:
        raise Unusable(f"{name} must be a port between 1 and {highest}, not {value[:20]!r}.")
    return int(value)


def _one_of(name: str, value: str, known: Sequence[str]) -> str:
    if value.lower() not in known:
        raise Unusable(f"{name} must be one of {', '.join(known)}, not {value!r}.")
    return value
