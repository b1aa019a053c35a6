"""What a member outside the group has to know besides its own state: the Lease, the peers, and who may have data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from efishery_mysql_agent import gtid
from efishery_mysql_agent.cluster import Cluster, ClusterError
from efishery_mysql_agent.model import LeaseState, Observation, State, Status
from efishery_mysql_agent.mysql import Mysql
from efishery_mysql_agent.peers import Peers
from efishery_mysql_agent.settings import AgentSettings

# Helm makes the Lease, of a kind that it does not know, some seconds after the StatefulSet.
INSTALLATION = timedelta(minutes=5)
TOGETHER = timedelta(seconds=10)  # between the claims that the StatefulSet's controller makes at once

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
        """Whether the claim is from before the Lease, or from before this member's own.

        Data come only after a group has been written into the Lease: what is newer than a Lease without a group has
        none. The claims of an installation are made together; one that is older than this member's, which is empty,
        may be of a group in which this member lost its volume. The API server's clock made all these times.
        """
        try:
            made, own = (
                self.cluster.claimed_at(each, ephemeral=self.settings.ephemeral) for each in (pod, self.settings.pod)
            )
        except ClusterError as error:
            log.warning("claim_not_read", of=pod, reason=str(error))
            return True
        if made is None:
            return False
        return own is None or lease.created is None or made < max(lease.created - INSTALLATION, own - TOGETHER)
