"""Changes of the mesh's policies while clients use the API."""

from pathlib import Path

import pytest

from tests.e2e.cluster import NAMESPACE, Cluster, unique_name, wait_for
from tests.e2e.conftest import Gateway
from tests.e2e.proxies import draining
from tests.e2e.upgrade.load import MIX, REQUESTS_PER_SECOND, Load

REGISTRATIONS_PER_SECOND = REQUESTS_PER_SECOND * MIX.count("register") // len(MIX)
POLICIES = ("security.istio.io", "v1", NAMESPACE, "authorizationpolicies")


@pytest.mark.timeout(240)
def test_connections_that_a_changed_policy_ends_fail_no_request(
    repository: Path, cluster: Cluster, gateway: Gateway
) -> None:
    """Envoy closes auth's connections to MySQL, some time after a policy of MySQL's pods was changed, all at once.

    Logins and reads succeed at once, and registrations with their Idempotency-Key at the latest when repeated.
    """
    name = unique_name()
    policy = {
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app.kubernetes.io/name": "mysql"}},
            "action": "DENY",
            "rules": [{"from": [{"source": {"namespaces": ["nobody"]}}]}],
        },
    }
    wait_for("earlier changes to end", lambda: not draining(repository, cluster))
    load = Load(gateway)
    with load.running():
        cluster.custom.create_namespaced_custom_object(*POLICIES, policy)
        try:
            wait_for("the proxies to replace listeners", lambda: draining(repository, cluster), 60)
            wait_for("the replaced listeners to end", lambda: not draining(repository, cluster))
        finally:
            cluster.custom.delete_namespaced_custom_object(*POLICIES, name)
    print(load.summary())  # noqa: T201 -- shown with -s
    assert load.failed() == []
    # A registration whose COMMIT was under way is answered 503, because nobody knows whether it was done. It opens the
    # circuit of its pod for half a second.
    assert len([answer for answer in load.answers if answer.is_retryable]) <= 2 * REGISTRATIONS_PER_SECOND, (
        load.summary()
    )
