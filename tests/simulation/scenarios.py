"""Schedules of faults that an earlier agent did not survive, and that random ones contain rarely."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import TYPE_CHECKING

from tests.simulation.checks import Violation
from tests.simulation.faults import hang, hang_replica, lose
from tests.simulation.network import API_SERVER, Traffic
from tests.simulation.run import Play, converge

if TYPE_CHECKING:
    from tests.simulation.kubelet import Pod
    from tests.simulation.seat import Seat
    from tests.simulation.world import World

FOR_EVER = 100_000.0


def label_of_a_lost_primary(world: World) -> None:
    """A primary is lost with its label; its successor was primary before, when the other was not in the group."""
    _begin(world)
    first, third, second = sorted(world.pods.values(), key=lambda pod: pod.volume.uuid)
    _appoint(world, first)
    lose(world, second, keeps=True, seconds=25)
    world.kernel.run(20)
    _appoint(world, third)
    converge(world)
    _appoint(world, second)
    hang(world, second, 80)
    world.kernel.run(60)
    converge(world)


def slow_observation(world: World) -> None:
    """mysqld answers the primary's agent slowly once, and no agent reaches another."""
    _begin(world)
    world.network.cut(Traffic.HTTP, combinations(world.names, 2))
    for pod in world.pods.values():
        if pod.server:
            pod.server.slow_until = world.kernel.now + 8
    world.kernel.run(60)
    world.heal()
    converge(world)


def clock_behind(world: World) -> None:
    """A node whose clock is behind starts the group again; a member that is absent then has a later view by its id."""
    _begin(world)
    starter, absent, latest = (world.pods[name] for name in world.names)
    lose(world, latest, keeps=True, seconds=70)
    world.kernel.run(30)
    for pod in (starter, absent):
        world.skew[pod.name] = -600
        lose(world, pod, keeps=True, seconds=1)
    _until_started(world)
    lose(world, absent, keeps=True, seconds=FOR_EVER)
    world.kernel.run(80)
    world.kubelet.delete_pod(starter, graceful=True)
    world.kernel.run(5)
    lose(world, starter, keeps=True, seconds=FOR_EVER)
    world.kernel.run(20)
    lose(world, latest, keeps=True, seconds=FOR_EVER)
    for pod in (starter, absent):
        world.kubelet.return_node(pod, pod.outages)
    world.kernel.run(60)
    world.heal()
    converge(world)


def hung_group_replication(world: World) -> None:
    """Group Replication of a replica hangs while the other one is cut off: the primary has no majority."""
    _begin(world)
    hung, cut_off = (pod for pod in world.pods.values() if pod.server is not _primary(world).server)
    hang_replica(world, hung)
    world.network.cut(Traffic.GROUP, [(cut_off.name, other.name) for other in world.pods.values() if other != cut_off])
    world.kernel.run(60)
    world.heal()
    converge(world)


def hung_while_recovering(world: World) -> None:
    """Group Replication of a replica hangs before it is ONLINE; the other members go on."""
    _begin(world)
    hung = next(pod for pod in world.pods.values() if pod.server is not _primary(world).server)
    world.recovery_factor = 6
    world.kubelet.kill_mysqld(hung)
    _until(world, lambda: _state(hung) == "RECOVERING")
    hang_replica(world, hung)
    world.heal()
    converge(world)


def majority_lost_while_recovering(world: World) -> None:
    """The network fails three times while both replicas catch up: neither may give its data up for a clone."""
    _begin(world)
    world.kernel.run(10)
    replicas = [pod for pod in world.pods.values() if pod.server is not _primary(world).server]
    world.recovery_factor = 40
    for pod in replicas:
        world.kubelet.kill_mysqld(pod)
    for _ in range(3):
        _until(world, lambda: all(_state(pod) == "RECOVERING" for pod in replicas))
        world.network.cut(Traffic.GROUP, combinations(world.names, 2))
        _until(world, lambda: all(_state(pod) == "ERROR" for pod in replicas))
        world.kernel.run(3)
        world.network.mend(Traffic.GROUP, combinations(world.names, 2))
    for _ in range(120):
        world.kernel.run(0.5)
        if not all(pod.volume.data for pod in replicas):
            raise Violation("a replica has dropped its data")
    world.heal()
    converge(world)


