"""Who reaches whom, per kind of traffic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum


class Traffic(StrEnum):
    """Kinds of traffic that can fail apart from each other."""

    GROUP = "group"  # between two mysqld: Group Replication, recovery and clone
    HTTP = "http"  # between two agents
    API = "api"  # between an agent and the Kubernetes API


API_SERVER = "api-server"


class Network:
    """The cut connections. Faults overlap, so each is counted."""

    def __init__(self) -> None:
        self._cut: Counter[tuple[Traffic, frozenset[str]]] = Counter()

    def cut(self, traffic: Traffic, pairs: Iterable[tuple[str, str]]) -> None:
        """Cut the connections between these pairs."""
        self._cut.update((traffic, frozenset(pair)) for pair in pairs)

    def mend(self, traffic: Traffic, pairs: Iterable[tuple[str, str]]) -> None:
        """Undo one cut of these pairs."""
        self._cut -= Counter((traffic, frozenset(pair)) for pair in pairs)

    @property
    def whole(self) -> bool:
        """Whether nothing is cut."""
        return not self._cut

    def connects(self, traffic: Traffic, one: str, other: str) -> bool:
        """Whether packets go through."""
        return not self._cut or (traffic, frozenset((one, other))) not in self._cut
