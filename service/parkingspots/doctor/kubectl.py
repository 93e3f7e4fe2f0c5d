"""kubectl, which knows contexts, certificates and whatever signs people in, for reading and for going into a pod."""

import asyncio
import json
import shlex
from asyncio.subprocess import DEVNULL
from collections.abc import Sequence
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, Any

NOT_FOUND, FORBIDDEN = "(NotFound)", "(Forbidden)"
FEW_SECONDS = "--request-timeout=8s"


class KubectlError(Exception):
    """What kubectl says, in its last line."""


class NotThereError(KubectlError):
    """The cluster has no such object, or no such kind."""


class NotAllowedError(KubectlError):
    """Whoever asks may not see that."""


@dataclass(frozen=True)
class Kubectl:
    namespace: str
    context: str | None = None

    def command(self, *words: str) -> str:
        """To be pasted into a shell."""
        return shlex.join([*self._head(), "--namespace", self.namespace, *words])

    async def get(self, path: str) -> Any:  # noqa: ANN401 - what the API server has
        """What lies at a path of the API; raises KubectlError."""
        code, output, errors = await self._run(*self._head(), "get", FEW_SECONDS, "--raw", path)
        if code:
            raise _error(errors)
        return json.loads(output)

    async def listed(self, api: str, plural: str, selector: str = "") -> list[Any]:
        """The objects of the namespace, such as the `deployments` of `apis/apps/v1`; raises KubectlError."""
        query = f"?labelSelector={selector.replace('=', '%3D').replace(',', '%2C')}" if selector else ""
        return list((await self.get(f"/{api}/namespaces/{self.namespace}/{plural}{query}"))["items"])

    async def read(self, path: str) -> Any:  # noqa: ANN401 - a manifest
        """A manifest of one's own as the API server would have it; the cluster is not asked."""
        code, output, errors = await self._run(
            "kubectl", "label", "--local", "--filename", path, "--output=json", "a=b"
        )
        if code:
            raise _error(errors)
        return json.loads(output)

    async def inside(self, target: str, container: str, command: Sequence[str]) -> tuple[int, str, str]:
        """Run a command in a container; its exit code, output and errors."""
        where = ("--namespace", self.namespace, "exec", target, "--container", container, "--pod-running-timeout=5s")
        return await self._run(*self._head(), *where, "--", *command)

    def _head(self) -> tuple[str, ...]:
        return ("kubectl", "--context", self.context) if self.context else ("kubectl",)

    async def _run(self, *command: str) -> tuple[int, str, str]:
        """Into files: whatever kubectl has begun, to sign somebody in say, would hold the other end of a pipe open."""
        with TemporaryFile() as output, TemporaryFile() as errors:
            try:
                process = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=output, stderr=errors)
            except FileNotFoundError:
                raise KubectlError("kubectl is not installed") from None
            except OSError as error:
                raise KubectlError(f"kubectl cannot be run ({error.strerror})") from None
            try:
                code = await process.wait()
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            return code, _written(output), _written(errors)


def _written(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _error(errors: str) -> KubectlError:
    said = (errors.strip().splitlines() or ["kubectl failed and says nothing"])[-1]
    kind = NotThereError if NOT_FOUND in said else NotAllowedError if FORBIDDEN in said else KubectlError
    return kind(said.removeprefix("Error from server ").removeprefix("error: "))
