"""The mesh refuses what needs a token or an admin's, however it is written."""

import pytest

from tests.e2e.conftest import Gateway, Headers
from tests.protected_paths import ADMIN_REQUESTS, NORMALIZED, PROTECTED_REQUESTS, not_refused, other_requests, statuses

REFUSALS = (400, 403, 404)


@pytest.mark.parametrize(("method", "path"), PROTECTED_REQUESTS)
def test_no_spelling_of_a_protected_path_is_answered_without_a_token(gateway: Gateway, method: str, path: str) -> None:
    assert not_refused(statuses(gateway.url, other_requests(method, path, {})), REFUSALS) == {}


@pytest.mark.parametrize(("method", "path"), ADMIN_REQUESTS)
def test_no_spelling_of_an_admins_path_is_answered(gateway: Gateway, user: Headers, method: str, path: str) -> None:
    for headers in ({}, user):
        assert not_refused(statuses(gateway.url, other_requests(method, path, headers)), REFUSALS) == {}


@pytest.mark.parametrize("path", ["/auth/users", "/fetch/resource/aggregate"])
def test_an_admin_gets_what_is_refused_to_others(gateway: Gateway, admin: Headers, path: str) -> None:
    answers = statuses(gateway.url, other_requests("GET", path, admin))
    assert {answers[spelling] for spelling in (*NORMALIZED, "body", "other method")} == {200}, answers
    assert answers["/{first}%2F{rest}"] == 400, "encoded slashes are refused"
