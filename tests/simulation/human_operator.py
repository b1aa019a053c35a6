"""The operator of docs/operations.md: does what only a person may decide, once all machines work again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.world import World

WAIT_SECONDS = 30  # that all of the group is down, before the operator decides
PREFIX = "mysql.efishery/"


class Operator:
    """Decides only where Checks.needs_operator says that agents may have to wait: all else they must do."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._down_since: float | None = None

    def look(self) -> None:
        """Look at the group, and decide if it needs a person."""
        world = self.world
        if any(group.leader() for group in world.groups) or not world.checks.needs_operator:
            self._down_since = None
            return
        self._down_since = self._down_since or world.kernel.now
        lease = world.api.find("lease", "mysql")
        if world.kernel.now - self._down_since < WAIT_SECONDS or not lease:
            return
        self._down_since = None
        self._decide(lease["metadata"].get("annotations", {}).get(f"{PREFIX}group"))

    def _decide(self, group: str | None) -> None:
        """Bring the member with the most data back, or start the group from it; give up what nobody has."""
        world = self.world
        most = max(world.pods, key=lambda name: world.pods[name].volume.size)
        if most not in world.names:
            world.scale_to(1 + int(most.rpartition("-")[2]))
            return
        request = {"start-empty": group or "unknown"}
        if group and world.pods[most].volume.data:
            request = {"force-reboot": most}
        world.checks.operator_decided = True
        world.log("operator", str(request))
        annotations = {f"{PREFIX}{key}": value for key, value in request.items()}
        world.api.patch("lease", "mysql", {"metadata": {"annotations": annotations}})
