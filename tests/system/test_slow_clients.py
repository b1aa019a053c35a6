"""500 slow clients beside normal ones, through the gateway of `make run`."""

from tests.load.comparison import check, compare, usual_requests
from tests.system.running import RunningSystem


def test_slow_clients_do_not_slow_normal_ones(system: RunningSystem, admin_token: str) -> None:
    login = {"phone": system.find(r"phone (\+\d+)"), "password": system.find(r"password (\S+)")}
    check(compare(system.url, usual_requests(login, {"Authorization": f"Bearer {admin_token}"})))
