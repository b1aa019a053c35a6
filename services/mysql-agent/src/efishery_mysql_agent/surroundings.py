"""What a member outside the group has to know besides its own state: the Lease, the peers, and who may have data."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from efishery_mysql_agent.cluster import Cluster, ClusterError
from efishery_mysql_agent.model import LeaseState, Observation, State, Status
from efishery_mysql_agent.peers import Peers
from efishery_mysql_agent.settings import AgentSettings

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Surroundings:
    """Asks the peers and the Kubernetes API."""

    settings: AgentSettings
    cluster: Cluster
    peers: Peers

    def observe(self, me: Status, failed_recoveries: int) -> Observation:
        """Return all that the member's decision depends on."""
        # The Lease first: a group that a peer starts after it has answered makes the Lease that was read outdated.
        lease = self._lease()
        peers = self.peers.ask()
        return Observation(
            me,
            peers,
            lease,
            ephemeral=self.settings.ephemeral,
            failed_recoveries=failed_recoveries,
            without_proof=self._without_proof(peers, lease) if lease and not lease.group else (),
        )

    def _lease(self) -> LeaseState | None:
        try:
            return self.cluster.lease()
        except ClusterError as error:
            log.warning("lease_not_read", reason=str(error))
            return None

    def _without_proof(self, peers: tuple[Status, ...], lease: LeaseState) -> tuple[str, ...]:
        """Return the pods that may have data: those that do not say that they are empty, and are not new either."""
        empty = {peer.pod for peer in peers if peer.state is not State.DOWN and not peer.gtids}
        return tuple(pod for pod in self.settings.peers if pod not in empty and self._may_have_data(pod, lease))

    def _may_have_data(self, pod: str, lease: LeaseState) -> bool:
        try:
            return self.cluster.may_have_data(pod, lease, ephemeral=self.settings.ephemeral)
        except ClusterError as error:
            log.warning("claim_not_read", of=pod, reason=str(error))
            return True
