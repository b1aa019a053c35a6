"""Addresses of the gateway and the services."""

import pytest

from efishery_gateway.addresses import Address


def test_host_and_port_are_parsed() -> None:
    assert Address.parse("auth:8080") == Address("auth", 8080)


@pytest.mark.parametrize("text", ["auth", "auth:", ":8080", "auth:0", "auth:65536", "auth:http"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="give host:port"):
        Address.parse(text)
