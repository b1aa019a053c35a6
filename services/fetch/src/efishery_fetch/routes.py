"""The endpoints whose answers are made before a request asks for them, and who may read them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from servicekit.tokens import require_role, require_token

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class CachedRoute:
    """A path, and the role that its callers need; None admits every valid token."""

    path: str
    role: str | None = None

    def protect(self, view: Callable[P, R]) -> Callable[P, R]:
        """Make the view answer 401 and 403 as the route demands."""
        return require_token(view) if self.role is None else require_role(self.role)(view)


RESOURCE = CachedRoute("/fetch/resource")
AGGREGATE = CachedRoute("/fetch/resource/aggregate", role="admin")
RATE = CachedRoute("/fetch/rate")
HISTORY = CachedRoute("/fetch/rate/history")
LISTS = frozenset({RESOURCE.path, AGGREGATE.path})
ROUTES = (RESOURCE, AGGREGATE, RATE, HISTORY)
