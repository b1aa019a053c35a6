"""The faults, each a function that injects it and returns when it is over."""

import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from efishery_mysql_agent.reasons import Reason
from tests.e2e.cluster import wait_for
from tests.e2e.mysql import clone_faults, node
from tests.e2e.mysql.certificate_renewal import renew
from tests.e2e.mysql.harness import Harness
from tests.e2e.mysql.limits import (
    CLONE,
    DISK_RETRY_SECONDS,
    FAILOVER,
    FAILOVER_SECONDS,
    OUTAGE,
    UNRESPONSIVE,
    Limits,
)
from tests.e2e.mysql.members import Member, MemberUnavailable, group_view
from tests.e2e.mysql.release import NAMESPACE, STATEFUL_SET, pod_name

FAULT_SECONDS = 60  # of the faults that last
RESTART_SECONDS = 300  # liveness probe, preStop and grace period of the container add up to less
DISK_MEBIBYTES = 700
OTHER_TAG = "9.7"  # of MySQL's image; the one-node cluster has it too


@dataclass(frozen=True)
class Fault:
    """One fault and its limits; `short` ones run in CI."""

    name: str
    inject: Callable[[Harness], None]
    limits: Limits
    short: bool = False


def delete_primary(harness: Harness) -> None:
    harness.release.delete_pods(harness.primary().pod)


def delete_primary_twice(harness: Harness) -> None:
    """The second as soon as all members are ONLINE again: a loss before would be a loss of the majority."""
    replicas = harness.release.replicas()
    delete_primary(harness)
    time.sleep(2)  # by then every view lacks the deleted member
    wait_for("all members to be ONLINE", lambda: _all_online(harness, replicas), 180)
    delete_primary(harness)


def kill_mysqld(harness: Harness) -> None:
    node.send(harness.primary().pid(), signal.SIGKILL)


def kill_two(harness: Harness) -> None:
    """The primary and a replica; the third member has no majority."""
    primary, replica = harness.primary(), harness.replica()
    for pid in (primary.pid(), replica.pid()):
        node.send(pid, signal.SIGKILL)


def kill_all(harness: Harness) -> None:
    for pid in [member.pid() for member in harness.members()]:
        node.send(pid, signal.SIGKILL)


def hang_replica(harness: Harness) -> None:
    """Stop mysqld until its liveness probe fails and Kubernetes restarts the container."""
    replica = harness.replica()
    before = replica.pid()
    with node.stopped(before, RESTART_SECONDS * 2):
        wait_for("Kubernetes to restart mysqld", lambda: _has_another_pid(replica, before), RESTART_SECONDS)


def stop_mysqld(harness: Harness) -> None:
    with node.stopped(harness.primary().pid(), FAULT_SECONDS * 2):
        time.sleep(FAULT_SECONDS)


def partition_primary(harness: Harness) -> None:
    with node.partitioned(harness.primary().pid(), FAULT_SECONDS * 2):
        time.sleep(FAULT_SECONDS)


def partition_replica(harness: Harness) -> None:
    with node.partitioned(harness.replica().pid(), FAULT_SECONDS * 2):
        time.sleep(FAULT_SECONDS)


