"""The settings as they are found, even where the product would refuse to start with them."""

import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from parkingspots.settings import Environment, Settings, SettingsError, load

OF_DEV = Path(".run", "environment")
"""Where `make dev` says how its servers are reached."""


@dataclass(frozen=True)
class Reading:
    """`settings` are None where they cannot be understood; `objection` is why the product would not start."""

    settings: Settings | None
    objection: str | None = None
    is_of_dev: bool = False


class NoDev(Exception):  # noqa: N818 - a sentence for a person at a terminal
    """Nothing says where `make dev` has its servers."""


def read(*, dev: bool = False) -> Reading:
    """The environment's settings: those of `make dev` where it is asked for, or runs here and no database is named."""
    found = _read()
    if not dev and (not OF_DEV.exists() or _names_a_database(found)):
        return found
    with _set(_of_dev()):
        found = _read()
    return Reading(found.settings, found.objection, is_of_dev=True)


def _read() -> Reading:
    try:
        return Reading(load())
    except SettingsError as error:
        return Reading(_without_demands(), str(error))


def _names_a_database(found: Reading) -> bool:
    named = found.settings.model_fields_set if found.settings else {"database_url"}
    return bool(named & {"database_url", "database_host"})


def _of_dev() -> Mapping[str, str]:
    try:
        words = shlex.split(OF_DEV.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise NoDev(
            f"{OF_DEV} is not there: run `make dev` in another terminal, and this in the same folder."
        ) from None
    return dict(word.split("=", 1) for word in words if "=" in word) | {"ENVIRONMENT": "development"}


@contextmanager
def _set(variables: Mapping[str, str]) -> Iterator[None]:
    before = os.environ.copy()
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class _Named(BaseSettings):
    model_config = Settings.model_config

    environment: Environment = Environment.DEVELOPMENT


def _without_demands() -> Settings | None:
    """What can be read but for what an environment such as production demands, so that the rest is looked at too."""
    try:
        settings = Settings(environment=Environment.DEVELOPMENT)
    except (ValidationError, UnicodeDecodeError):
        return None
    return settings.model_copy(update={"environment": _named()})


def _named() -> Environment:
    """The strictest where nobody knows what is meant."""
    try:
        return _Named().environment
    except ValidationError:
        return Environment.PRODUCTION
