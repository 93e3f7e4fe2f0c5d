"""The application as the environment says, for the servers that run it."""

import sys

import structlog
from fastapi import FastAPI

from parkingspots.app import create
from parkingspots.kit import logs
from parkingspots.settings import SettingsError, load

log = structlog.get_logger(__name__)


def application() -> FastAPI:
    """A new application, its logs set up. Where the environment cannot be used, the process ends with one line."""
    try:
        settings = load()
    except SettingsError as error:
        sys.exit(f"parkingspots: {error}")
    logs.configure(settings)
    for warning in settings.warnings():
        log.warning(warning)
    return create(settings)
