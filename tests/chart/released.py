"""The Jobs that the operator makes of what the chart gives it."""

from chart.rendering import Manifest, of_kind
from parkingspots_operator import jobs
from parkingspots_operator.release import Release


def jobs_of(manifests: list[Manifest]) -> list[Manifest]:
    """The one that migrates and, where there is a cache, the one that purges; none where there is no operator."""
    return [job for manifest in of_kind(manifests, "Release") for job in _jobs(Release.of(manifest))]


def _jobs(release: Release) -> list[Manifest]:
    assert release.problem is None
    purging = [jobs.purge(release, "purges", "the-release-before")] if release.purge else []
    return [jobs.migration(release, "migrates"), *purging]
