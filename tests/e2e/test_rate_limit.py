"""The gateway's limit of logins, registrations and refreshes together (envoyfilter-rate-limit.yaml)."""

from tests.e2e.conftest import Gateway
from tests.load.flood import check_rate_limit


def test_requests_over_the_limit_are_429_and_others_are_not_limited(gateway: Gateway) -> None:
    check_rate_limit(gateway.url)
