# ruff: noqa: INP001, S603 - a program of its own, whose commands are its own
"""Make `.venv` what the locks say, or do nothing where it is that already.

Runs on a bare Python ≥ 3.11; writes nothing outside this folder.
"""

import fcntl
import hashlib
import os
import shlex
import subprocess
import sys
from pathlib import Path
from time import monotonic

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
MADE, INSTALLED = VENV / ".made", VENV / ".installed"  # each is written when its step is complete
DISTRIBUTIONS = ("service", "lifecycle-cronjob", "operator")
SOURCES = (
    *(ROOT / "requirements" / name for name in ("install.py", "uv.txt", "dev.txt")),
    *(ROOT / name / "pyproject.toml" for name in DISTRIBUTIONS),
)
UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
}


def main() -> None:
    """Install what is missing, one install at a time in this folder."""
    (ROOT / ".run").mkdir(exist_ok=True)
    with (ROOT / ".run" / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _holds(INSTALLED, _fingerprint()):
            _install()


def _install() -> None:
    began = monotonic()
    INSTALLED.unlink(missing_ok=True)
    os.environ.update(_environment())
    if not _holds(MADE, _identity()):
        _make_environment()
    os.environ.update(_index())
    _say("3/4 the packages of requirements/dev.txt")
    _run(VENV / "bin" / "uv", "pip", "sync", "--require-hashes", ROOT / "requirements" / "dev.txt")
    _say("4/4 ParkingSpots itself")
    editable = [part for name in DISTRIBUTIONS for part in ("--editable", ROOT / name)]
    _run(
        VENV / "bin" / "uv",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        *editable,
    )
    _write(INSTALLED, _fingerprint())
    _say(f"done in {monotonic() - began:.0f} s")


def _make_environment() -> None:
    _require_venv()
    MADE.unlink(missing_ok=True)
    _say("1/4 a Python environment in .venv")
    _run(getattr(sys, "_base_executable", sys.executable), "-m", "venv", "--clear", VENV)
    _say("2/4 the installer, uv")
    lock = ROOT / "requirements" / "uv.txt"
    _run(PYTHON, "-m", "pip", "install", "--quiet", "--require-hashes", "--only-binary=:all:", "-r", lock)
    _write(MADE, _identity())


def _require_venv() -> None:
    try:
        import ensurepip  # noqa: F401, PLC0415
        import venv  # noqa: F401, PLC0415
    except ImportError:
        sys.exit("This Python lacks venv: install it first (on Debian and Ubuntu: apt-get install python3-venv)")


def _environment() -> dict[str, str]:
    """Caches inside the folder unless the user chose others; no question, no look at what is not locked."""
    caches = {"PIP_CACHE_DIR": ROOT / ".run/cache/pip", "UV_CACHE_DIR": ROOT / ".run/cache/uv"}
    chosen = {name: os.environ.get(name, str(folder)) for name, folder in caches.items()}
    fixed = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "UV_PYTHON_DOWNLOADS": "never"}
    return {**chosen, **fixed, "UV_PYTHON": str(PYTHON)}


def _index() -> dict[str, str]:
    """Where pip is told to find packages, in the names that uv reads; the user's own uv settings win."""
    command = [str(PYTHON), "-m", "pip", "config", "list"]
    listing = subprocess.run(command, capture_output=True, text=True, check=False)
    found = {}
    for line in listing.stdout.splitlines():
        name, _, value = line.partition("=")
        uv_name = UV_NAMES.get(name.rpartition(".")[2])
        if uv_name and uv_name not in os.environ:
            found[uv_name] = " ".join(shlex.split(value)).replace("\\n", " ").strip()
    return found


def _identity() -> str:
    """What an environment cannot survive a change of: the folder and the Python."""
    return f"{ROOT}\n{sys.base_prefix}\n{sys.version}\n"


def _fingerprint() -> str:
    """What the installation rests on."""
    digest = hashlib.sha256()
    for source in SOURCES:
        digest.update(source.read_bytes())
    return f"{_identity()}{digest.hexdigest()}\n"


def _holds(stamp: Path, text: str) -> bool:
    return os.access(PYTHON, os.X_OK) and stamp.exists() and stamp.read_text(encoding="utf-8") == text


def _write(stamp: Path, text: str) -> None:
    draft = stamp.with_suffix(".new")
    draft.write_text(text, encoding="utf-8")
    draft.replace(stamp)


def _run(*command: str | Path) -> None:
    status = subprocess.run(command, check=False).returncode
    if status:
        sys.exit(f"The installation failed (see above: {Path(command[0]).name}, exit code {status}). Run it again.")


def _say(line: str) -> None:
    sys.stderr.write(f"Installing: {line}\n")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Interrupted: the next make continues the installation.")
    except OSError as error:
        sys.exit(f"The installation failed: {error.strerror} ({error.filename or ROOT})")