def delete_majority(harness: Harness) -> None:
    """The primary and, of three, one replica."""
    members = harness.members()
    primary = harness.primary().pod
    others = [member.pod for member in members if member.pod != primary]
    harness.release.delete_pods(primary, *others[: len(members) // 2])


def delete_all(harness: Harness) -> None:
    harness.release.delete_pods(*(member.pod for member in harness.members()))


def delete_all_while_pod_0_is_behind(harness: Harness) -> None:
    """Partition pod 0 until the others have expelled it and committed more, then delete all pods."""
    first = harness.member(0)
    others = harness.members()[1:]
    with node.partitioned(first.pid(), FAULT_SECONDS * 4):
        wait_for("the others to expel pod 0", lambda: _expelled_pod_0(harness, others), 90)
        time.sleep(10)
        harness.release.delete_pods(*(member.pod for member in harness.members()))


def delete_volume_of_primary(harness: Harness) -> None:
    harness.release.delete_pods_and_volume(harness.primary().pod)


def restart_one_by_one(harness: Harness) -> None:
    harness.release.kubectl("rollout", "restart", f"statefulset/{STATEFUL_SET}")
    harness.release.kubectl("rollout", "status", f"statefulset/{STATEFUL_SET}", "--timeout=10m", seconds=620)


def upgrade_version(harness: Harness) -> None:
    """Change the tag of MySQL's image, from where the first member to be replaced is the primary, and change it back.

    Both tags name the same image: Debian has one patch release at a time.
    """
    last = pod_name(harness.release.replicas() - 1)
    harness.make_primary(last)
    tag = harness.release.mysql_image().rpartition(":")[2]
    for other in (OTHER_TAG, tag):
        harness.release.upgrade(f"mysql.image.tag={other}")
        pods = harness.release.members()
        replaced = sorted(pods, key=lambda name: pods[name].metadata.creation_timestamp)
        assert replaced == sorted(pods, reverse=True), f"replaced in this order: {replaced}"
        # Number 0 was the primary until it was the only old member.
        assert harness.primary().pod == pod_name(1), f"the primary is {harness.primary().pod}"


def kill_agents(harness: Harness) -> None:
    """Kill all agents twice; the primary must stay the same."""
    before = harness.primary().pod
    for _ in range(2):
        pids = [node.pid_of(NAMESPACE, member.pod, "mysql-agent") for member in harness.members()]
        for pid in filter(None, pids):
            node.send(pid, signal.SIGKILL)
        time.sleep(10)
    assert harness.primary().pod == before, "the primary changed when the agents were killed"


def stop_api_server(harness: Harness) -> None:
    before = harness.primary().pod
    with node.stopped(node.api_server_pid(), FAULT_SECONDS * 2):
        time.sleep(FAULT_SECONDS)
    assert harness.primary().pod == before, "the primary changed while the API server was stopped"


def write_on_a_replica(harness: Harness) -> None:
    """Write a row to a partitioned replica that the group does not have (an errant transaction)."""
    replica = harness.admin(harness.replica().pod)
    with node.partitioned(replica.pid(), FAULT_SECONDS * 2):
        wait_for("the replica to leave the group", lambda: _has_left(replica), 60)
        replica.query("STOP GROUP_REPLICATION")
        replica.query("SET GLOBAL super_read_only = 0")
        replica.query("INSERT INTO efishery.fault_test_writes (workload, n, member) VALUES ('errant', 1, 'errant')")
        replica.query("SET GLOBAL super_read_only = 1")
    wait_for("its agent to discard the row", lambda: harness.release.events("Discarding", replica.pod), 60)


def force_reboot(harness: Harness) -> None:
    """Kill all and delete the volume of one; the operator names the member that starts the group (forced reboot)."""
    release = harness.release
    primary, lost = harness.primary().pod, harness.replica().pod
    others = [member.pod for member in harness.members() if member.pod != lost]
    group = release.lease_annotations()["group"]
    kill_all(harness)
    release.delete_pods_and_volume(lost, *others)
    wait_for("the agent to wait for an operator", lambda: Reason.DATA_LOST in release.agent_activity(primary), 120)
    release.kubectl("annotate", "lease", "mysql", f"mysql.efishery/force-reboot={primary}")
    wait_for("the new group in the Lease", lambda: _is_new_group(release.lease_annotations(), group), 120)


def fill_disk(disk: Path) -> None:
    """Fill the disk, and make room again after FAULT_SECONDS."""
    node.fill(disk)
    time.sleep(FAULT_SECONDS)
    (disk / node.FILLER).unlink()


def _has_another_pid(member: Member, pid: int) -> bool:
    with suppress(MemberUnavailable):
        return member.pid() != pid
    return False


def _has_left(member: Member) -> bool:
    with suppress(MemberUnavailable):
        return group_view(member).own_state in ("ERROR", "OFFLINE")
    return False


def _is_new_group(lease: dict[str, str], former: str) -> bool:
    """Tell whether the Lease names another group than `former`, and the operator's annotation is removed."""
    return lease["group"] != former and former in lease["former-groups"].split() and "force-reboot" not in lease


def _all_online(harness: Harness, replicas: int) -> bool:
    with suppress(MemberUnavailable):
        return all(group_view(member).online == replicas for member in harness.members())
    return False


def _expelled_pod_0(harness: Harness, others: list[Member]) -> bool:
    with suppress(MemberUnavailable):
        views = [group_view(member) for member in others]
        return all(view.online == len(others) and view.primary not in ("", pod_name(0)) for view in views)
    return False


# mysqld may check for room just before there is some, and not again for DISK_RETRY_SECONDS.
FULL_DISK = Limits(FAULT_SECONDS + DISK_RETRY_SECONDS + FAILOVER_SECONDS)
FAULTS = [
    Fault("primary deleted by force", delete_primary, FAILOVER, short=True),
    Fault("primary deleted by force, twice in a row", delete_primary_twice, FAILOVER),
    Fault("mysqld of the primary killed (SIGKILL)", kill_mysqld, FAILOVER),
    Fault("mysqld of the primary stopped for 60 s (SIGSTOP)", stop_mysqld, UNRESPONSIVE),
    Fault("network partition of the primary for 60 s", partition_primary, UNRESPONSIVE),
    Fault("network partition of a replica for 60 s", partition_replica, UNRESPONSIVE),
    Fault("mysqld of a replica hangs until it is restarted", hang_replica, UNRESPONSIVE),
    Fault("primary and a replica deleted", delete_majority, OUTAGE),
    Fault("mysqld of the primary and a replica killed", kill_two, OUTAGE),
    Fault("all members deleted", delete_all, OUTAGE, short=True),
    Fault("mysqld of all members killed", kill_all, OUTAGE),
    Fault("all members deleted while pod 0 lags", delete_all_while_pod_0_is_behind, OUTAGE),
    Fault("pod and volume of the primary deleted", delete_volume_of_primary, CLONE),
    Fault("donor killed while a member clones it", clone_faults.kill_donor, OUTAGE),
    Fault("primary killed while a member clones a replica", clone_faults.kill_primary, OUTAGE),
    Fault("errant transaction on a replica", write_on_a_replica, UNRESPONSIVE),
    Fault("all deleted, one volume lost; forced reboot", force_reboot, OUTAGE),
    Fault("rolling restart", restart_one_by_one, FAILOVER),
    Fault("helm upgrade to another tag of the image, and back", upgrade_version, FAILOVER),
    Fault("certificate and CA renewed, a replica restarted meanwhile", renew, FAILOVER),
    Fault("all agents killed, twice", kill_agents, FAILOVER, short=True),
    Fault("API server stopped for 60 s", stop_api_server, FAILOVER),
]
