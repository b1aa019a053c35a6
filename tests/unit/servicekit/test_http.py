import socket

import pytest
import requests
from flask import Flask, g
from pytest_httpserver import HTTPServer

from servicekit.http import Session


def test_a_silent_server_is_waited_for_once() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=16) as silent:
        with pytest.raises(requests.ConnectionError):
            Session(0.2, "test").get(f"http://127.0.0.1:{silent.getsockname()[1]}/")
        silent.setblocking(False)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()


def test_a_get_is_tried_once_more(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/broken").respond_with_data("no", status=503)
    response = Session(2, "test").get(httpserver.url_for("/broken"))
    assert response.status_code == 503
    assert len(httpserver.log) == 2


@pytest.mark.parametrize("status", [413, 429, 503])
def test_nobody_can_make_us_wait(httpserver: HTTPServer, status: int) -> None:
    httpserver.expect_request("/later").respond_with_data("no", status=status, headers={"Retry-After": "3600"})
    assert Session(2, "test").get(httpserver.url_for("/later")).status_code == status


def test_a_post_is_sent_once(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/broken", method="POST").respond_with_data("no", status=503)
    Session(2, "test").post(httpserver.url_for("/broken"))
    assert len(httpserver.log) == 1


def test_the_request_id_and_our_name_are_passed_on(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data("ok")
    with Flask(__name__).test_request_context():
        g.request_id = "abc-1"
        Session(2, "efishery-test").get(httpserver.url_for("/"))
    headers = httpserver.log[0][0].headers
    assert headers["X-Request-ID"] == "abc-1"
    assert headers["User-Agent"] == "efishery-test"
