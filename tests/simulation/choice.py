"""Which members a fault concerns."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.kubelet import Pod
    from tests.simulation.world import World


def members(world: World) -> list[Pod]:
    """All members that the StatefulSet wants."""
    return [world.pods[name] for name in world.names]


def one(world: World) -> Pod:
    """A member, and often the primary."""
    labelled = [pod for pod in members(world) if world.api.labels(pod.name).get("role") == "primary"]
    chosen = labelled if labelled and world.plan.random() < 0.5 else members(world)
    return world.plan.choice(chosen)


def some(world: World) -> list[Pod]:
    """One member, sometimes more."""
    more = world.plan.random() < 0.4
    number = world.plan.randint(1, world.wanted) if more else 1
    chosen = [one(world), *world.plan.sample(members(world), number - 1)]
    return list(dict.fromkeys(chosen))
