"""500 slow clients beside normal ones, through the gateway of `make run`."""

import requests

from tests.load.comparison import check, compare, usual_requests
from tests.system.running import RunningSystem


def test_slow_clients_do_not_slow_normal_ones(system: RunningSystem, user_token: str) -> None:
    # A user of its own logs in: so many logins end the user's oldest sessions.
    user = {"name": "Budi", "phone": "+6281299990000"}
    registered = requests.post(f"{system.url}/auth/register", json=user, timeout=10).json()["data"]
    login = {"phone": user["phone"], "password": registered["password"]}
    check(compare(system.url, usual_requests(login, {"Authorization": f"Bearer {user_token}"})))
