"""Keeps Schemathesis, which has an admin's token, from demoting or disabling the users that log in in the tests.

Schemathesis imports this file in its own process (SCHEMATHESIS_HOOKS).
"""

import os
from typing import Any

import schemathesis

# Users up to this id are left alone; the ones after it are registered by Schemathesis itself.
LAST_ID = int(os.environ["SCHEMATHESIS_LAST_USER_ID"])


@schemathesis.hook
def before_call(_context: object, case: Any, _kwargs: dict[str, Any]) -> None:
    """Send a change of one of these users to the next one, who has no part in the tests."""
    user_id = str((case.path_parameters or {}).get("user_id", ""))
    is_change = case.operation.path.startswith("/auth/users/") and case.method.upper() not in ("GET", "HEAD", "OPTIONS")
    if is_change and user_id.isdecimal() and int(user_id) <= LAST_ID:
        case.path_parameters["user_id"] = LAST_ID + 1
