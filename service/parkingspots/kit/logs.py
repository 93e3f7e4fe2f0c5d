"""Logs: lines of JSON, or coloured lines on a developer's terminal. They hold no body and no header."""

import logging
import sys
from typing import TextIO

import structlog

from parkingspots.kit import tracing
from parkingspots.settings import Environment, Settings

TALKATIVE = "httpx", "httpcore", "stripe", "urllib3"
"""They would tell the address of each call, and at level debug what goes in and out, clients' secrets included."""


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Send structlog's and the standard library's records to `stream` in one form: standard output by default."""
    stream = stream or sys.stdout
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if settings.environment is Environment.DEVELOPMENT:
        renderer = structlog.dev.ConsoleRenderer(colors=stream.isatty())
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
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "gunicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