def lease_taken_from_a_hung_node(world: World) -> None:
    """The node that has taken the Lease to start the group hangs until an operator has made another member start it."""
    _begin(world)
    for pod in list(world.pods.values()):
        world.kubelet.kill_mysqld(pod)
    _until(world, lambda: _lease_holder(world) is not None)
    starter = world.pods[str(_lease_holder(world))]
    hang(world, starter, 75)
    world.kernel.run(30)
    world.checks.operator_decided = True
    other = next(name for name in world.names if name != starter.name)
    world.api.patch("lease", "mysql", {"metadata": {"annotations": {"mysql.efishery/force-reboot": other}}})
    world.log("operator", f"force-reboot={other}")
    world.kernel.run(60)
    world.heal()
    converge(world)


def forced_reboot_beside_the_primary(world: World) -> None:
    """The primary is alone in its group and reaches the API only, when an operator makes another member start one."""
    _begin(world)
    primary = _primary(world).server.pod
    absent, forced = (pod for pod in world.pods.values() if pod.name != primary)
    lose(world, absent, keeps=True, seconds=30)
    _until(world, lambda: len(_primary(world).group.seats) == 2)
    world.kubelet.delete_pod(forced, graceful=True)
    _until(world, lambda: len(_primary(world).group.seats) == 1)
    for traffic in (Traffic.GROUP, Traffic.HTTP):
        world.network.cut(traffic, [(primary, pod.name) for pod in (absent, forced)])
    world.kernel.run(40)
    world.checks.operator_decided = True
    world.api.patch("lease", "mysql", {"metadata": {"annotations": {"mysql.efishery/force-reboot": forced.name}}})
    world.log("operator", f"force-reboot={forced.name}")
    _until_started(world)
    world.kernel.run(5)
    for _ in range(60):
        world.kernel.run(1)
        if world.api.labels(primary).get("role") == "primary":
            raise Violation("the former primary has its label again")
    world.heal()
    converge(world)


def first_writes_lost(world: World) -> None:
    """The first primary no longer reaches the API once clients can write, and then loses its volume."""
    world.wanted = 3
    world.begin()
    first = world.pods["mysql-0"]
    _until(world, lambda: world.api.labels(first.name).get("role") == "primary")
    world.network.cut(Traffic.API, [(first.name, API_SERVER)])
    world.kernel.run(2)
    lose(world, first, keeps=False, seconds=5)
    world.kernel.run(30)
    world.heal()
    converge(world)


def first_boot_without_proof(world: World) -> None:
    """All nodes are lost, and the Lease; pod 0 returns first, with an empty volume."""
    _begin(world)
    for number, pod in enumerate(world.pods.values()):
        lose(world, pod, keeps=number > 0, seconds=60 if number else 2)
    world.lose_lease()
    world.create_lease()
    world.kernel.run(50)
    world.heal()
    converge(world)


def stale_observation(world: World) -> None:
    """A group is started again while a peer does not answer: what was observed before the start is old after it."""
    _begin(world)
    first, second, absent = (world.pods[name] for name in world.names)
    lose(world, absent, keeps=True, seconds=150)
    world.kernel.run(20)
    for _ in range(5):
        world.kubelet.kill_mysqld(first)
        world.kubelet.kill_mysqld(second)
        world.kernel.run(25)
    converge(world)


def _begin(world: World) -> None:
    world.wanted = 3
    world.begin()
    converge(world)


def _appoint(world: World, pod: Pod) -> None:
    """Make a member the primary, and wait until its agent has done what follows."""
    if pod.server and pod.server.seat:
        pod.server.seat.group.appoint(pod.server.seat)
    world.kernel.run(8)


def _until_started(world: World) -> None:
    before = world.checks.starts
    _until(world, lambda: world.checks.starts > before)


def _until(world: World, condition: Callable[[], bool]) -> None:
    """Go on until the condition holds, for at most 2 minutes."""
    for _ in range(2400):
        if condition():
            return
        world.kernel.run(0.05)
    raise AssertionError("the schedule does not apply: what it waits for does not happen")


def _primary(world: World) -> Seat:
    return next(seat for group in world.groups for seat in group.seats if group.view.primary is seat)


def _state(pod: Pod) -> str:
    """The state of the pod's member, OFFLINE where it is in no group."""
    return pod.server.seat.state if pod.server and pod.server.seat else "OFFLINE"


def _lease_holder(world: World) -> str | None:
    lease = world.api.find("lease", "mysql")
    return lease["spec"].get("holderIdentity") if lease else None


SCENARIOS: dict[str, Play] = {
    play.__name__: play
    for play in (
        label_of_a_lost_primary,
        slow_observation,
        clock_behind,
        hung_group_replication,
        hung_while_recovering,
        majority_lost_while_recovering,
        lease_taken_from_a_hung_node,
        forced_reboot_beside_the_primary,
        first_writes_lost,
        first_boot_without_proof,
        stale_observation,
    )
}
