"""The reference of cached answers: an ASGI application that has one in memory, on the product's own server.

python -m load.bench.raw PORT FILE
"""

import json
import os
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from load.bench.wire import Answer
from parkingspots import serving
from parkingspots.dev.ports import HOST
from parkingspots.settings import load

FILE = "BENCH_RAW_ANSWER"
BY_THE_SERVER = frozenset({"date"})

Event = MutableMapping[str, Any]


def keep(answer: Answer, file: Path) -> None:
    """Write down what the application is to answer."""
    headers = [(name, value) for name, value in answer.headers if name.lower() not in BY_THE_SERVER]
    file.write_text(json.dumps({"status": answer.status, "headers": headers, "body": answer.body.decode()}))


def application() -> Callable[..., Awaitable[None]]:
    kept = json.loads(Path(os.environ[FILE]).read_text())
    headers = [(name.encode(), value.encode()) for name, value in kept["headers"]]
    start = {"type": "http.response.start", "status": kept["status"], "headers": headers}
    body = {"type": "http.response.body", "body": kept["body"].encode()}

    async def answer(scope: Event, _receive: object, send: Callable[[Event], Awaitable[None]]) -> None:
        assert scope["type"] == "http"
        await send(start)
        await send(body)

    return answer


if __name__ == "__main__":
    os.environ[FILE] = sys.argv[2]
    serving.FACTORY = "load.bench.raw:application"
    serving.run(load(), HOST, int(sys.argv[1]), 1, reload=False)
