"""What the standard OTEL_ variables ask for, and whether it can be had."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.util import find_spec
from urllib.parse import unquote

import structlog

ENDPOINTS = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"
PROTOCOLS = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"
HEADERS = "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"
"""The first that is set holds, whole."""
EXPORTERS = "OTEL_TRACES_EXPORTER"
PROPAGATORS = "OTEL_PROPAGATORS"
OTLP, CONSOLE, NONE = "otlp", "console", "none"
SPOKEN = "http/protobuf"
NEEDED = "opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"
SHORTEST = 4
"""Of a header's value that can be told from words."""
CREDENTIALS = re.compile(r"(?:^|//)([^/@]+)@|\?(.+)$")
"""Of an endpoint: what stands before its @, with a scheme or without one, and behind its ?."""
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Wish:
    """Where traces are to go, by the names that OTEL_TRACES_EXPORTER has; `objection` says why nowhere."""

    exporters: tuple[str, ...] = ()
    objection: str | None = None


def asked(environ: Mapping[str, str]) -> Wish:
    """What `environ` asks for, as far as this installation can do it."""
    wish = wished(environ)
    if wish.exporters and not _is_installed():
        return Wish(objection="install parkingspots[tracing], for which OTEL_ variables ask.")
    return wish


def wished(environ: Mapping[str, str]) -> Wish:
    """The same, were everything installed."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return Wish()
    named = [name.strip().lower() for name in environ.get(EXPORTERS, "").split(",") if name.strip()]
    exporters = named or [OTLP for _ in [None] if _first(environ, ENDPOINTS)]
    if not exporters or exporters == [NONE]:
        return Wish()
    if strange := [name for name in exporters if name not in {OTLP, CONSOLE}]:
        return Wish(objection=f"{EXPORTERS} has {', '.join(strange)}: use otlp, console or none.")
    protocol = _first(environ, PROTOCOLS) or SPOKEN
    if OTLP in exporters and protocol != SPOKEN:
        return Wish(objection=f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol}: use http/protobuf (port 4318).")
    return Wish(tuple(dict.fromkeys(exporters)))


def without_secrets(said: str, environ: Mapping[str, str]) -> str:
    """`said` with asterisks where it repeats credentials of an endpoint, or what headers hold."""
    for secret in sorted(_secrets(environ), key=len, reverse=True):
        said = said.replace(secret, "***")
    return said


def _secrets(environ: Mapping[str, str]) -> Iterator[str]:
    for name in ENDPOINTS:
        for found in CREDENTIALS.finditer(environ.get(name, "").strip()):
            whole = found[1] or found[2]
            yield from {spelt for each in (whole, whole.partition(":")[2]) if each for spelt in (each, unquote(each))}
    for name in HEADERS:
        values = [each.strip() for each in re.split(r"[,=]", environ.get(name, ""))[1:]]
        yield from {spelt for each in values if len(each) >= SHORTEST for spelt in (each, unquote(each))}


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    """An empty variable counts as none, as OpenTelemetry has it."""
    return next((value for name in names if (value := environ.get(name, "").strip())), None)


def _is_installed() -> bool:
    try:
        return all(find_spec(name) is not None for name in NEEDED)
    except ModuleNotFoundError:  # not even what they stand in
        return False


def leave_out_unknown_propagators() -> None:
    """Of OTEL_PROPAGATORS: OpenTelemetry's API, and with it the web framework, cannot be imported with one of them."""
    names = [name.strip() for name in os.environ.get(PROPAGATORS, "").split(",") if name.strip()]
    if not names:
        return
    known = {NONE, *(each.name for each in entry_points(group="opentelemetry_propagator"))}
    if strange := [name for name in names if name not in known]:
        log.warning("What OTEL_PROPAGATORS has and this installation does not know is left out.", names=strange)
        os.environ[PROPAGATORS] = ",".join(name for name in names if name in known) or NONE
