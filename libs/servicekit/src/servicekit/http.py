"""Outgoing HTTP. Every call has a timeout and a bounded number of tries, and carries the request's id."""

from typing import Any

import requests
from flask import g, has_request_context
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from servicekit.observability import REQUEST_ID_HEADER

# One more try for what fails at once: a refused connection, a gateway's error. A server that is silent was
# waited for already, and a Retry-After may say hours, for which a thread would sleep.
_RETRIES = Retry(
    total=1,
    read=0,
    backoff_factor=0.2,
    status_forcelist=(502, 503, 504),
    allowed_methods=("GET", "HEAD"),
    raise_on_status=False,
    respect_retry_after_header=False,
)
_CONNECT_SECONDS = 2.0


class Session(requests.Session):
    """A requests session with our manners; raises requests.RequestException as that one does."""

    def __init__(self, timeout_seconds: float, user_agent: str) -> None:
        super().__init__()
        self._timeout_seconds = timeout_seconds
        self.headers["User-Agent"] = user_agent
        self.mount("http://", HTTPAdapter(max_retries=_RETRIES))
        self.mount("https://", HTTPAdapter(max_retries=_RETRIES))

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # noqa: ANN401 -- as requests has it
        """Send with the session's timeout between reads, and 2 s to connect, unless the call has its own."""
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = (min(_CONNECT_SECONDS, self._timeout_seconds), self._timeout_seconds)
        if has_request_context():
            request.headers.setdefault(REQUEST_ID_HEADER, g.request_id)
        return super().send(request, **kwargs)
