"""What is recorded of an outgoing request: its duration, and a span if there is tracing."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from servicekit.metrics import CLIENT_DURATION, OTHER, STATUS_CODES
from servicekit.tracing import Attributes, span


@dataclass(slots=True)
class Call:
    """An outgoing request; `status` is that of the answer, None without one."""

    status: int | None = None


@contextmanager
def observed_call(method: str, url: str, headers: dict[str, str]) -> Iterator[Call]:
    """Measure the block, a request to `url`, and record it as a span, whose trace it writes into `headers`.

    The URL comes from the settings: its host and port are labels. The type of an error is the status if that is 400 or
    more, as the conventions have it, else the `outcome` of the exception, or its class.
    """
    host, port, shown = _parts(url)
    call, error_type = Call(), ""
    known: Attributes = {"http.request.method": method, "server.address": host, "server.port": port, "url.full": shown}
    started = time.perf_counter()
    with span(method, known, headers) as of_answer:
        try:
            yield call
        except Exception as error:
            error_type = getattr(error, "outcome", type(error).__name__)
            raise
        finally:
            seconds = time.perf_counter() - started
            status = _status_label(call.status)
            if call.status is not None:
                of_answer["http.response.status_code"] = call.status
                error_type = error_type or (status if call.status >= 400 else "")
            if error_type:
                of_answer["error.type"] = error_type
            CLIENT_DURATION.labels(method, host, port, status, error_type).observe(seconds)


def _status_label(status: int | None) -> str:
    if status is None:
        return ""
    return str(status) if str(status) in STATUS_CODES else OTHER  # the server may send any number


def _parts(url: str) -> tuple[str, int, str]:
    """Return host, port, and the URL without credentials and query; nothing of what is no URL."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return "", 0, ""
    return host, port, _without_secrets(parts)


def _without_secrets(parts: SplitResult) -> str:
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
