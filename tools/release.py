# ruff: noqa: INP001, S603 - a program of its own, which runs git and helm
"""Make a release: `release.py 1.2.3` writes the version wherever it stands, packages the chart, commits and tags.

With --dry-run it does so in a copy, which it throws away, and shows what came of it. Nothing is pushed. Runs on a bare
Python ≥ 3.11.
"""

import argparse
import difflib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHART = "charts/parkingspots"
CHANGELOG = "CHANGELOG.md"
PLACES: Mapping[str, tuple[str, ...]] = {
    "service/pyproject.toml": (r'^version = "(.+)"$',),
    "lifecycle-cronjob/pyproject.toml": (r'^version = "(.+)"$',),
    "operator/pyproject.toml": (r'^version = "(.+)"$',),
    f"{CHART}/Chart.yaml": (r"^version: (.+)$", r"^appVersion: (.+)$"),
}
"""Where the version stands; the first is the one that is believed."""
DESCRIPTION = "docs/openapi.json"
"""Is made from the code, which tells its version there."""
UNRELEASED = "## [Unreleased]\n"
VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


class Refused(Exception):  # noqa: N818 - a sentence for a person at a terminal
    """Why there is no release."""


def main() -> None:
    """Release, or with --dry-run say what a release would change."""
    parser = argparse.ArgumentParser(description="Make a release.")
    parser.add_argument("version", help="such as 1.2.3")
    parser.add_argument("--helm", default="helm")
    parser.add_argument("--dry-run", action="store_true", help="change nothing, and show what would come of it")
    parser.add_argument("--bin", default=str(ROOT / ".venv/bin"), help="of a dry run: where the programs are")
    parser.add_argument(
        "--builder", default="echo docker build --tag", help="of a dry run: what builds images, or shows"
    )
    parser.add_argument("--images", default="", help="of a dry run: what the images' names begin with")
    options = parser.parse_args()
    try:
        changes = checked(options.version, datetime.now(UTC).date())
        if options.dry_run:
            sys.stdout.writelines(shown(changes))
            rehearse(options.version, changes, options)
        else:
            release(options.version, changes, options.helm)
    except (Refused, OSError) as refused:
        sys.exit(f"No release: {refused}")


def checked(version: str, today: date) -> Mapping[str, str]:
    """The new text of each file. Raises Refused where a release cannot be made."""
    if not VERSION.fullmatch(version):
        raise Refused(f"{version!r} is no version such as 1.2.3.")
    before = current()
    if parts(version) < parts(before):
        raise Refused(f"{version} is older than {before}.")
    if f"v{version}" in git("tag").split():
        raise Refused(f"the tag v{version} is there already.")
    if changed := git("status", "--porcelain"):
        raise Refused(f"commit or put away what is changed:\n{changed}")
    return {name: text for name, text in rewritten(before, version, today) if text != read(name)}


def current() -> str:
    name, (pattern, *_) = next(iter(PLACES.items()))
    return only(pattern, name)


def only(pattern: str, name: str) -> str:
    """What stands at the one place of that pattern in the file."""
    found = re.findall(pattern, read(name), re.MULTILINE)
    if len(found) != 1:
        raise Refused(f"{name} has {len(found)} lines like {pattern}, not one.")
    return str(found[0])


def rewritten(before: str, version: str, today: date) -> Iterator[tuple[str, str]]:
    """Every file that tells the version, with the new one in it."""
    for name, patterns in PLACES.items():
        text = read(name)
        for pattern in patterns:
            if (there := only(pattern, name)) != before:
                raise Refused(f"{name} says {there}, and not {before} as the others.")
            text = re.sub(pattern, put(version), text, count=1, flags=re.MULTILINE)
        yield name, text
    own = rf'(?<!"openapi": )"{re.escape(before)}"'  # the other is that of OpenAPI
    yield DESCRIPTION, re.sub(own, f'"{version}"', read(DESCRIPTION))
    yield CHANGELOG, moved(read(CHANGELOG), version, today)


def put(version: str) -> Callable[[re.Match[str]], str]:
    """Replaces the group of a match and leaves what is around it."""
    return lambda match: match[0].replace(match[1], version)


def moved(text: str, version: str, today: date) -> str:
    """The changelog with what was unreleased under the version's own title."""
    head, mark, rest = text.partition(UNRELEASED)
    if not mark or not rest.partition("\n## [")[0].strip():
        raise Refused(f"{CHANGELOG} says nothing under {UNRELEASED.strip()}.")
    return f"{head}{mark}\n## [{version}] - {today}\n{rest}"


def shown(changes: Mapping[str, str]) -> Iterator[str]:
    """The changes as `diff -u` shows them."""
    for name, text in changes.items():
        yield from difflib.unified_diff(
            read(name).splitlines(keepends=True), text.splitlines(keepends=True), name, name, n=0
        )


def rehearse(version: str, changes: Mapping[str, str], options: argparse.Namespace) -> None:
    """Make of a copy with the changes in it what a release gives, and say what that is."""
    require(options.helm)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        git("clone", "--quiet", str(ROOT), str(copy))
        for name, text in changes.items():
            (copy / name).write_text(text, encoding="utf-8")
        make = ("make", "--no-print-directory", "--directory", str(copy), f"IMAGE_TAG={version}")
        run(*make, "artifacts", "--assume-old=install", f"BIN={options.bin}", f"HELM={options.helm}")
        say("It gives, by SHA-256:")
        say((copy / "dist" / "SHA256SUMS").read_text(encoding="utf-8").rstrip())
        images = (f"IMAGE_PREFIX={options.images}", f"IMAGE_BUILDER={options.builder}", "IMAGE_LOADER=true")
        say(run(*make, "images", *images).rstrip())
    say(f"That was a dry run: nothing has changed. make release VERSION={version} makes the release.")


def require(helm: str) -> None:
    if shutil.which(helm) is None:
        raise Refused(f"{helm} is not installed. It packages the chart: https://helm.sh/docs/intro/install/")


def release(version: str, changes: Mapping[str, str], helm: str) -> None:
    """Write, package, commit and tag; whatever fails leaves the files as they were."""
    require(helm)
    try:
        for name, text in changes.items():
            (ROOT / name).write_text(text, encoding="utf-8")
        run(helm, "package", CHART, "--destination", "dist")
        git("commit", "--quiet", "--message", f"Release {version}", "--", *changes)
    except (Refused, OSError):
        git("restore", "--staged", "--worktree", "--", *changes)
        raise
    git("tag", "--annotate", "--message", f"ParkingSpots {version}", f"v{version}")
    say(f"ParkingSpots {version} is committed and tagged, its chart is dist/parkingspots-{version}.tgz. Push both:")
    say(f"  git push --atomic origin HEAD v{version}")
    say("The release workflow builds the images of that tag and pushes them and the chart; by hand: make publish")


def parts(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def git(*arguments: str) -> str:
    return run("git", *arguments)


def run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"{' '.join(command[:2])} failed: {done.stderr.strip()}")
    return done.stdout


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
