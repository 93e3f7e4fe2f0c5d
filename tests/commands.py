"""The command line, as tests run it."""

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from parkingspots import cli


@dataclass(frozen=True)
class Run:
    """What a command has written, and its exit code."""

    code: int
    output: str
    errors: str


Command = Callable[..., Run]


def run_in_this_process(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """A fixture: runs `parkingspots` with arguments, standard input and environment variables."""

    def run(*arguments: str, stdin: bytes = b"", **environment: str) -> Run:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["parkingspots", *arguments])
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
            for name, value in environment.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                cli.main()
        written = capsys.readouterr()
        return Run(int(ended.value.code or 0), written.out, written.err)

    return run


def complaint(run: Run, code: int = 1) -> str:
    """The one line that a command which failed has written."""
    assert run.code == code, run.output + run.errors
    assert run.errors.startswith("parkingspots: ")
    assert len(run.errors.splitlines()) == 1, run.errors
    return run.errors.removeprefix("parkingspots: ").strip()
