"""The faults. Each begins one, and arranges its end."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from tests.simulation.choice import members, one, some
from tests.simulation.mysqld import ERRANT
from tests.simulation.network_faults import api, http, partition, partition_pair

if TYPE_CHECKING:
    from tests.simulation.kubelet import Pod
    from tests.simulation.world import World


def crash(world: World) -> None:
    """mysqld of some members is killed."""
    for pod in some(world):
        world.kubelet.kill_mysqld(pod)


def crash_all(world: World) -> None:
    """All pods are killed, and come back one after the other."""
    for pod in members(world):
        world.kernel.after(world.plan.uniform(0, 2), partial(world.kubelet.delete_pod, pod, graceful=False))


def freeze(world: World) -> None:
    """mysqld of a member stops for a while (SIGSTOP)."""
    for pod in some(world):
        server = pod.server
        if server and server.process.running:
            server.process.stop()
            world.log(pod.name, "mysqld is stopped")
            world.kernel.after(world.plan.uniform(1, 30), server.continue_)


def hang_node(world: World) -> None:
    """Nodes hang: neither mysqld nor the agent runs for a while."""
    for pod in some(world):
        hang(world, pod, world.plan.uniform(5, 90))


def hang(world: World, pod: Pod, seconds: float) -> None:
    """Let the node of a pod hang for some seconds."""
    server, agent = pod.server, pod.agent
    if server and agent and server.process.running and agent.running:
        server.process.stop()
        agent.stop()
        world.log(pod.name, "node hangs")
        world.kernel.after(seconds, server.continue_)
        world.kernel.after(seconds + world.plan.uniform(0, 2), agent.continue_)


def hang_group_replication(world: World) -> None:
    """Group Replication of a replica hangs; mysqld answers as before."""
    hang_replica(world, one(world))


def hang_replica(world: World, pod: Pod) -> None:
    """Let Group Replication of a replica hang until its mysqld ends; of one at a time, since two confirm each other."""
    seats = [each.server.seat for each in world.pods.values() if each.server and each.server.seat]
    seat = pod.server.seat if pod.server and not any(each.hung for each in seats) else None
    if seat and seat.running and seat not in (seat.group.view.primary, seat.view.primary):
        seat.hung = True
        world.log(pod.name, "Group Replication hangs")


def slow(world: World) -> None:
    """Statements of the agent take seconds; the group's traffic does not."""
    for pod in some(world):
        if pod.server:
            pod.server.slow_until = world.kernel.now + world.plan.uniform(1, 8)
            world.log(pod.name, "mysqld answers slowly")


def crash_agents(world: World) -> None:
    """Agents are killed."""
    for pod in some(world):
        world.kubelet.kill_agent(pod)


def freeze_agents(world: World) -> None:
    """Agents stop for a while."""
    for pod in some(world):
        agent = pod.agent
        if agent and agent.running:
            agent.stop()
            world.log(pod.name, "agent is stopped")
            world.kernel.after(world.plan.uniform(1, 20), agent.continue_)


def delete(world: World) -> None:
    """Pods are deleted, as by a person or a rolling update."""
    for pod in some(world):
        world.kubelet.delete_pod(pod, graceful=world.plan.random() < 0.7)


def lose_node(world: World) -> None:
    """A node is lost, and comes back, or the pod gets another node, without its volume."""
    lose(world, one(world), keeps=world.plan.random() < 0.6)


def power_failure(world: World) -> None:
    """All nodes are lost, and return one after the other; sometimes without the Lease, and without a volume."""
    loses_lease, loses_volume = world.plan.random() < 0.3, world.plan.random() < 0.5
    unlucky = one(world)
    for pod in members(world):
        lose(world, pod, keeps=not (loses_volume and pod is unlucky))
        if world.plan.random() < 0.3:
            world.skew[pod.name] = world.plan.uniform(-600, 600)
    if loses_lease:
        lease(world)


def lose(world: World, pod: Pod, *, keeps: bool, seconds: float | None = None) -> None:
    """Lose the node of a pod for some seconds, with or without its volume."""
    seconds = seconds or world.plan.uniform(2, 90)
    if pod.up and not pod.deleting and world.api.labels(pod.name):
        world.kubelet.lose_node(pod, keeps=keeps)
        outage = pod.outages
        world.kernel.after(seconds, lambda: world.kubelet.return_node(pod, outage))


def lease(world: World) -> None:
    """The Lease is deleted, and an upgrade of the release makes it again."""
    world.lose_lease()
    world.kernel.after(world.plan.uniform(0, 20), world.create_lease)


def clocks(world: World) -> None:
    """The clocks of the nodes differ by minutes."""
    for pod in some(world):
        world.skew[pod.name] = world.plan.uniform(-600, 600)
        world.log(pod.name, f"clock is off by {world.skew[pod.name]:.0f} s")


def switch(world: World) -> None:
    """A person makes another member the primary."""
    for group in world.groups:
        online = [seat for seat in group.seats if seat.online and seat.running]
        if group.leader() and online:
            group.appoint(world.plan.choice(online))


def scale(world: World) -> None:
    """The number of members changes; volumes of removed pods stay."""
    world.scale_to(world.plan.randint(1, min(9, world.wanted + 2)))


def errant(world: World) -> None:
    """Somebody writes to a replica."""
    pod = one(world)
    if pod.server and pod.server.answers:
        pod.volume.add(pod.volume.uuid, ERRANT)
        world.checks.errant = True
        world.log(pod.name, "has a transaction of its own")


def recovery(world: World) -> None:
    """Distributed recovery fails."""
    world.recovery_failures = 0.5
    world.log("group", "recoveries fail")
    world.kernel.after(world.plan.uniform(5, 40), lambda: setattr(world, "recovery_failures", 0.0))


Fault = Callable[["World"], None]
FAULTS: tuple[Fault, ...] = (
    crash,
    crash_all,
    freeze,
    hang_node,
    hang_group_replication,
    slow,
    crash_agents,
    freeze_agents,
    delete,
    lose_node,
    power_failure,
    partition,
    partition_pair,
    http,
    api,
    lease,
    clocks,
    scale,
    switch,
    errant,
    recovery,
)
