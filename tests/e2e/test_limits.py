"""What the ingress gateway refuses, and that it does so in the envelope."""

import pytest

from tests.e2e.conftest import Gateway
from tests.load.hostile import REFUSED, check_envelope


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_an_envelope(gateway: Gateway, name: str) -> None:
    statuses, data = REFUSED[name]
    assert check_envelope(gateway.url, data) in statuses
