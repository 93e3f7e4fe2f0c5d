"""Stand-ins for the programs that the workbench starts, put in place of the two command lines.

`STAND_IN` in the environment makes one misbehave: `seed-fails`, `api-dies`, `api-stubborn`.
"""

import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import ModuleType

FAULT = os.environ.get("STAND_IN", "")


class Ready(BaseHTTPRequestHandler):
    """Answers 200 to everything."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()


def serve(port: int) -> None:
    sys.stdout.write("the stand-in serves\n")
    if FAULT == "api-stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if FAULT == "api-dies":
        os.write(sys.stderr.fileno(), b"the stand-in fell over\n")
        os._exit(1)
    HTTPServer(("127.0.0.1", port), Ready).serve_forever()


def service() -> None:
    command, *options = sys.argv[1:]
    if command == "dev":
        from parkingspots.dev.workbench import run  # noqa: PLC0415 - every Python here reads this file

        sys.exit(run(int(options[options.index("--port") + 1]), reset="--reset" in options))
    if command == "seed" and FAULT == "seed-fails":
        sys.exit("There is no such city")


def lifecycle() -> None:
    while True:
        time.sleep(3600)


for name, main in (("parkingspots.cli", service), ("parkingspots_lifecycle.cli", lifecycle)):
    sys.modules[name] = ModuleType(name)
    sys.modules[name].main = main  # type: ignore[attr-defined]

if "uvicorn" in sys.orig_argv:
    serve(int(sys.orig_argv[sys.orig_argv.index("--port") + 1]))
