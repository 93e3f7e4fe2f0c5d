"""Running a program that puts load on something, and reading what it says of it."""

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from load.bench.figures import Run
from load.bench.machine import Cores, shares
from parkingspots.dev import processes
from parkingspots.dev.failure import Failure

MARK = "RESULT "
PERCENTILES = (50, 95, 99)
NO_ERRORS: Mapping[str, int] = MappingProxyType({})


def said(times: Sequence[float], seconds: float, size: int, errors: Mapping[str, int] = NO_ERRORS) -> str:
    """The line that tells of answers: the milliseconds of each, their bytes in all, and how many errors of a kind."""
    ordered = sorted(times) or [0.0]
    figures = {f"p{part}": ordered[min(len(ordered) * part // 100, len(ordered) - 1)] for part in PERCENTILES}
    kinds = ", ".join(f"{number} {kind}" for kind, number in errors.items())
    told = {"requests": len(times), "seconds": seconds, "bytes": size, "errors": sum(errors.values())}
    return MARK + json.dumps(told | figures | {"complaint": kinds})


def run(
    cores: Cores,
    command: Sequence[str],
    *,
    wrapper: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Run:
    """Run `command` to its end and read its line. Raises Failure with its last words where there is none."""
    with shares(cores) as used:
        status, output = processes.run(command, wrapper=wrapper, environment=environment)
    line = next((line for line in output.splitlines() if line.startswith(MARK)), None)
    if status or line is None:
        raise Failure(f"{command[0]} failed: {(output.strip() or 'it said nothing').splitlines()[-1]}")
    told = json.loads(line.removeprefix(MARK))
    return Run(
        rate=told["requests"] / told["seconds"],
        p50=told["p50"],
        p95=told["p95"],
        p99=told["p99"],
        size=told["bytes"] / max(told["requests"], 1),
        errors=told["errors"],
        server_core=used.server,
        client_core=used.client,
        client=used.children,
        complaint=told.get("complaint", ""),
    )
