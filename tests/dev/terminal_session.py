"""`parkingspots dev` in a terminal of its own, with stand-ins for the programs that it starts."""

import fcntl
import os
import signal
import subprocess
import sys
import termios
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread

from parkingspots.dev.ports import free_port
from parkingspots.dev.processes import ended, until

STAND_IN = Path(__file__).with_name("stand_in")
PATIENCE = 60.0  # seconds until something that should happen counts as never


def _in_its_own_terminal() -> None:
    """As a terminal starts a program: whoever runs the tests may ignore signals, as a shell's background jobs do."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for ending in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ending, signal.SIG_DFL)


class TerminalSession:
    """The command, running in `folder`; what it wrote so far is `screen`."""

    def __init__(self, folder: Path, *, fault: str = "", port: int = 0, options: Sequence[str] = ()) -> None:
        self.folder, self.port, self.screen = folder, port or free_port(), ""
        self._terminal, inside = os.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "parkingspots", "dev", "--port", str(self.port), *options],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(STAND_IN), "STAND_IN": fault, "COLUMNS": "200"},
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
            preexec_fn=_in_its_own_terminal,  # noqa: PLW1509 - a few system calls
        )
        os.close(inside)
        self._reader = Thread(target=self._read)
        self._reader.start()

    def sees(self, text: str) -> bool:
        """Wait until the screen shows `text`; whether it does."""
        until(lambda: text in self.screen or not self._reader.is_alive(), PATIENCE)
        return text in self.screen

    def press_ctrl_c(self) -> None:
        os.write(self._terminal, b"\x03")

    def close(self) -> None:
        """Close the terminal's window, as the system tells it to what runs in it."""
        os.kill(self.process.pid, signal.SIGHUP)
        self._hang_up()

    def kill(self) -> None:
        self.process.kill()

    def ends_within(self, seconds: float) -> bool:
        """Wait for the end; whether it came in time and left no process in the folder."""
        return until(lambda: ended(self.process) and not inhabitants(self.folder), seconds)

    @property
    def exit_code(self) -> int:
        return self.process.wait()

    def dispose(self) -> None:
        """End whatever a failed test left."""
        self.process.terminate()
        if not self.ends_within(10):
            for pid in [*inhabitants(self.folder), self.process.pid]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join()
        self._hang_up()

    def _hang_up(self) -> None:
        terminal, self._terminal = self._terminal, -1
        if terminal >= 0:
            os.close(terminal)

    def _read(self) -> None:
        with suppress(OSError):  # a terminal ends with an error when nobody is left in it
            while part := os.read(self._terminal, 4096):
                self.screen += part.decode(errors="replace")


def inhabitants(folder: Path) -> list[int]:
    """The living processes that work in `folder` or below."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append(int(process.name))
    return found
