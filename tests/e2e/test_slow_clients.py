"""500 slow clients beside normal ones, through the ingress gateway."""

from tests.e2e.cluster import Cluster
from tests.e2e.conftest import Gateway, Headers
from tests.load.comparison import check, compare, usual_requests


def test_slow_clients_do_not_slow_normal_ones(cluster: Cluster, gateway: Gateway, admin: Headers) -> None:
    first = cluster.secret("auth-first-admin")
    login = {"phone": first["phone"], "password": first["password"]}
    check(compare(gateway.url, usual_requests(login, admin)))
