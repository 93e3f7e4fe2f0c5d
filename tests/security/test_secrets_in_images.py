"""No secret comes into an image: none is copied, and none is said while it is built."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILES = ("service/Dockerfile", "operator/Dockerfile")
PRIVATE = (
    ".env",
    ".env.production",
    "service/.env",
    "service/parkingspots/.env.local",
    "operator/.env",
    ".run/mail/1.eml",
)
NEEDED = ("LICENSE", "requirements/runtime.txt", "service/pyproject.toml", "service/parkingspots/app.py")
SECRET = re.compile(r"\b(\w*(?:PASSWORD|SECRET|TOKEN|API_?KEY|PRIVATE)\w*|\w+_URL)\s*=", re.IGNORECASE)

REAL = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{32}|[sr]k_live_[A-Za-z0-9]{20}|whsec_[A-Za-z0-9]{32}"
)


def is_sent(path: str) -> bool:
    """Whether .dockerignore lets a file into the build: the last line that fits it, or a folder it lies in, decides."""
    sent = True
    folders = [path, *(str(parent) for parent in Path(path).parents)]
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = re.compile(_pattern(line.removeprefix("!")))
        if any(pattern.fullmatch(each) for each in folders):
            sent = line.startswith("!")
    return sent


def _pattern(line: str) -> str:
    """Docker's: ** is any number of folders, * anything but a slash."""
    whole = re.escape(line).replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*")
    return whole.replace(r"\*", "[^/]*")


@pytest.mark.parametrize("path", PRIVATE)
def test_what_is_a_developers_own_does_not_come_into_the_build(path: str) -> None:
    assert not is_sent(path)


@pytest.mark.parametrize("path", NEEDED)
def test_what_an_image_is_made_of_does(path: str) -> None:
    assert is_sent(path)


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_no_layer_has_a_secret_in_its_environment_or_arguments(dockerfile: str) -> None:
    said = (ROOT / dockerfile).read_text()
    assert not [line for line in said.splitlines() if SECRET.search(line)]
    assert "--mount=type=secret" not in said  # nor does a build need one
    assert not re.search(r"^(COPY|ADD) .*(\s\.\s|\.env)", said, re.MULTILINE)


def test_no_secret_is_in_the_repository() -> None:
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    names = listing.splitlines()
    assert [name for name in names if Path(name).name.startswith(".env")] == [".env.example"]
    texts = {name: (ROOT / name).read_bytes() for name in names if (ROOT / name).is_file()}
    assert not [name for name, text in texts.items() if REAL.search(text) and not name.startswith("tests/")]
