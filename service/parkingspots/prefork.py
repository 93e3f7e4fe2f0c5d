"""Several processes that share a port: gunicorn with uvicorn's workers."""

import os
import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, ClassVar

import structlog
from gunicorn.app.base import BaseApplication
from gunicorn.util import import_app
from uvicorn_worker import UvicornWorker

from parkingspots.kit.patience import PatientConnection

log = structlog.get_logger(__name__)
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Where workers keep what they count. prometheus-client looks for it as it is imported, so nothing here imports it."""


def run(factory: str, host: str, port: int, workers: int, *, backlog: int, keep_alive: int, grace: int) -> None:
    """Serve what `factory` makes until a signal ends it. `keep_alive` and `grace` are seconds."""
    folder = Path(mkdtemp(prefix="parkingspots-metrics-"))
    os.environ[FOLDER] = str(folder)
    options = {
        "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "workers": workers,
        "worker_class": "parkingspots.prefork.Worker",
        "backlog": backlog,
        "keepalive": keep_alive,
        "graceful_timeout": grace,
        "control_socket_disable": True,
        "child_exit": lambda _, worker: _bury(folder, worker.pid),
        "on_exit": lambda _: shutil.rmtree(folder, ignore_errors=True),
    }
    _Gunicorn(factory, options).run()


def _bury(folder: Path, process: int) -> None:
    """Whatever goes wrong with a file of figures, the one who watches over the workers goes on."""
    from parkingspots.kit.exposition import bury  # here: it is imported where FOLDER is set

    try:
        bury(folder, process)
    except Exception:
        log.exception("what a worker counted is lost", process=process)


class Worker(UvicornWorker):  # type: ignore[misc]  # it has no types
    CONFIG_KWARGS: ClassVar[dict[str, Any]] = UvicornWorker.CONFIG_KWARGS | {
        "http": PatientConnection,
        "ws": "none",
        "proxy_headers": False,
    }


class _Gunicorn(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    def __init__(self, factory: str, options: dict[str, Any]) -> None:
        self.factory, self.options = factory, options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> object:
        return import_app(f"{self.factory}()")
