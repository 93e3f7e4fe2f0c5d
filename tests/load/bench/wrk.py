"""Load by wrk: one thread on the client's core, connections that each ask again as soon as they have their answer."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from load.bench import programs
from load.bench.figures import Run
from load.bench.machine import Cores
from parkingspots.dev.ports import HOST

SCRIPT = Path(__file__).with_name("fire.lua")
TIMEOUT = 10  # seconds until wrk counts an answer as an error


@dataclass(frozen=True)
class Load:
    """Targets that are asked in turn; where each is to be asked `once` only, running out of them voids the run."""

    targets: Sequence[str]
    headers: Mapping[str, str]
    once: bool = False


def run(cores: Cores, port: int, load: Load, *, connections: int, seconds: float) -> Run:
    """Put `load` on the server of `port`. Raises Failure."""
    with TemporaryDirectory(prefix="bench-") as folder:
        targets, headers = Path(folder, "targets"), Path(folder, "headers")
        targets.write_text("".join(f"{target}\n" for target in load.targets))
        headers.write_text("".join(f"{name}: {value}\n" for name, value in load.headers.items()))
        found = programs.run(cores, _command(port, connections, seconds, targets, headers))
    if load.once and found.rate * seconds + connections > len(load.targets):
        return replace(found, complaint="there were too few queries never seen before")
    return found


def _command(port: int, connections: int, seconds: float, targets: Path, headers: Path) -> list[str]:
    program = shutil.which("wrk") or "wrk"
    sizes = ["-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", f"--timeout={TIMEOUT}s"]
    return [program, *sizes, "-s", str(SCRIPT), f"http://{HOST}:{port}", "--", str(targets), str(headers)]
