"""Structured logs, one event per line: JSON in a cluster, text on a terminal; gunicorn's log included."""

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import BinaryIO, Literal

import orjson
import structlog

_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
_root = logging.getLogger()
# Where `info` writes lines of JSON; None before `configure`, and for the format of a terminal.
_json_output: BinaryIO | None = None


def configure(level: str = "info", log_format: Literal["json", "console"] = "json") -> None:
    """Write the records of structlog and of `logging` to stdout in one format; may be called again."""
    global _json_output
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_formatter(log_format))
    _json_output = getattr(sys.stdout, "buffer", None) if log_format == "json" else None
    _root.handlers[:] = [handler]
    _root.setLevel(level.upper())
    # Its retry warnings contain the whole URL, whose query may hold a key.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def info(logger: str, event: str, fields: Mapping[str, str | int | float]) -> None:
    """Log as `structlog.get_logger(logger).info(event, **fields)` does, at a twentieth of the cost (ADR 16).

    The fields are all there is in the line: what is bound to the context is not added in JSON.
    """
    if _json_output is None:
        structlog.get_logger(logger).info(event, **fields)
        return
    if not _root.isEnabledFor(logging.INFO):
        return
    line = {**fields, "event": event, "level": "info", "logger": logger, "timestamp": datetime.now(UTC)}
    try:
        # One write: lines of several threads do not mix. Unlike the text layer above it, this one is thread-safe.
        _json_output.write(orjson.dumps(line, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE))
        _json_output.flush()
    except (OSError, ValueError):  # a full disk, a closed pipe: no reason to fail the request
        return


def _formatter(log_format: Literal["json", "console"]) -> logging.Formatter:
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
    # The console renderer formats exceptions itself; JSON needs them as text in a field.
    exceptions: list[structlog.typing.Processor] = [structlog.processors.format_exc_info]
    if log_format == "console":
        renderer, exceptions = structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty()), []
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *exceptions, renderer],
    )
