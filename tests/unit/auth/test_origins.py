import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from efishery_auth import create_app
from efishery_auth.origins import current_origin, network, normalise_address
from efishery_auth.settings import AuthSettings


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("", ""),
        ("unknown", ""),
        ("192.0.2.1:80", ""),
        ("x" * 8000, ""),
    ],
)
def test_addresses_have_one_form(text: str, address: str) -> None:
    assert normalise_address(text) == address


@given(st.ip_addresses().map(str) | st.text())
def test_an_address_fits_its_column_and_has_a_network(text: str) -> None:
    address = normalise_address(text)
    assert len(address) <= 45
    assert normalise_address(address) == address
    assert len(network(address)) <= 45


def test_the_network_of_an_ipv6_address_has_64_bits() -> None:
    assert network("2001:db8::1") == network("2001:db8::ffff:1") == "2001:db8::/64"
    assert network("192.0.2.1") == "192.0.2.1"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.9", "127.0.0.1"),
        (1, None, "127.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "198.51.100.66, 203.0.113.9", "203.0.113.9"),
        (1, "203.0.113.9, <script>", ""),
        (2, "198.51.100.66, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (2, "203.0.113.9", "127.0.0.1"),
    ],
)
def test_a_forged_address_is_not_believed(
    settings: AuthSettings, proxies: int, forwarded: str | None, address: str
) -> None:
    app = create_app(settings.model_copy(update={"trusted_proxies": proxies}))
    app.add_url_rule("/origin", view_func=lambda: current_origin().address)
    client: FlaskClient = app.test_client()
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    assert client.get("/origin", headers=headers).text == address
