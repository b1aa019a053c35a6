"""Outgoing HTTP GET requests, each with a total deadline and a limit on the size of the answer.

aiohttp is used because a task of asyncio can be cancelled wherever it waits. The timeouts of requests and
urllib3 bound each read from the socket: a server that sends one byte at a time resets them with each byte.
Name resolution is the one step outside the deadline: `getaddrinfo` cannot be cancelled, and resolv.conf(5) bounds it.
"""

import asyncio
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urljoin, urlsplit

import aiohttp
from flask import g, has_request_context

from servicekit.requests_log import REQUEST_ID_HEADER

MAX_REDIRECTS = 5
RETRY_STATUSES = (502, 503, 504)
RETRY_PAUSE_SECONDS = 0.2
REDIRECT_STATUSES = (301, 302, 303, 307, 308)  # RFC 9110, section 15.4
CHUNK_BYTES = 64 * 1024


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
    """The status and the decompressed body of an answer."""

    status: int
    body: bytes


@dataclass(frozen=True)
class HTTPClient:
    """Sends GET requests; a connection is used for one request.

    `deadline_seconds` bounds a call as a whole: connection, headers, body, redirects, and the second attempt.
    `max_bytes` bounds the body after decompression.
    """

    deadline_seconds: float
    max_bytes: int
    user_agent: str

    def get(self, url: str, *, accept: str = "application/json") -> Answer:
        """Send a GET; once more after 0.2 s if the connection fails or the status is 502, 503 or 504.

        Redirects are followed to the same host only, and never from https to http.

        Raises:
            Unreachable, DeadlineExceeded, BodyTooLarge, RedirectRefused.
        """
        headers = {"User-Agent": self.user_agent, "Accept": accept}
        if has_request_context():
            headers[REQUEST_ID_HEADER] = g.request_id
        return asyncio.run(self._get_in_time(url, headers))

    async def _get_in_time(self, url: str, headers: dict[str, str]) -> Answer:
        try:
            async with asyncio.timeout(self.deadline_seconds), _session(headers) as session:
                return await self._get_with_retry(session, url)
        except TimeoutError as error:
            raise DeadlineExceeded(f"no complete answer within {self.deadline_seconds:g} s") from error
        except aiohttp.ClientError as error:  # its text quotes the URL
            raise Unreachable(type(error).__name__) from error

    async def _get_with_retry(self, session: aiohttp.ClientSession, url: str) -> Answer:
        try:
            answer = await self._get_following_redirects(session, url)
            if answer.status not in RETRY_STATUSES:
                return answer
        except aiohttp.ClientConnectionError:
            pass
        await asyncio.sleep(RETRY_PAUSE_SECONDS)
        return await self._get_following_redirects(session, url)

    async def _get_following_redirects(self, session: aiohttp.ClientSession, url: str) -> Answer:
        for _ in range(MAX_REDIRECTS + 1):
            async with session.get(url, allow_redirects=False) as response:
                location = response.headers.get("Location")
                if response.status not in REDIRECT_STATUSES or location is None:
                    return Answer(response.status, await self._read(response))
            url = _redirect_target(url, location)
        raise RedirectRefused(f"more than {MAX_REDIRECTS} redirects")

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_chunked(CHUNK_BYTES):
            body += chunk
            if len(body) > self.max_bytes:
                raise BodyTooLarge(f"the body is larger than {self.max_bytes} bytes")
        return bytes(body)


def _session(headers: dict[str, str]) -> aiohttp.ClientSession:
    # The deadline is the only timeout, in place of aiohttp's own; trust_env is for HTTP_PROXY and NO_PROXY.
    return aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(), trust_env=True)


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
