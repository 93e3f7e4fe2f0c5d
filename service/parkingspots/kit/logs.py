"""Logs: lines of JSON, or coloured lines on a developer's terminal. They hold no body and no header."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

from parkingspots.kit import tracing
from parkingspots.settings import Environment, Settings

TALKATIVE = "httpx", "httpcore", "stripe", "urllib3"
"""They would tell the address of each call, and at level debug what goes in and out, clients' secrets included."""

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What a terminal would obey; letters that are shown to a developer have lines."""


def _harmless(_: object, __: str, record: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """JSON escapes control characters by itself, a terminal's lines do not."""
    return {key: CONTROL.sub(_escaped, value) if isinstance(value, str) else value for key, value in record.items()}


def _escaped(found: re.Match[str]) -> str:
    return f"\\x{ord(found[0]):02x}"


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Send structlog's and the standard library's records to `stream` in one form: standard output by default."""
    stream = stream or sys.stdout
    renderers: list[structlog.typing.Processor] = [structlog.processors.JSONRenderer()]
    if settings.environment is Environment.DEVELOPMENT:
        renderers = [_harmless, structlog.dev.ConsoleRenderer(colors=stream.isatty())]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        tracing.named,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "gunicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
