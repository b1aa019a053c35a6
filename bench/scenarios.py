"""What is requested, of which targets."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

LIST: Final = "/fetch/resource"


class Token(StrEnum):
    """Whose token a request carries."""

    USER = "user"
    ADMIN = "admin"


@dataclass(frozen=True)
class Scenario:
    """A GET request that is repeated; `bench.logins` has those that need a database and other references."""

    name: str
    path: str = LIST
    token: Token = Token.USER
    gzip: bool = True
    conditional: bool = False
    """Whether the request has the current ETag in If-None-Match, so that the answer is 304."""
    compared: bool = False
    """Whether all targets are measured, and their latency too; otherwise only the peak of the service."""

    @property
    def status(self) -> int:
        """The expected status of each answer."""
        return 304 if self.conditional else 200


PRICE_LIST: Final = Scenario("list, gzip", compared=True)
NOT_MODIFIED: Final = Scenario("list, not modified (304)", conditional=True)
IDENTITY: Final = Scenario("list, not compressed", gzip=False)
AGGREGATE: Final = Scenario("aggregate, gzip", path=f"{LIST}/aggregate", token=Token.ADMIN)
SCENARIOS: Final = (PRICE_LIST, NOT_MODIFIED, IDENTITY, AGGREGATE)


class Password(StrEnum):
    """Kinds of passwords, which have different hashes."""

    CHOSEN = "chosen password"
    GENERATED = "generated password"

    @property
    def scenario(self) -> str:
        """The name of the logins with it."""
        return f"login, {self}"


NO_FLOOD: Final = "list, no logins"
UNDER_FLOOD: Final = "list, login flood"
FLOOD_ACCEPTED: Final = "login flood, answered 200"
FLOOD_REFUSED: Final = "login flood, answered 503"
