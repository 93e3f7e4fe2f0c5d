"""Programs that only write down how they were called, on a PATH that has nothing else but what every machine has."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
EVERYWHERE = (
    *("cat", "cksum", "cut", "dirname", "echo", "env", "expand", "find", "git", "grep", "head", "make", "mkdir"),
    *("printf", "sed", "sh", "sort", "tar", "true"),
)
LOG = "calls"


class Machine:
    """A folder with the programs of a machine; `calls` is what the stand-ins among them were asked, in order."""

    def __init__(self, folder: Path, *stand_ins: str) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir()
        (self.bin / "python3").symlink_to(Path(sys.executable).resolve())  # and no shim, which needs its own place
        for name in EVERYWHERE:
            if found := shutil.which(name):
                (self.bin / name).symlink_to(found)
        for name in stand_ins:
            self.install(name)

    def install(self, name: str, then: str = "exit 0") -> None:
        """A stand-in that writes its call down, and does `then`, which is shell."""
        program = self.bin / name
        program.unlink(missing_ok=True)  # it may be a link to the machine's own
        program.write_text(f'#!/bin/sh\necho "{name} $*" >> "{self.folder / LOG}"\n{then}\n')
        program.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        log = self.folder / LOG
        return log.read_text().splitlines() if log.exists() else []

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": str(self.bin), "HOME": str(self.folder)}

    def make(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.run(ROOT, "make", "--no-print-directory", *arguments, **environment)

    def run(self, folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        given = self.environment | environment
        return subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True, check=False)


def called(calls: Sequence[str], program: str) -> list[str]:
    """The calls of one program."""
    return [call for call in calls if call.split()[0] == program]
