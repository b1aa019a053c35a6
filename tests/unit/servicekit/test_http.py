import socket

import pytest
import requests
from flask import Flask, g
from pytest_httpserver import HTTPServer

from servicekit.http import Session


def test_a_silent_server_is_given_up_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(requests.Timeout):
            Session(0.1, "test").post(f"http://127.0.0.1:{port}/")


def test_a_get_is_tried_again_a_bounded_number_of_times(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/broken").respond_with_data("no", status=503)
    response = Session(2, "test").get(httpserver.url_for("/broken"))
    assert response.status_code == 503
    assert len(httpserver.log) == 3


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
