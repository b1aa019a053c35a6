"""The faults, each a function that returns when the fault is over."""

import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.cluster import wait_for
from tests.e2e.mysql import members as ask
from tests.e2e.mysql import node
from tests.e2e.mysql.lab import Lab
from tests.e2e.mysql.members import Silent
from tests.e2e.mysql.release import NAMESPACE, STATEFUL_SET, pod_name
from tests.e2e.mysql.report import KILL_SECONDS, OUTAGE_SECONDS, SILENT_CUT_SECONDS, Limits

LASTING_SECONDS = 60
DISK_RETRY_SECONDS = 60  # how often mysqld looks whether a full disk has room again
RESTART_SECONDS = 300  # liveness, preStop and grace of the container, and something more
DISK_MEBIBYTES = 700


@dataclass(frozen=True)
class Fault:
    """One fault and what it may cost; `short` ones are in CI's subset."""

    name: str
    strike: Callable[[Lab], None]
    limits: Limits
    short: bool = False


def delete_primary(lab: Lab) -> None:
    lab.release.delete_pods(lab.primary().pod)


def delete_primary_twice(lab: Lab) -> None:
    """The second as soon as the group is whole again; before, one more loss would be that of the majority."""
    replicas = lab.release.replicas()
    delete_primary(lab)
    time.sleep(2)  # the old one is gone from every view, or will be
    wait_for("the group to be whole", lambda: _is_whole(lab, replicas), 180)
    delete_primary(lab)


def kill_mysqld(lab: Lab) -> None:
    node.send(lab.primary().pid(), signal.SIGKILL)


def kill_two(lab: Lab) -> None:
    """The primary is among them; the third is left without a majority."""
    primary, replica = lab.primary(), lab.replica()
    for pid in (primary.pid(), replica.pid()):
        node.send(pid, signal.SIGKILL)


def kill_all(lab: Lab) -> None:
    for pid in [member.pid() for member in lab.members()]:
        node.send(pid, signal.SIGKILL)


def hang_replica(lab: Lab) -> None:
    """Its mysqld stands still until Kubernetes ends it, and starts another in the same pod."""
    replica = lab.replica()
    before = replica.pid()
    with node.stopped(before, RESTART_SECONDS * 2):
        wait_for("Kubernetes to start mysqld again", lambda: _is_another(replica, before), RESTART_SECONDS)


def stop_mysqld(lab: Lab) -> None:
    with node.stopped(lab.primary().pid(), LASTING_SECONDS * 2):
        time.sleep(LASTING_SECONDS)


def cut_primary(lab: Lab) -> None:
    with node.cut(lab.primary().pid(), LASTING_SECONDS * 2):
        time.sleep(LASTING_SECONDS)


def cut_replica(lab: Lab) -> None:
    with node.cut(lab.replica().pid(), LASTING_SECONDS * 2):
        time.sleep(LASTING_SECONDS)


