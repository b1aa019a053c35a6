"""The command as a process: a provider cannot keep it from ending, and a signal ends it at once."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import pytest


@pytest.fixture
def environment(redis_url: str) -> dict[str, str]:
    return {**os.environ, "RATE_CRON_REDIS_URL": redis_url, "RATE_CRON_PROVIDERS": "custom"}


@contextmanager
def running(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "efishery_rate_cron"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def dripping_url() -> Iterator[str]:
    """The URL of a server that sends the headers of its answer byte by byte, without end."""
    ended = threading.Event()

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(ConnectionError):  # the process ends first
            while not ended.wait(0.05):
                connection.sendall(b"H")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=[listener], daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        ended.set()


def test_a_provider_that_never_ends_its_headers_does_not_keep_the_process(
    environment: dict[str, str], dripping_url: str
) -> None:
    settings = {"RATE_CRON_CUSTOM_URL": dripping_url, "RATE_CRON_TIMEOUT_SECONDS": "0.5"}
    with running(environment | settings) as process:
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert json.loads(output.splitlines()[-1])["outcome"] == "no_provider"


def test_sigterm_ends_a_run_with_its_log_line(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with running(environment | {"RATE_CRON_CUSTOM_URL": url, "RATE_CRON_TIMEOUT_SECONDS": "60"}) as process:
            asked, _ = listener.accept()
            with closing(asked):
                process.terminate()
                output, _ = process.communicate(timeout=30)
    assert process.returncode == 143
    assert json.loads(output.splitlines()[-1])["outcome"] == "terminated"
