"""What is recorded of an outgoing request: its duration, and a span if there is tracing."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from servicekit.metrics import observe_call
from servicekit.tracing import client_span


@dataclass(slots=True)
class Call:
    """An outgoing request; `status` is that of the answer, None without one."""

    status: int | None = None


@contextmanager
def observed_call(method: str, url: str, headers: dict[str, str]) -> Iterator[Call]:
    """Measure the block, a call of `url`, and record it as a span, whose trace is added to `headers`.

    The URL comes from the settings: its host and port are labels. An exception's `outcome` is the type of the error,
    or its class.
    """
    server, call, error_type = _server(url), Call(), ""
    started = time.perf_counter()
    with client_span(method, url, server, headers) as finish:
        try:
            yield call
        except Exception as error:
            error_type = getattr(error, "outcome", type(error).__name__)
            raise
        finally:
            observe_call(method, server, call.status, error_type, time.perf_counter() - started)
            finish(call.status, error_type)


def _server(url: str) -> tuple[str, int]:
    """Return host and port; empty and 0 of what is no URL, which the request will report."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "", 0
    return host or "", port or (443 if parts.scheme == "https" else 80)