def delete_majority(lab: Lab) -> None:
    """The primary is among them."""
    members = lab.members()
    primary = lab.primary().pod
    others = [member.pod for member in members if member.pod != primary]
    lab.release.delete_pods(primary, *others[: len(members) // 2])


def delete_all(lab: Lab) -> None:
    lab.release.delete_pods(*(member.pod for member in lab.members()))


def delete_all_while_pod_0_is_behind(lab: Lab) -> None:
    """Pod 0 is cut off until the others have gone on without it, and is still cut off when all are deleted."""
    first = lab.member(0)
    others = lab.members()[1:]
    with node.cut(first.pid(), LASTING_SECONDS * 4):
        wait_for("the others to go on without pod 0", lambda: _gone_on(lab, others), 90)
        time.sleep(10)
        lab.release.delete_pods(*(member.pod for member in lab.members()))


def delete_volume_of_primary(lab: Lab) -> None:
    lab.release.delete_pods_and_volume(lab.primary().pod)


def restart_one_by_one(lab: Lab) -> None:
    lab.release.kubectl("rollout", "restart", f"statefulset/{STATEFUL_SET}")
    lab.release.kubectl("rollout", "status", f"statefulset/{STATEFUL_SET}", "--timeout=10m", seconds=620)


def kill_agents(lab: Lab) -> None:
    """All of them, and again as soon as they are back; the primary must stay what it is."""
    before = lab.primary().pod
    for _ in range(2):
        pids = [node.pid_of(NAMESPACE, member.pod, "mysql-agent") for member in lab.members()]
        for pid in filter(None, pids):
            node.send(pid, signal.SIGKILL)
        time.sleep(10)
    assert lab.primary().pod == before, "the primary moved when the agents were killed"


def stop_api_server(lab: Lab) -> None:
    before = lab.primary().pod
    with node.stopped(node.api_server_pid(), LASTING_SECONDS * 2):
        time.sleep(LASTING_SECONDS)
    assert lab.primary().pod == before, "the primary moved while the API server was stopped"


def write_on_a_replica(lab: Lab) -> None:
    """A row that the group has not, written past all that forbids it while the replica is cut off."""
    replica = lab.patient(lab.replica().pod)
    with node.cut(replica.pid(), LASTING_SECONDS * 2):
        wait_for("the replica to know that it is cut off", lambda: _is_out(replica), 60)
        replica.query("STOP GROUP_REPLICATION")
        replica.query("SET GLOBAL super_read_only = 0")
        replica.query("INSERT INTO efishery.ledger (run, n, member) VALUES ('errant', %s, 'errant')", int(time.time()))
        replica.query("SET GLOBAL super_read_only = 1")
    wait_for("its agent to discard that row", lambda: lab.release.events("Discarding", replica.pod), 60)


def force_reboot(lab: Lab) -> None:
    """All end without leaving the group, one loses its volume: an operator has to name who starts the group again."""
    primary, lost = lab.primary().pod, lab.replica().pod
    others = [member.pod for member in lab.members() if member.pod != lost]
    group = lab.release.lease_notes()["group"]
    kill_all(lab)
    lab.release.delete_pods_and_volume(lost, *others)
    wait_for("the agents to wait for an operator", lambda: "an operator" in lab.release.agent_does(primary), 120)
    lab.release.kubectl("annotate", "lease", "mysql", f"mysql.efishery/force-reboot={primary}")
    wait_for("the new group to be written down", lambda: _is_new(lab.release.lease_notes(), group), 120)


def fill_disk(disk: Path) -> None:
    """Full for a minute, then there is room again."""
    node.fill(disk)
    time.sleep(LASTING_SECONDS)
    (disk / node.FILLER).unlink()


def _is_another(member: ask.Member, pid: int) -> bool:
    with suppress(Silent):
        return member.pid() != pid
    return False


def _is_out(member: ask.Member) -> bool:
    with suppress(Silent):
        return ask.view(member).own_state in ("ERROR", "OFFLINE")
    return False


def _is_new(notes: dict[str, str], former: str) -> bool:
    """Whether the group is another, and what the operator asked for is over."""
    return notes["group"] != former and former in notes["former-groups"].split() and "force-reboot" not in notes


def _is_whole(lab: Lab, replicas: int) -> bool:
    with suppress(Silent):
        return all(ask.view(member).online == replicas for member in lab.members())
    return False


def _gone_on(lab: Lab, others: list[ask.Member]) -> bool:
    with suppress(Silent):
        views = [ask.view(member) for member in others]
        return all(view.online == len(others) and view.primary not in ("", pod_name(0)) for view in views)
    return False


KILL = Limits(write_gap=KILL_SECONDS)
SILENT = Limits(write_gap=SILENT_CUT_SECONDS)
FULL_DISK = Limits(write_gap=LASTING_SECONDS + DISK_RETRY_SECONDS + KILL_SECONDS)
OUTAGE = Limits(write_gap=OUTAGE_SECONDS, read_gap=None)
FAULTS = [
    Fault("primary deleted by force", delete_primary, KILL, short=True),
    Fault("primary deleted by force, twice in a row", delete_primary_twice, KILL),
    Fault("mysqld of the primary killed (SIGKILL)", kill_mysqld, KILL),
    Fault("mysqld of the primary stopped for 60 s (SIGSTOP)", stop_mysqld, SILENT),
    Fault("primary cut off the network for 60 s", cut_primary, SILENT),
    Fault("a replica cut off the network for 60 s", cut_replica, SILENT),
    Fault("mysqld of a replica hangs until it is restarted", hang_replica, SILENT),
    Fault("two of three deleted, the primary among them", delete_majority, OUTAGE),
    Fault("mysqld of two killed, the primary among them", kill_two, OUTAGE),
    Fault("all three deleted at once", delete_all, OUTAGE, short=True),
    Fault("mysqld of all three killed", kill_all, OUTAGE),
    Fault("all three deleted while pod 0 is behind", delete_all_while_pod_0_is_behind, OUTAGE),
    Fault("volume and pod of the primary deleted", delete_volume_of_primary, Limits(KILL_SECONDS, well=120)),
    Fault("a replica has a row that the group has not", write_on_a_replica, SILENT),
    Fault("all deleted, a volume lost; reboot by force", force_reboot, OUTAGE),
    Fault("rolling restart", restart_one_by_one, KILL),
    Fault("agents killed, twice", kill_agents, KILL, short=True),
    Fault("API server stopped for 60 s", stop_api_server, KILL),
]
