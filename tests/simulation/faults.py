"""The faults. Each begins one, and arranges its end."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import TYPE_CHECKING

from tests.simulation.mysqld import ERRANT
from tests.simulation.network import API_SERVER, Traffic

if TYPE_CHECKING:
    from tests.simulation.world import Pod, World


def crash(world: World) -> None:
    """mysqld of some members is killed."""
    for pod in _some(world):
        world.kill_mysqld(pod)


def crash_all(world: World) -> None:
    """All pods are killed, and come back one after the other."""
    for pod in _pods(world):
        world.kernel.after(world.kernel.between(0, 2), lambda pod=pod: world.delete_pod(pod, graceful=False))  # type: ignore[misc]


def freeze(world: World) -> None:
    """mysqld of a member stops for a while (SIGSTOP)."""
    for pod in _some(world):
        server = pod.server
        if server and server.process.running:
            server.process.stop()
            world.log(pod.name, "mysqld is stopped")
            world.kernel.after(world.kernel.between(1, 30), server.continue_)


def hang_node(world: World) -> None:
    """Nodes hang: neither mysqld nor the agent runs for a while."""
    for pod in _some(world):
        server, agent = pod.server, pod.agent
        if server and agent and server.process.running and agent.running:
            server.process.stop()
            agent.stop()
            world.log(pod.name, "node hangs")
            seconds = world.kernel.between(5, 90)
            world.kernel.after(seconds, server.continue_)
            world.kernel.after(seconds + world.kernel.between(0, 2), agent.continue_)


def slow(world: World) -> None:
    """Statements of the agent take seconds; the group's traffic does not."""
    for pod in _some(world):
        if pod.server:
            pod.server.slow_until = world.kernel.now + world.kernel.between(1, 8)
            world.log(pod.name, "mysqld answers slowly")


def crash_agents(world: World) -> None:
    """Agents are killed."""
    for pod in _some(world):
        world.kill_agent(pod)


def freeze_agents(world: World) -> None:
    """Agents stop for a while."""
    for pod in _some(world):
        agent = pod.agent
        if agent and agent.running:
            agent.stop()
            world.log(pod.name, "agent is stopped")
            world.kernel.after(world.kernel.between(1, 20), agent.continue_)


def delete(world: World) -> None:
    """Pods are deleted, as by a person or a rolling update."""
    for pod in _some(world):
        world.delete_pod(pod, graceful=world.kernel.random.random() < 0.7)


def lose_node(world: World) -> None:
    """A node is lost, and comes back, or the pod gets another node, without its volume."""
    _lose(world, _one(world), keeps=world.kernel.random.random() < 0.6)


def power_failure(world: World) -> None:
    """All nodes are lost at once, and return one after the other; sometimes the Lease is lost with them, and a volume."""
    loses_lease, loses_volume = world.kernel.random.random() < 0.3, world.kernel.random.random() < 0.3
    unlucky = world.kernel.random.choice(_pods(world))
    for pod in _pods(world):
        _lose(world, pod, keeps=not (loses_volume and pod is unlucky))
        if world.kernel.random.random() < 0.3:
            world.skew[pod.name] = world.kernel.between(-600, 600)
    if loses_lease:
        lease(world)


def _lose(world: World, pod: Pod, *, keeps: bool) -> None:
    if not pod.up or pod.deleting or not world.api.labels(pod.name):
        return
    pod.up = False
    world.end_pod(pod)
    world.log(pod.name, f"node lost, volume {'kept' if keeps else 'lost'}")
    world.kernel.after(world.kernel.between(2, 90), lambda: _return(world, pod, keeps=keeps))


def _return(world: World, pod: Pod, *, keeps: bool) -> None:
    world.api.delete("pod", pod.name)
    pod.up = True
    if not keeps:
        world.lose_volume(pod)
    if pod.name in world.names:
        world.create_pod(pod.name)


