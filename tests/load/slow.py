"""Hundreds of slow HTTP clients in one process: `python -m tests.load.slow URL CLIENTS`.

Prints a line once all of them have begun, and at the end of its standard input a JSON object of what they saw. A
client whose connection is closed opens another, so that their number stays the same.
"""

import asyncio
import json
import logging
import os
import socket
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

from tests.load.connections import address, tls

Writer = asyncio.StreamWriter
Behaviour = Callable[[asyncio.StreamReader, Writer], Awaitable[None]]

FILE = b"/docs/swagger-ui-bundle.js"  # 1.7 MB: more than the kernel and a proxy without settings would hold
RECONNECT_SECONDS = 2.0
RAMP_SECONDS = 5.0  # they come one after the other: a hundred downloads at the same moment would be load, not slowness
RECEIVE_BUFFER = 4096


async def _write(writer: Writer, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


async def _trickle(writer: Writer) -> None:
    while True:
        await asyncio.sleep(1)
        await _write(writer, b"x")


async def _flood(writer: Writer, data: bytes) -> None:
    for _ in range(16):
        await _write(writer, data)


async def _ask_without_reading(writer: Writer) -> None:
    if writer.get_extra_info("ssl_object"):
        writer.transport.set_read_buffer_limits(RECEIVE_BUFFER)  # type: ignore[attr-defined]  # TLS has a buffer of its own
    writer.transport.pause_reading()  # type: ignore[attr-defined]  # a stream's transport can
    await _write(writer, b"GET " + FILE + b" HTTP/1.1\r\nHost: slow\r\n\r\n")


async def silent(_reader: asyncio.StreamReader, _writer: Writer) -> None:
    """Connect and send nothing."""


async def header_without_end(_reader: asyncio.StreamReader, writer: Writer) -> None:
    """Send a part of the header."""
    await _write(writer, b"GET /ping HTTP/1.1\r\nHost: slow\r\nX-Slow: ")


async def header_by_bytes(reader: asyncio.StreamReader, writer: Writer) -> None:
    """Send the header at a byte a second."""
    await header_without_end(reader, writer)
    await _trickle(writer)


async def body_without_end(_reader: asyncio.StreamReader, writer: Writer) -> None:
    """Send a part of the body."""
    head = b"POST /auth/login HTTP/1.1\r\nHost: slow\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    await _write(writer, head + b'{"phone": "')


async def body_by_bytes(reader: asyncio.StreamReader, writer: Writer) -> None:
    """Send the body at a byte a second."""
    await body_without_end(reader, writer)
    await _trickle(writer)


async def header_too_large(reader: asyncio.StreamReader, writer: Writer) -> None:
    """Send a header of 128 KiB without an end."""
    await header_without_end(reader, writer)
    await _flood(writer, b"x" * 8192)


async def body_too_large(_reader: asyncio.StreamReader, writer: Writer) -> None:
    """Send a chunked body of 128 KiB without an end."""
    await _write(writer, b"POST /auth/login HTTP/1.1\r\nHost: slow\r\nTransfer-Encoding: chunked\r\n\r\n")
    await _flood(writer, b"2000\r\n" + b"x" * 8192 + b"\r\n")


async def answer_unread(_reader: asyncio.StreamReader, writer: Writer) -> None:
    """Ask for a large file and read nothing of it."""
    await _ask_without_reading(writer)
    await asyncio.Event().wait()


async def answer_by_bytes(_reader: asyncio.StreamReader, writer: Writer) -> None:
    """Ask for a large file and read a hundred bytes of it a second."""
    await _ask_without_reading(writer)
    descriptor = writer.get_extra_info("socket").fileno()
    while True:
        await asyncio.sleep(1)
        with suppress(BlockingIOError):
            os.read(descriptor, 100)  # before asyncio and TLS, which would read more at once


BEHAVIOURS: tuple[Behaviour, ...] = (
    silent,
    header_without_end,
    header_by_bytes,
    header_too_large,
    body_without_end,
    body_by_bytes,
    body_too_large,
    answer_unread,
    answer_by_bytes,
)


class SlowClients:
    """All clients of this process, and what was answered to each behaviour."""

    def __init__(self, url: str) -> None:
        self._address, self._tls = address(url), tls(url)
        self.answers: Counter[str] = Counter()
        self.not_json: list[str] = []
        self.connected = 0

    async def keep(self, behaviour: Behaviour, after_seconds: float) -> None:
        """Be one client, again and again, from `after_seconds` on."""
        await asyncio.sleep(after_seconds)
        while True:
            try:
                await self._once(behaviour)
            except OSError:
                self.answers[f"{behaviour.__name__} closed"] += 1
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _once(self, behaviour: Behaviour) -> None:
        host = self._address[0] if self._tls else None
        sock = await self._connect()
        reader, writer = await asyncio.open_connection(sock=sock, ssl=self._tls, server_hostname=host)
        self.connected += 1
        sending = asyncio.ensure_future(behaviour(reader, writer))
        try:
            self._note(behaviour.__name__, await reader.read(65536))
        finally:
            self.connected -= 1
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            writer.transport.abort()

    async def _connect(self) -> socket.socket:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, self._address)
        return connection

    def _note(self, name: str, answer: bytes) -> None:
        head, _, body = answer.decode().partition("\r\n\r\n")
        status = head.split(" ")[1] if head else "closed"
        self.answers[f"{name} {status}"] += 1
        if head and '"success": false' not in body:
            self.not_json.append(f"{name}: {answer[:200]!r}")


async def main(url: str, count: int) -> None:
    """Run `count` clients until standard input ends."""
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # it warns of each write after the server has closed
    clients = SlowClients(url)
    tasks = [
        asyncio.create_task(clients.keep(BEHAVIOURS[i % len(BEHAVIOURS)], RAMP_SECONDS * i / count))
        for i in range(count)
    ]
    await asyncio.sleep(RAMP_SECONDS + 1)
    sys.stdout.write("connected\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    seen = {"connected": clients.connected, "answers": clients.answers, "not_json": clients.not_json}
    for task in tasks:
        task.cancel()
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
