"""The headers of every answer of the gateway of `make run`, which has no TLS."""

import pytest

from tests.load.response_headers import REQUESTS, check_response_headers
from tests.system.running import RunningSystem


@pytest.mark.parametrize("name", REQUESTS)
def test_answers_have_security_headers_and_do_not_name_the_server(system: RunningSystem, name: str) -> None:
    check_response_headers(system.url, name, over_tls=False)
