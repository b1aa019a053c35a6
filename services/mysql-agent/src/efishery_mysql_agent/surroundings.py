"""What a member outside the group has to know besides its own state: the Lease, the peers, and who may have data."""

from __future__ import annotations

from dataclasses import dataclass, replace

import structlog

from efishery_mysql_agent import gtid
from efishery_mysql_agent.cluster import Cluster, ClusterError
from efishery_mysql_agent.model import LeaseState, Observation, State, Status
from efishery_mysql_agent.mysql import Mysql
from efishery_mysql_agent.peers import Peers
from efishery_mysql_agent.settings import AgentSettings

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Surroundings:
    """Asks the peers and the Kubernetes API, and mysqld to compare sets of GTIDs."""

    settings: AgentSettings
    mysql: Mysql
    cluster: Cluster
    peers: Peers

    def observe(self, me: Status, failed_recoveries: int) -> Observation:
        """Return all that the member's decision depends on; raises pymysql.MySQLError."""
        # The Lease first: a group that a peer starts after it has answered makes the Lease that was read outdated.
        lease = self._lease()
        peers = self.peers.ask()
        seen = Observation(me, peers, lease, ephemeral=self.settings.ephemeral, failed_recoveries=failed_recoveries)
        if seen.live:
            errant = gtid.subtract(self.mysql, me.gtids, *(peer.gtids for peer in seen.live))
            return replace(seen, errant=errant)
        sets = {pod: status.gtids for pod, status in seen.answering.items() if status.state is not State.DOWN}
        return replace(
            seen,
            contained=frozenset(gtid.ordered(self.mysql, sets)),
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
