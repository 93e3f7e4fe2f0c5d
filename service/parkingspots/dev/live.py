"""`parkingspots` as the image's stage `development` has it: the API runs from files that can be written.

What an image holds is read-only in a pod. Skaffold and `make watch` put changed files into a copy in the pod's own
volume and send SIGHUP; then the API starts anew.
"""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

LIVE = Path(os.environ.get("LIVE", "/tmp/live"))  # noqa: S108 - a volume of the pod's own
PACKAGE = Path(__file__).parents[1]
DEBUGGER = "/opt/development/lib"
HURRY = 5.0  # seconds for requests in flight


def main() -> None:
    """Become the command, or for `serve` stay and start it anew on each SIGHUP."""
    arguments = sys.argv[1:]
    environment = os.environ | {"PYTHONPATH": f"{LIVE}:{DEBUGGER}"}
    if arguments[:1] != ["serve"]:
        command = [sys.executable, "-m", "parkingspots", *arguments]
        os.execve(command[0], command, environment)  # noqa: S606 - to become it is the point
    make_copy()
    sys.exit(asyncio.run(keep_serving(serving(arguments, os.environ.get("DEBUG_PORT", "")), environment)))


def make_copy() -> None:
    """Copy the image's package, unless a container of this pod has done so: what was changed since stays."""
    if LIVE.exists():
        return
    draft = LIVE.with_suffix(".new")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(PACKAGE, draft / PACKAGE.name)
    draft.rename(LIVE)


def serving(arguments: Sequence[str], debug_port: str) -> list[str]:
    """The command that serves, under a debugger where it is told a port: `kubectl port-forward` reaches it there."""
    debugger = (
        ["-X", "frozen_modules=off", "-m", "debugpy", "--listen", f"127.0.0.1:{debug_port}"] if debug_port else []
    )
    return [sys.executable, *debugger, "-m", "parkingspots", *arguments]


async def keep_serving(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run until SIGTERM or SIGINT, anew after each SIGHUP; the exit code. What ends by itself waits for a change."""
    orders: asyncio.Queue[signal.Signals] = asyncio.Queue()
    for order in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(order, orders.put_nowait, order)
    while True:
        process = await asyncio.create_subprocess_exec(*command, env=environment)
        order = await next_order(process, orders)
        code = await end(process)
        if order is not signal.SIGHUP:
            return code if code >= 0 else 128 - code  # as a shell has it


async def next_order(process: asyncio.subprocess.Process, orders: asyncio.Queue[signal.Signals]) -> signal.Signals:
    """Wait for a signal, and say so where the process does not."""
    order, over = asyncio.ensure_future(orders.get()), asyncio.ensure_future(process.wait())
    await asyncio.wait((order, over), return_when=asyncio.FIRST_COMPLETED)
    if not order.done():
        sys.stderr.write(f"The API ended with exit code {over.result()}. It starts anew with the next change.\n")
    return await order


async def end(process: asyncio.subprocess.Process) -> int:
    """SIGTERM, and after some seconds SIGKILL; the exit code."""
    with suppress(ProcessLookupError):  # it has ended
        process.terminate()
    try:
        return await asyncio.wait_for(process.wait(), HURRY)
    except TimeoutError:
        process.kill()
        return await process.wait()


if __name__ == "__main__":
    main()
