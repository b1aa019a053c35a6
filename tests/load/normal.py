"""Normal HTTP clients at a steady rate: `python -m tests.load.normal URL SECONDS RATE`.

Standard input is a JSON list of {method, path, headers, body}; they are sent in turn, at RATE a second whether or not
the former ones have been answered. Prints {"seconds": [...], "failures": [...]} as JSON.
"""

import asyncio
import json
import sys
import time
from typing import Any

from tests.load.connections import address, tls

TIMEOUT_SECONDS = 10.0


class NormalClients:
    """The latencies, in seconds, and the failures of one run."""

    def __init__(self, url: str) -> None:
        self._address, self._tls = address(url), tls(url)
        self.seconds: list[float] = []
        self.failures: list[str] = []

    async def send(self, request: dict[str, Any]) -> None:
        """Send one request on a connection of its own and note how it ended."""
        began = time.monotonic()
        try:
            status = await asyncio.wait_for(self._status(_encoded(request)), TIMEOUT_SECONDS)
        except (OSError, TimeoutError, IndexError) as error:
            status = type(error).__name__
        self.seconds.append(time.monotonic() - began)
        if status != "200":
            self.failures.append(f"{request['method']} {request['path']}: {status}")

    async def _status(self, data: bytes) -> str:
        reader, writer = await asyncio.open_connection(*self._address, ssl=self._tls)
        try:
            writer.write(data)
            answer = await reader.read()
            return answer.split(b" ", 2)[1].decode()
        finally:
            writer.transport.abort()


def _encoded(request: dict[str, Any]) -> bytes:
    body = json.dumps(request["body"]).encode() if request.get("body") else b""
    headers = {"Host": "normal", "Connection": "close", "Content-Length": str(len(body)), **request["headers"]}
    first = f"{request['method']} {request['path']} HTTP/1.1\r\n"
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    return (first + "".join(lines) + "\r\n").encode() + body


async def main(url: str, seconds: float, rate: int) -> None:
    """Send for `seconds`, wait for the last answers and print all."""
    requests = json.load(sys.stdin)
    clients = NormalClients(url)
    began = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        for number in range(int(seconds * rate)):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            tasks.create_task(clients.send(requests[number % len(requests)]))
    sys.stdout.write(json.dumps({"seconds": clients.seconds, "failures": clients.failures}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))