def partition(world: World) -> None:
    """Some members are cut off from the others, for one kind of traffic or all."""
    some = {pod.name for pod in _some(world)}
    others = [pod.name for pod in _pods(world) if pod.name not in some]
    pairs = [(one, other) for one in sorted(some) for other in others]
    to_api = [(one, API_SERVER) for one in sorted(some)]
    kinds = world.kernel.random.choice(
        ((Traffic.GROUP, Traffic.HTTP, Traffic.API), (Traffic.GROUP, Traffic.HTTP), (Traffic.GROUP,), (Traffic.HTTP,))
    )
    for kind in kinds:
        _cut(world, kind, to_api if kind is Traffic.API else pairs)


def partition_pair(world: World) -> None:
    """Two members do not reach each other, and both reach all others."""
    pairs = list(combinations([pod.name for pod in _pods(world)], 2))
    if pairs:
        _cut(world, Traffic.GROUP, [world.kernel.random.choice(pairs)])


def http(world: World) -> None:
    """No agent reaches another."""
    _cut(world, Traffic.HTTP, list(combinations([pod.name for pod in _pods(world)], 2)))


def api(world: World) -> None:
    """The Kubernetes API does not answer some agents, or answers are lost."""
    if world.kernel.random.random() < 0.3:
        world.api.lost_answers = 0.3
        world.kernel.after(world.kernel.between(5, 30), lambda: setattr(world.api, "lost_answers", 0.0))
    else:
        _cut(world, Traffic.API, [(pod.name, API_SERVER) for pod in _some(world)])


def lease(world: World) -> None:
    """The Lease is deleted, and an upgrade of the release makes it again."""
    world.api.delete("lease", "mysql")
    world.checks.lease_lost = True
    world.log("api", "the Lease is lost")
    world.kernel.after(world.kernel.between(0, 20), world.create_lease)


def clocks(world: World) -> None:
    """The clocks of the nodes differ by minutes."""
    for pod in _some(world):
        world.skew[pod.name] = world.kernel.between(-600, 600)
        world.log(pod.name, f"clock is off by {world.skew[pod.name]:.0f} s")


def scale(world: World) -> None:
    """The number of members changes; volumes of removed pods stay."""
    before, world.wanted = world.names, world.kernel.random.randint(1, min(9, world.wanted + 2))
    world.log("scale", f"{len(before)} to {world.wanted} members")
    for name in world.names:
        if name not in before:
            world.create_pod(name)
    for name in before:
        if name not in world.names:
            world.checks.scaled_in = True
            world.delete_pod(world.pods[name], graceful=True)


def errant(world: World) -> None:
    """Somebody writes to a replica."""
    pod = _one(world)
    if pod.server and pod.server.answers:
        pod.volume.add(pod.volume.uuid, ERRANT)
        world.checks.errant = True
        world.log(pod.name, "has a transaction of its own")


def recovery(world: World) -> None:
    """Distributed recovery fails."""
    world.recovery_failures = 0.5
    world.log("group", "recoveries fail")
    world.kernel.after(world.kernel.between(5, 40), lambda: setattr(world, "recovery_failures", 0.0))


def _pods(world: World) -> list[Pod]:
    return [world.pods[name] for name in world.names]


def _one(world: World) -> Pod:
    """A member, and often the primary."""
    labelled = [pod for pod in _pods(world) if world.api.labels(pod.name).get("role") == "primary"]
    chosen = labelled if labelled and world.kernel.random.random() < 0.5 else _pods(world)
    return world.kernel.random.choice(chosen)


def _some(world: World) -> list[Pod]:
    """One member, sometimes more."""
    more = world.kernel.random.random() < 0.4
    number = world.kernel.random.randint(1, world.wanted) if more else 1
    chosen = [_one(world), *world.kernel.random.sample(_pods(world), number - 1)]
    return list(dict.fromkeys(chosen))


def _cut(world: World, traffic: Traffic, pairs: list[tuple[str, str]]) -> None:
    world.network.cut(traffic, pairs)
    world.log("network", f"{traffic} cut: {' '.join('/'.join(pair) for pair in pairs)}")
    world.kernel.after(world.kernel.between(1, 90), lambda: world.network.mend(traffic, pairs))


Fault = Callable[["World"], None]
FAULTS: tuple[Fault, ...] = (
    crash,
    crash_all,
    freeze,
    hang_node,
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
    errant,
    recovery,
)
