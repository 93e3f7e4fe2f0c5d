"""A process that serves is ready soon and small: it loads what serving needs, and looks at it once."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

SERVER = """
import gc, json, sys
from parkingspots import cli, serving
from parkingspots.asgi import application
from parkingspots.kit.limits import Limits
from parkingspots.settings import load

application()
Limits(load())
print(json.dumps({"modules": list(sys.modules), "collects": gc.isenabled(), "left_alone": gc.get_freeze_count()}))
"""
AT_LEAST = 100_000
"""Objects of the modules and of the application; fewer, and something is loaded after the others are put aside."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """What a process knows of itself that has made all it needs to serve."""
    folder: Path = tmp_path_factory.mktemp("server")
    ran = subprocess.run([sys.executable, "-c", SERVER], cwd=folder, check=True, capture_output=True, text=True)
    told: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return told


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("alembic", id="alembic, which is for migrations"),
        pytest.param("gunicorn", id="gunicorn, which is for several processes"),
        pytest.param("uvicorn_worker", id="gunicorn's workers"),
        pytest.param("jinja2", id="jinja2, which the first letter loads"),
        pytest.param("valkey", id="another client of Valkey than its own"),
        pytest.param("parkingspots.dev", id="the developer's servers"),
        pytest.param("parkingspots.seed", id="the demo data"),
        pytest.param("parkingspots.kit.migrating", id="the migrations"),
    ],
)
def test_a_server_does_not_load(server: Mapping[str, Any], name: str) -> None:
    assert "parkingspots.app" in server["modules"]
    assert name not in server["modules"]


def test_a_server_does_not_look_for_garbage_among_what_it_is_made_of(server: Mapping[str, Any]) -> None:
    assert server["collects"]
    assert server["left_alone"] > AT_LEAST
