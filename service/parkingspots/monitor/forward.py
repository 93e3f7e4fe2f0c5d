"""One pod's metrics port, forwarded by kubectl to a port of this machine."""

import asyncio
import re
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Sequence
from contextlib import suppress

FORWARDED = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) ")
PORT_NAME = "metrics"


class Forward:
    """Begins at once; `port` is there as soon as kubectl has told it, `trouble` when it has ended."""

    def __init__(self, kubectl: Sequence[str], pod: str) -> None:
        self._command = [*kubectl, "port-forward", "--address=127.0.0.1", f"pod/{pod}", f":{PORT_NAME}"]
        self._process: Process | None = None
        self._told = asyncio.Event()
        self.port: int | None = None
        self.trouble: str | None = None
        self._task = asyncio.create_task(self._run())

    @property
    def has_ended(self) -> bool:
        return self._task.done()

    async def settle(self) -> None:
        """Return when it has a port or has ended."""
        await self._told.wait()

    async def aclose(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT
            )
            self.trouble = await self._listen(self._process)
        except OSError as error:
            self.trouble = f"kubectl cannot be run: {error.strerror}"
        finally:
            self.port = None
            self._told.set()
            await self._end()

    async def _listen(self, process: Process) -> str:
        """Read what kubectl says until it ends, so that it never waits for a reader; its last line."""
        last = "kubectl port-forward has ended"
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        async for line in process.stdout:
            last = line.decode(errors="replace").strip() or last
            found = FORWARDED.match(last)
            if found:
                self.port = int(found[1])
                self._told.set()
        return last

    async def _end(self) -> None:
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.terminate()
        await self._process.wait()
