"""The application as the environment says, for the servers that run it."""

from fastapi import FastAPI

from parkingspots.app import create
from parkingspots.kit import logs
from parkingspots.settings import load


def application() -> FastAPI:
    """A new application with the logs of its process set up; raises SettingsError."""
    settings = load()
    logs.configure(settings)
    return create(settings)
