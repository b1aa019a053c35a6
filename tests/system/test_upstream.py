"""An upstream that is not well, through the gateway."""

import socket

import pytest
import requests

from tests.system.running import Start


def test_a_list_that_never_answers_is_503_in_time(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the kernel takes connections, nobody reads them
        monkeypatch.setenv("FETCH_LIST_URL", f"http://127.0.0.1:{silent.getsockname()[1]}/commodities")
        system = start()
        system.wait_until_up()
        token = system.login(system.find(r"phone (\+\d+)"), system.find(r"password (\S+)"))
        headers = {"Authorization": f"Bearer {token}"}
        answer = requests.get(f"{system.url}/fetch/resource", headers=headers, timeout=20)
    assert (answer.status_code, answer.json()["status"], answer.json()["success"]) == (503, 503, False)
    assert int(answer.headers["Retry-After"]) > 0
