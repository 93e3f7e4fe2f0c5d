# ruff: noqa: INP001 - a program of its own
"""The logs of a release as a person reads them: `kubectl logs --prefix` piped in, a line a record.

kubectl logs --selector app.kubernetes.io/instance=parkingspots --prefix --follow | python k8s/logs.py
"""

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, MutableMapping
from contextlib import suppress
from typing import Any

from structlog.dev import ConsoleRenderer

LINE = re.compile(r"\[pod/(?P<pod>[^/]+)/(?P<container>[^\]]+)\] (?P<text>.*)")


def readable(lines: Iterable[str], *, colors: bool) -> Iterator[str]:
    """Each record with the pod that wrote it; what is no JSON stays as it is."""
    renderer = ConsoleRenderer(colors=colors, pad_event_to=0)
    for line in lines:
        found = LINE.fullmatch(line.rstrip("\n"))
        pod, text = (f"{found['pod']} ", found["text"]) if found else ("", line.rstrip("\n"))
        record = _record(text)
        yield pod + (text if record is None else str(renderer(None, "", record)))


def _record(text: str) -> MutableMapping[str, Any] | None:
    """The line as JSON, where it is an object with an event."""
    with suppress(ValueError):
        record = json.loads(text)
        if isinstance(record, dict) and "event" in record:
            record.pop("logger", None)
            return record
    return None


def main() -> None:
    """Print until the input ends, or nobody reads on."""
    try:
        for line in readable(sys.stdin, colors=sys.stdout.isatty()):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left is written at the end
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
