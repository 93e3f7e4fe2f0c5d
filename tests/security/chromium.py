"""A page as a browser shows it, and what the browser says about it."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
NONE = f"No browser: one of {', '.join(PROGRAMS)} is needed."
SAID = re.compile(r":CONSOLE[:(]\d+\)?\] (.*)")


@dataclass(frozen=True)
class Shown:
    dom: str
    said: list[str]
    """On the console: errors, refusals by a policy, warnings."""


def shown(url: str, folder: Path) -> Shown:
    """The page once it has settled; `folder` is for what the browser keeps."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None and os.environ.get("CI"):
        pytest.fail(NONE)
    if program is None:
        pytest.skip(NONE)
    command = [
        program,
        "--headless",
        "--disable-gpu",
        "--enable-logging=stderr",
        "--virtual-time-budget=5000",
        f"--user-data-dir={folder}",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
        "--dump-dom",
        url,
    ]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return Shown(ran.stdout, SAID.findall(ran.stderr))
