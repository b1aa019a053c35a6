"""Outgoing HTTP GET requests, each with a total deadline and a limit on the size of the answer.

The timeouts of requests and urllib3 bound each read from the socket, so a server that sends one byte at a time resets
them with each byte. Calls therefore run in a bounded number of threads, and the caller waits until the deadline.
"""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import ClassVar
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse, Retry
from urllib3.exceptions import HTTPError as TransportError
from urllib3.exceptions import ReadTimeoutError

from servicekit.observability import headers_of_request
from servicekit.outgoing import observed_call

MAX_REDIRECTS = 5
CHUNK_BYTES = 64 * 1024
# A second attempt for what fails at once: a refused connection, a gateway's error. A silent server was waited for
# already, and a Retry-After may be hours.
RETRY = Retry(
    total=1,
    read=False,  # raised as it is
    backoff_factor=0.2,
    status_forcelist=(502, 503, 504),
    allowed_methods=("GET",),
    raise_on_status=False,
    respect_retry_after_header=False,
)


class HTTPError(Exception):
    """A request without a usable answer. Neither text nor `outcome` holds the URL, whose query may have a key."""

    outcome: ClassVar[str]  # for metrics


class Unreachable(HTTPError):
    """No connection, or it broke off, or what was sent is not HTTP."""

    outcome = "unreachable"


class DeadlineExceeded(HTTPError):
    """The answer was not complete in time."""

    outcome = "timeout"


class BodyTooLarge(HTTPError):
    """The body, after decompression, is larger than the limit."""

    outcome = "too_large"


class RedirectRefused(HTTPError):
    """A redirect to another host, from https to http, or one too many."""

    outcome = "redirect_refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """The status, the decompressed body and the `ETag` of an answer."""

    status: int
    body: bytes
    etag: str | None = None


@dataclass(frozen=True)
class HTTPClient:
    """Sends GET requests; a connection is used for one request.

    `deadline_seconds` bounds a call as a whole: name resolution, connection, headers, body, redirects, and the second
    attempt. `max_bytes` bounds the body after decompression. `max_calls` run at a time; further ones wait, at most
    until their deadline. A server that sends its headers byte by byte occupies one until it closes the connection.
    """

    deadline_seconds: float
    max_bytes: int
    user_agent: str
    max_calls: int = 4
    _threads: ThreadPoolExecutor = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_threads", ThreadPoolExecutor(self.max_calls, "http"))

    def get(self, url: str, *, accept: str = "application/json", if_none_match: str | None = None) -> Answer:
        """Send a GET; once more after 0.2 s if the connection fails or the status is 502, 503 or 504.

        Redirects are followed to the same host only, and never from https to http. With `if_none_match`, the ETag of
        an earlier answer, the status is 304 if nothing has changed (RFC 9110, section 13.1.2).

        Raises:
            Unreachable, DeadlineExceeded, BodyTooLarge, RedirectRefused.
        """
        headers = {"User-Agent": self.user_agent, "Accept": accept, **headers_of_request()}
        if if_none_match is not None:
            headers["If-None-Match"] = if_none_match
        with observed_call("GET", url, headers) as call:
            answer = self._get_in_thread(url, headers)
            call.status = answer.status
        return answer

    def _get_in_thread(self, url: str, headers: dict[str, str]) -> Answer:
        deadline = time.monotonic() + self.deadline_seconds
        call: Future[Answer] = self._threads.submit(self._get, url, headers, deadline)
        try:
            return call.result(self.deadline_seconds)
        except TimeoutError as error:
            call.cancel()  # if it has not begun
            raise self._deadline_exceeded() from error

    def _get(self, url: str, headers: dict[str, str], deadline: float) -> Answer:
        with _Session(headers) as session:
            try:
                return self._get_following_redirects(session, url, deadline)
            except (requests.Timeout, ReadTimeoutError) as error:
                raise self._deadline_exceeded() from error
            except (requests.RequestException, TransportError) as error:  # its text quotes the URL
                raise Unreachable(type(error).__name__) from error

    def _get_following_redirects(self, session: requests.Session, url: str, deadline: float) -> Answer:
        for _ in range(MAX_REDIRECTS + 1):
            left = max(deadline - time.monotonic(), 0.001)
            with session.get(url, timeout=left, stream=True, allow_redirects=False) as response:
                if not response.is_redirect:
                    body = self._read(response.raw, deadline)
                    return Answer(response.status_code, body, response.headers.get("ETag"))
            url = _redirect_target(url, response.headers["Location"])
        raise RedirectRefused(f"more than {MAX_REDIRECTS} redirects")

    def _read(self, raw: BaseHTTPResponse, deadline: float) -> bytes:
        body = bytearray()
        # read1 returns what has arrived; read would wait for the whole chunk.
        while chunk := raw.read1(CHUNK_BYTES, decode_content=True):
            body += chunk
            if len(body) > self.max_bytes:
                raise BodyTooLarge(f"the body is larger than {self.max_bytes} bytes")
            if time.monotonic() > deadline:
                raise self._deadline_exceeded()
        return bytes(body)

    def _deadline_exceeded(self) -> DeadlineExceeded:
        return DeadlineExceeded(f"no complete answer within {self.deadline_seconds:g} s")


class _Session(requests.Session):
    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__()
        self.headers.update(headers)
        self.mount("http://", HTTPAdapter(max_retries=RETRY))
        self.mount("https://", HTTPAdapter(max_retries=RETRY))

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Leave redirects to HTTPClient: requests reads the body of each, whatever its size."""


def _redirect_target(url: str, location: str) -> str:
    """Return the absolute URL of a `Location` (RFC 9110, section 10.2.2)."""
    try:
        target = urljoin(url, location)
        before, after = urlsplit(url), urlsplit(target)
        same_host = after.hostname == before.hostname
    except ValueError as error:
        raise RedirectRefused("a redirect to something that is not a URL") from error
    if not same_host:
        raise RedirectRefused("a redirect to another host; configure the final URL")
    if after.scheme not in ("https", before.scheme):
        raise RedirectRefused(f"a redirect from {before.scheme} to {after.scheme}")
    return target
