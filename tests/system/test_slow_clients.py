"""500 slow clients beside normal ones."""

from tests.load.comparison import compare
from tests.system.running import RunningSystem

SLOW_CLIENTS = 500


def test_slow_clients_do_not_slow_normal_ones(system: RunningSystem, admin_token: str) -> None:
    token = {"Authorization": f"Bearer {admin_token}"}
    login = {"phone": system.find(r"phone (\+\d+)"), "password": system.find(r"password (\S+)")}
    requests = [
        {"method": "GET", "path": "/ping", "headers": {}},
        {"method": "POST", "path": "/auth/login", "headers": {"Content-Type": "application/json"}, "body": login},
        {"method": "GET", "path": "/fetch/resource", "headers": token},
        {"method": "GET", "path": "/docs/", "headers": {}},
    ]
    measured = compare(system.url, requests, SLOW_CLIENTS)
    print(measured)
    assert measured.failures == []
    assert measured.slow_p99 <= measured.allowed_p99
    assert measured.slow["connected"] > SLOW_CLIENTS * 0.5
    assert measured.slow["not_json"] == []
