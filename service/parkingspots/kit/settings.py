"""The settings, as endpoints ask for them."""

from typing import Annotated, cast

from fastapi import Depends, Request

from parkingspots.settings import Settings


def _settings(request: Request) -> Settings:
    return cast("Settings", request.app.state.settings)


CurrentSettings = Annotated[Settings, Depends(_settings)]
