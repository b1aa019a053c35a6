"""What needs a token or an admin's is refused however it is written, by the gateway or by the services."""

import pytest

from tests.protected_paths import (
    ADMIN_REQUESTS,
    NORMALIZED,
    PROTECTED_REQUESTS,
    not_refused,
    other_requests,
    statuses,
)
from tests.system.running import RunningSystem

REFUSALS = (400, 401, 403, 404, 405)


@pytest.mark.parametrize(("method", "path"), PROTECTED_REQUESTS)
def test_no_spelling_of_a_protected_path_is_answered_without_a_token(
    system: RunningSystem, method: str, path: str
) -> None:
    assert not_refused(statuses(system.url, other_requests(method, path, {})), REFUSALS) == {}


@pytest.mark.parametrize("role", ["nobody", "user"])
@pytest.mark.parametrize(("method", "path"), ADMIN_REQUESTS)
def test_no_spelling_of_an_admins_path_is_answered(
    system: RunningSystem, user_token: str, method: str, path: str, role: str
) -> None:
    headers = {"Authorization": f"Bearer {user_token}"} if role == "user" else {}
    assert not_refused(statuses(system.url, other_requests(method, path, headers)), REFUSALS) == {}


@pytest.mark.parametrize("path", ["/auth/users", "/fetch/resource/aggregate"])
def test_an_admin_gets_what_is_refused_to_others(system: RunningSystem, admin_token: str, path: str) -> None:
    answers = statuses(system.url, other_requests("GET", path, {"Authorization": f"Bearer {admin_token}"}))
    assert {answers[spelling] for spelling in (*NORMALIZED, "body", "other method")} == {200}, answers
    assert answers["/{first}%2F{rest}"] == 400, "encoded slashes are refused"
