"""The application as the environment says, for the servers that run it."""

import sys

import structlog
from starlette.types import ASGIApp

from parkingspots.kit import logs, memory
from parkingspots.kit.starting import made_to_last, without_opentelemetry
from parkingspots.kit.tracing.wishes import leave_out_unknown_propagators
from parkingspots.settings import SettingsError, load

log = structlog.get_logger(__name__)


def application() -> ASGIApp:
    """A new application, its logs set up. Where the environment cannot be used, the process ends with one line."""
    try:
        settings = load()
    except SettingsError as error:
        sys.exit(f"parkingspots: {error}")
    logs.configure(settings)
    memory.give_back_large_blocks()
    for warning in settings.warnings():
        log.warning(warning)
    leave_out_unknown_propagators()
    with made_to_last():
        with without_opentelemetry():
            from parkingspots.app import create  # here: nearly all that lasts is what this loads
            from parkingspots.front import front

        return front(create(settings))
