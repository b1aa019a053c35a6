"""Faults of the network. Each begins one, and arranges its end."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from tests.simulation.choice import members, some
from tests.simulation.network import API_SERVER, Traffic

if TYPE_CHECKING:
    from tests.simulation.world import World


def partition(world: World) -> None:
    """Some members are cut off from the others, for one kind of traffic or all."""
    inside = {pod.name for pod in some(world)}
    others = [pod.name for pod in members(world) if pod.name not in inside]
    pairs = [(name, other) for name in sorted(inside) for other in others]
    to_api = [(name, API_SERVER) for name in sorted(inside)]
    kinds = world.plan.choice(
        ((Traffic.GROUP, Traffic.HTTP, Traffic.API), (Traffic.GROUP, Traffic.HTTP), (Traffic.GROUP,), (Traffic.HTTP,))
    )
    for kind in kinds:
        _cut(world, kind, to_api if kind is Traffic.API else pairs)


def partition_pair(world: World) -> None:
    """Two members do not reach each other, and both reach all others."""
    pairs = list(combinations([pod.name for pod in members(world)], 2))
    if pairs:
        _cut(world, Traffic.GROUP, [world.plan.choice(pairs)])


def http(world: World) -> None:
    """No agent reaches another."""
    _cut(world, Traffic.HTTP, list(combinations([pod.name for pod in members(world)], 2)))


def api(world: World) -> None:
    """The Kubernetes API does not answer some agents, or answers are lost."""
    if world.plan.random() < 0.3:
        world.api.lost_answers = 0.3
        world.kernel.after(world.plan.uniform(5, 30), lambda: setattr(world.api, "lost_answers", 0.0))
    else:
        _cut(world, Traffic.API, [(pod.name, API_SERVER) for pod in some(world)])


def _cut(world: World, traffic: Traffic, pairs: list[tuple[str, str]]) -> None:
    world.network.cut(traffic, pairs)
    world.log("network", f"{traffic} cut: {' '.join('/'.join(pair) for pair in pairs)}")
    world.kernel.after(world.plan.uniform(1, 90), lambda: world.network.mend(traffic, pairs))
