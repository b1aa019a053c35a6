"""500 slow clients beside normal ones, through the ingress gateway."""

from collections.abc import Callable

from tests.e2e.conftest import Gateway, Headers
from tests.load.comparison import check, compare, usual_requests


def test_slow_clients_do_not_slow_normal_ones(gateway: Gateway, user: Headers, new_phone: Callable[[], str]) -> None:
    # A user of its own logs in: so many logins end the user's oldest sessions.
    registered = gateway.post("/auth/register", {"name": "Budi", "phone": new_phone()}).json()["data"]
    login = {"phone": registered["phone"], "password": registered["password"]}
    check(compare(gateway.url, usual_requests(login, user)))
